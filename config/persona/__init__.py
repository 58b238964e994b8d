"""Who the receptionist is and how she speaks: name, manner, words she never uses. Data; no code in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import Field, model_validator

from config.flows import Both
from config.load import load_yaml
from config.schema import Section

DEFAULT: Final = Path(__file__).parent / "xiaoying.yaml"
Profile = Literal["standard", "elder", "brisk", "child"]
OPENINGS: Final = ("condolence", "calm_anger", "calm_fear", "comfort")


class Style(Section):
    speed: float = Field(ge=0.6, le=1.3, description="times the usual pace")
    sentences: int = Field(ge=1, le=6, description="of an answer spoken at a go; the rest is on the screen")


class Replacements(Section):
    zh: dict[str, str] = Field(default_factory=dict, max_length=100)
    en: dict[str, str] = Field(default_factory=dict, max_length=100)


class Forbidden(Section):
    zh: tuple[str, ...] = Field(default=(), max_length=100)
    en: tuple[str, ...] = Field(default=(), max_length=100)


class Persona(Section):
    name: Both
    manner: Literal["warm", "formal", "lively"] = "warm"
    forbidden: Forbidden = Forbidden()
    replace: Replacements = Replacements()
    styles: dict[Profile, Style]
    openings: dict[str, Both]

    @model_validator(mode="after")
    def _complete(self) -> Persona:
        if missing := [name for name in get_args(Profile) if name not in self.styles]:
            raise ValueError(f"styles: {', '.join(missing)} missing")
        if missing := [name for name in OPENINGS if name not in self.openings]:
            raise ValueError(f"openings: {', '.join(missing)} missing")
        for words, pairs in ((self.forbidden.zh, self.replace.zh), (self.forbidden.en, self.replace.en)):
            if any(not word.strip() for word in (*words, *pairs)):
                raise ValueError("an empty word would match everywhere")
            if clash := [new for new in pairs.values() if any(word.lower() in new.lower() for word in words)]:
                raise ValueError(f"replace: {clash[0]!r} is forbidden itself")
        return self


def load_persona(path: Path = DEFAULT) -> Persona:
    """Raises `ConfigError` with file, line and key."""
    return load_yaml(path, Persona)
