"""What working together needs of the rest of the terminal, as Protocols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from contracts import together as t
from contracts.screen import Language
from contracts.together import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedText:
    """A text of the content pack, as it may be shown."""

    title: str
    text: str
    source: str


class Library(Protocol):
    """The approved texts in force."""

    def entry(self, name: str, language: Language) -> ApprovedText | None:
        """None: there is no such text, or its last day is over."""


@dataclass(frozen=True, slots=True)
class Looked:
    """How a look ended, and what it found, by code."""

    outcome: Literal["done", "failed", "not_available", "declined"]
    found: Found = ""


class FreshLook(Protocol):
    """A new picture of a document, or a new check of the face, on the terminal; no picture is given to anybody."""

    def hindered(self, what: Literal["document", "face"]) -> Looked | None:
        """Why the visitor need not be asked at all: it cannot be done now. None: it can."""

    async def look(self, what: Literal["document", "face"]) -> Looked:
        """Within its own bound, after the visitor said yes. `not_available`: there is nothing to do it with."""

    def stop(self, what: Literal["document", "face"]) -> None:
        """The visitor does not want to be looked at any longer, or the case is over: `look` ends soon."""

    def refused(self, what: Literal["document", "face"]) -> None:
        """The visitor said no."""


class Receipts(Protocol):
    """Paper for the visitor."""

    async def print(self, title: str, lines: tuple[str, ...]) -> Literal["done", "no_paper", "failed", "not_available"]:
        """Within the printer's own bound."""


class Keeps(Protocol):
    """What is signed goes to disk before anybody is told that it is signed."""

    async def signed(self, paper: t.SignedPaper) -> None:
        """Raises `OutboxFull`."""


class NoFreshLook:
    """A terminal without document and face checks: says so at once, and nobody is asked for nothing."""

    def hindered(self, what: Literal["document", "face"]) -> Looked | None:
        return Looked("not_available")

    async def look(self, what: Literal["document", "face"]) -> Looked:
        return Looked("not_available")

    def stop(self, what: Literal["document", "face"]) -> None:
        """Nothing is being done."""

    def refused(self, what: Literal["document", "face"]) -> None:
        """Nobody was asked."""
