"""What may be guessed of a visitor's wish, and how it is shown. Data; no code in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field, model_validator

from config.flows import Both, Id
from config.load import load_yaml
from config.schema import Section

DEFAULT: Final = Path(__file__).parent / "guesses.yaml"


class Peak(Section):
    """Hours in which a wish is likelier."""

    since: int = Field(ge=0, le=23)
    until: int = Field(ge=1, le=24, description="this hour no more")
    weight: float = Field(ge=0, le=1000)


class Guess(Section):
    wish: Id
    label: Both
    detail: Both
    icon: str = Field(max_length=20)
    weight: float = Field(ge=0, le=1000, description="before anything was learnt: as so many visitors")
    peaks: tuple[Peak, ...] = Field(default=(), max_length=4)
    ticket: bool | None = Field(default=None, description="only with a number, or only without one")
    appointment: bool = Field(default=False, description="only while somebody with an appointment is expected")
    open: bool | None = Field(default=None, description="only while the branch is open, or only while it is not")


class Guesses(Section):
    guesses: tuple[Guess, ...] = Field(min_length=3, max_length=40)

    @model_validator(mode="after")
    def _each_once(self) -> Guesses:
        wishes = [row.wish for row in self.guesses]
        if twice := sorted({wish for wish in wishes if wishes.count(wish) > 1}):
            raise ValueError(f"twice: {', '.join(twice)}")
        for with_ticket in (True, False):
            for is_open in (True, False):
                fit = [
                    row
                    for row in self.guesses
                    if row.ticket in (None, with_ticket) and row.open in (None, is_open) and not row.appointment
                ]
                if len(fit) < 3:
                    raise ValueError(f"fewer than three with ticket={with_ticket}, open={is_open}")
        return self


def load_guesses(path: Path = DEFAULT) -> tuple[Guess, ...]:
    """Raises `ConfigError` with file, line and key."""
    return load_yaml(path, Guesses).guesses
