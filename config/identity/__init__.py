"""What is said and shown while a face is checked: consent, advice, instructions. Words only, in both languages."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import Field

from config.flows import Both
from config.load import load_yaml
from config.schema import Section

PATH: Final = Path(__file__).parent / "texts.yaml"


class IdentityTexts(Section):
    """Sentences by code. A changed consent needs a new version: it is what the ledger records."""

    consent_version: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    consent: Both
    advice: dict[str, Both]
    instructions: dict[str, Both]


@lru_cache(maxsize=1)
def load_identity_texts(path: Path = PATH) -> IdentityTexts:
    """Raises `ConfigError`."""
    return load_yaml(path, IdentityTexts)
