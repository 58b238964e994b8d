"""What helps a teller in a talk: questions that a service requires, promises that nobody may make, what comes next.

Data alone (`teller_help.yaml`): which question belongs to which service, which words promise too much, which step
follows from what is known. How it is shown is the desk's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from config.flows import Both, Id
from config.load import load_yaml
from config.schema import CONFIG_DIR, Section

HELP_FILE: Final = CONFIG_DIR / "teller_help.yaml"
EVERY: Final = "*"
ServiceId = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z][a-z0-9_-]{0,39})$")]
Pattern = Annotated[str, StringConstraints(min_length=2, max_length=160)]
RiskLevel = Literal["low", "medium", "high", "emergency"]
PLAIN: Final = re.compile(r"\(\?(?!:)|\\[pPkKGzZAQ]")
"""What Python and JavaScript read differently: look-arounds, named groups, flags, properties of characters."""


class Question(Section):
    """Something that must be asked before this service is done."""

    id: Id
    services: tuple[ServiceId, ...] = Field(min_length=1, max_length=20, description="'*': every service")
    text: Both
    risk: tuple[RiskLevel, ...] = Field(default=(), max_length=4, description="only at these levels; none: always")


class Promise(Section):
    """Words that promise what the bank may not: matched without regard to case, in what a teller writes."""

    id: Id
    patterns: tuple[Pattern, ...] = Field(min_length=1, max_length=20, description="regular expressions, both tongues")
    why: Both

    @field_validator("patterns")
    @classmethod
    def _read_alike(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """The desk's page matches them, too: only what both kinds of expressions share."""
        for pattern in patterns:
            if PLAIN.search(pattern):
                raise ValueError(f"not read alike by browsers: {pattern}")
            try:
                re.compile(pattern)
            except re.error as err:
                raise ValueError(f"not a regular expression: {pattern} ({err})") from err
        return patterns


class NextStep(Section):
    """What to do next where all that is given holds."""

    id: Id
    text: Both
    services: tuple[ServiceId, ...] = Field(default=(EVERY,), min_length=1, max_length=20)
    risk: tuple[RiskLevel, ...] = Field(default=(), max_length=4)
    feeling: tuple[str, ...] = Field(default=(), max_length=8, description="emotions, clearly felt")
    identity: tuple[Literal["verified", "not_verified", "unsure", "unknown"], ...] = Field(default=(), max_length=4)
    asked: Literal["open", "done"] | None = Field(default=None, description="required questions open, or all ticked")


class TellerHelp(Section):
    """All of it."""

    questions: tuple[Question, ...] = Field(min_length=1, max_length=80)
    promises: tuple[Promise, ...] = Field(min_length=1, max_length=60)
    next_steps: tuple[NextStep, ...] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _each_once(self) -> TellerHelp:
        for rows in (self.questions, self.promises, self.next_steps):
            names = [row.id for row in rows]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"twice: {', '.join(twice)}")
        return self

    def required(self, service: str, risk: str) -> tuple[Question, ...]:
        """What must be asked for this service at this level of risk."""
        return tuple(
            row for row in self.questions if _is_for(row.services, service) and (not row.risk or risk in row.risk)
        )

    def promised(self, text: str) -> tuple[Promise, ...]:
        """The forbidden promises in a text."""
        said = text.lower()
        return tuple(row for row in self.promises if any(re.search(one, said) for one in row.patterns))

    def follows(self, service: str, *, risk: str, feeling: str, identity: str, all_asked: bool) -> tuple[NextStep, ...]:
        """What to do next, in the file's order. `feeling`: '' where none is clear."""
        asked = "done" if all_asked else "open"
        return tuple(
            row
            for row in self.next_steps
            if _is_for(row.services, service)
            and (not row.risk or risk in row.risk)
            and (not row.feeling or feeling in row.feeling)
            and (not row.identity or identity in row.identity)
            and (row.asked is None or row.asked == asked)
        )


def _is_for(services: Iterable[str], service: str) -> bool:
    return any(one in (EVERY, service) for one in services)


def load_teller_help(path: Path = HELP_FILE) -> TellerHelp:
    """Raises `ConfigError` with file, line and key."""
    return _read(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int) -> TellerHelp:
    """A file that did not change is read once: every open page asks for it."""
    return load_yaml(path, TellerHelp)
