"""What the teller asks for beside the form: a text to read, a new look at document or face, paper. Each ends stated.

Nothing is looked at or printed of a visitor who said no, and nobody is asked for what this terminal cannot do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from contracts import together as t
from contracts.screen import Language
from kiosk.together.ports import ApprovedText, FreshLook, Library

ASKS: Final[frozenset[t.ErrandKind]] = frozenset({"document", "face"})


@dataclass(slots=True)
class Errand:
    """One thing that was asked for."""

    errand: str
    kind: t.ErrandKind
    about: str
    outcome: t.ErrandOutcome = "asked"
    found: t.Found = ""
    text: ApprovedText | None = None


class Errands:
    """Of one case, at most `MAX_ERRANDS`; the oldest gives way. `changed`: an outcome is new."""

    def __init__(
        self,
        library: Library,
        fresh: FreshLook,
        prints: Callable[[], Awaitable[t.ErrandOutcome]],
        changed: Callable[[], None],
    ) -> None:
        self._library, self._fresh, self._prints, self._changed = library, fresh, prints, changed
        self._all: list[Errand] = []
        self._working: set[asyncio.Task[None]] = set()
        self._stopped: set[str] = set()  # looks that the visitor ended

    def begin(self, asked: t.AskErrand, language: Language) -> Errand:
        """Take it up; where nothing can come of it, its outcome says so at once."""
        if len(self._all) >= t.MAX_ERRANDS:
            self._all.pop(0)
        errand = Errand(asked.errand, asked.errand_kind, asked.about)
        self._all.append(errand)
        match errand.kind:
            case "read":
                errand.text = self._library.entry(errand.about, language)
                errand.outcome = "asked" if errand.text else "unknown"
            case "print":
                self._work(errand, self._prints())
            case "document" | "face":
                hindered = self._fresh.hindered(_eye(errand))
                if hindered is not None:
                    errand.outcome, errand.found = hindered.outcome, hindered.found
        return errand

    def answer(self, errand: Errand, *, agreed: bool) -> None:
        """The visitor read it, or said yes or no."""
        if errand.kind == "read":
            errand.outcome = "read"
        elif not agreed:
            errand.outcome = "declined"
            self._fresh.refused(_eye(errand))
        else:
            self._work(errand, self._look(errand))

    def stop(self) -> None:
        """The visitor does not want to be looked at any longer."""
        errand = self.looking()
        if errand is not None:
            self._stopped.add(errand.errand)
            self._fresh.stop(_eye(errand))

    def looking(self) -> Errand | None:
        """The look that is being taken just now."""
        return next((one for one in self._all if one.outcome == "working" and one.kind in ASKS), None)

    def waiting(self) -> Errand | None:
        """What waits for the visitor's answer."""
        return next((one for one in self._all if one.outcome == "asked" and (one.text or one.kind in ASKS)), None)

    def stands(self) -> tuple[t.ErrandStands, ...]:
        """As the desk is told."""
        return tuple(
            t.ErrandStands(errand=one.errand, kind=one.kind, outcome=one.outcome, about=one.about, found=one.found)
            for one in self._all
        )

    def forget(self) -> None:
        """The case is over: what is being done for it ends."""
        self.stop()
        for task in tuple(self._working):
            task.cancel()
        self._all.clear()
        self._stopped.clear()

    async def close(self) -> None:
        """Return when nothing is being done any more."""
        self.forget()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def _look(self, errand: Errand) -> t.ErrandOutcome:
        looked = await self._fresh.look(_eye(errand))
        if errand.errand in self._stopped:
            return "declined"
        errand.found = looked.found
        return looked.outcome

    def _work(self, errand: Errand, work: Awaitable[t.ErrandOutcome]) -> None:
        errand.outcome = "working"

        async def whole() -> None:
            try:
                errand.outcome = await work
            except OSError:  # a device; what it said is its adapter's to log
                errand.outcome = "failed"
            self._changed()

        task = asyncio.get_running_loop().create_task(whole(), name="errand")
        self._working.add(task)
        task.add_done_callback(self._working.discard)


def _eye(errand: Errand) -> Literal["document", "face"]:
    return "face" if errand.kind == "face" else "document"
