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
    """Sentences by code. The words of the consent are the step `consent` of the flow `identify`; when they change, so
    does the version: it is what the ledger records."""

    consent_version: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    advice: dict[str, Both]
    instructions: dict[str, Both]
    again: dict[str, Both]  # the same, plainer, where nothing was seen of it for a while


@lru_cache(maxsize=1)
def load_identity_texts(path: Path = PATH) -> IdentityTexts:
    """Raises `ConfigError`."""
    return load_yaml(path, IdentityTexts)
