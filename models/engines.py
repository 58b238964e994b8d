"""Which recognisers a terminal has, and how one is opened by the name in its configuration.

`whisper` is the product's own; `sherpa:/path/to/folder` is one that the operator brought.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.recognition import SpeechModel
from models.sherpa import EngineError, Sherpa, layout_of
from models.store import Store, StoreError
from models.whisper import Whisper

DEFAULT: Final = "whisper"
SHERPA: Final = "sherpa:"
MODEL_ID: Final = "whisper-base"


def open_recogniser(spec: str, store: Store, threads: int = 2) -> SpeechModel:
    """The recogniser that `spec` names. Raises EngineError for a bad name or folder, StoreError for a missing model."""
    if spec == DEFAULT:
        return Whisper(store.open(MODEL_ID), threads)
    if spec.startswith(SHERPA) and len(spec) > len(SHERPA):
        return Sherpa(Path(spec.removeprefix(SHERPA)).expanduser(), threads)
    raise EngineError(f"no engine {spec!r}: it is {DEFAULT!r} or '{SHERPA}/path/to/folder'")


def installed_engines(store: Store) -> dict[str, str]:
    """Name → spec of every recogniser that lies there: the fetched one, and each folder under `engines/` of the cache.

    Folders that hold no recogniser are left out; opening one by its spec says why.
    """
    found = {}
    try:
        if store.is_stamped(MODEL_ID):
            found[DEFAULT] = DEFAULT
    except StoreError:
        pass  # a store without Whisper in its catalogue
    engines = store.root / "engines"
    for folder in sorted(path for path in engines.glob("*") if path.is_dir()):
        try:
            kind = layout_of(folder).kind
        except EngineError:
            continue
        found[f"sherpa-{kind}:{folder.name}"] = f"{SHERPA}{folder}"
    return found
