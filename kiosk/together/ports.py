"""What working together needs of the rest of the terminal, as Protocols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from contracts import together as t
from contracts.screen import Language


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


class FreshLook(Protocol):
    """A new picture of a document, or a new check of the face, on the terminal; no picture is given to anybody."""

    @property
    def has(self) -> frozenset[str]:
        """Which of the two this terminal can do now."""

    async def look(self, what: Literal["document", "face"]) -> Literal["done", "failed", "not_available"]:
        """Within its own bound. `not_available`: this terminal has nothing to do it with."""


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

    @property
    def has(self) -> frozenset[str]:
        return frozenset()

    async def look(self, what: Literal["document", "face"]) -> Literal["done", "failed", "not_available"]:
        return "not_available"
