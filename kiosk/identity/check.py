"""One check of a face at the terminal: look, instruct, compare; several tries, then the other way.

It runs inside a visitor's turn, after consent, and ends with a finding, whatever the visitor does; a touch or a word
ends it. Frames are looked at on the models' thread and dropped; what it gathered is wiped before it returns.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import numpy as np

from config.flows import Both
from config.identity import load_identity_texts
from kiosk.identity.drift import ScoreHistogram
from kiosk.identity.faces import Comparison, FaceReader, Match, Seen, Template, says
from kiosk.identity.flash import COLOURS, light_of, order
from kiosk.identity.liveness import TRIES_MOST, Challenge, Crowd, Look, Result, sequence
from kiosk.identity.ports import Flash, Frames, Prompter
from kiosk.identity.quality import Advice, Picture
from kiosk.identity.shake import Surroundings
from kiosk.identity.surround import bezel
from kiosk.identity.verdict import FaceFinding, together
from kiosk.ports import Clock

FRAME_WAIT_S: Final = 1.0
GLASS_WAIT_S: Final = 0.5  # for a colour to be on the glass
ALWAYS: Final[frozenset[Advice]] = frozenset({"one_person", "no_face"})  # said in the middle of a step too
ADVISE_AFTER_NS: Final = 1_500_000_000  # advice that lasts so long is spoken
GATHERED: Final = 5  # pictures that a template to keep is made of
GATHER_S: Final = 25.0
APART_NS: Final = 300_000_000  # between two of them: five of one moment are one
WHOLE_S: Final = 75.0  # of all tries together: then the other way, whatever state they are in


class Thread(Protocol):
    async def call(self, work: Callable[..., Any], *args: Any) -> Any: ...


@dataclass(slots=True)
class FaceCheck:
    """Built once for a terminal; `run` for each visitor who agreed."""

    frames: Frames
    reader: FaceReader
    thread: Thread
    clock: Clock
    prompter: Prompter
    histogram: ScoreHistogram
    rng: random.Random = field(default_factory=random.SystemRandom)
    wanted: Callable[[], bool] = lambda: True  # False once the visitor touched or said something else, or left
    tally: Counter[str] = field(default_factory=Counter)
    flash: Flash | None = None  # None: the display is not known to light a face

    async def run(self, reference: Template | None, kept: Template | None = None) -> FaceFinding:
        """Against a photo's template, one that was kept, or both. Never raises for what a visitor does."""
        ends_ns = self.clock.now_ns() + int(WHOLE_S * 1e9)
        comparison = Comparison(self.reader)
        tries = 0
        result: Result | None = None
        match: Match | None = None
        try:
            while tries < TRIES_MOST and self.clock.now_ns() < ends_ns and self.wanted():
                tries += 1
                result = await self._one_try(comparison, ends_ns)
                photo = None if reference is None else await self.thread.call(comparison.match, reference)
                again = None if kept is None else await self.thread.call(comparison.match, kept)
                match = together(photo, again)
                self.tally[f"try {result.outcome}"] += 1
                if result.outcome == "live" or (result.outcome == "spoof" and tries > 1):
                    break
            if match is not None and match.score is not None:
                self.histogram.add(match.score)
            by: Literal["document", "template", "both"]
            by = "document" if kept is None else "template" if reference is None else "both"
            return FaceFinding(consent=True, match=match, liveness=result, tries=tries, by=by)
        finally:
            comparison.forget()

    async def gather(self, reference: Template) -> Template | None:
        """(128,) of several good pictures, each like `reference`, for whoever agreed to be known again; the caller
        wipes it. None: they did not come together in time, one showed somebody else, or the visitor went on."""
        ends_ns = self.clock.now_ns() + int(GATHER_S * 1e9)
        texts, at_ns, taken_ns = load_identity_texts(), self.clock.now_ns(), 0
        good: list[Template] = []
        speaking = await self._say(texts.instructions["look_here"], None, None)
        advice, advised_ns = None, at_ns
        try:
            while len(good) < GATHERED and self.clock.now_ns() < ends_ns and self.wanted():
                frame = await self.frames.newer(at_ns, FRAME_WAIT_S)
                if frame is None:
                    continue
                at_ns = frame.at_ns
                found, mine = await self.thread.call(self._one_of_several, frame.bgr)
                if found != advice:
                    advice, advised_ns = found, at_ns
                elif advice and at_ns - advised_ns > ADVISE_AFTER_NS:
                    speaking = await self._say(texts.advice[advice], None, speaking)
                    advised_ns = at_ns + ADVISE_AFTER_NS
                if mine is None:
                    continue
                alike = says(float(mine @ reference), good=True)
                if alike == "other":
                    mine.fill(0)
                    self.tally["gather another_face"] += 1
                    return None
                if alike == "same" and (not good or at_ns - taken_ns >= APART_NS):
                    good.append(mine)
                    taken_ns = at_ns
                else:
                    mine.fill(0)
            self.tally[f"gather {len(good)} of {GATHERED}"] += 1
            if len(good) < GATHERED:
                return None
            mean = np.mean(good, axis=0)
            return np.asarray(mean / np.linalg.norm(mean), np.float32)
        finally:
            for one in good:
                one.fill(0)
            speaking.cancel()

    def _one_of_several(self, bgr: Picture) -> tuple[Advice | None, Template | None]:
        """A template of a picture with nothing to say against it; else the advice. Runs on the models' thread."""
        seen = self.reader.see(bgr)
        if not isinstance(seen, Seen):
            return seen[0], None
        return (seen.advice[0], None) if seen.advice else (None, self.reader.template(seen))

    async def _one_try(self, comparison: Comparison, ends_ns: int) -> Result:
        colours = order(self.rng) if self.flash is not None else ()
        challenge = Challenge(sequence(self.rng), self.clock.now_ns(), colours)
        lit: int | None = None
        around = Surroundings()
        speaking: asyncio.Task[None] | None = None
        told: tuple[str, int] = ("", 0)
        advice: Advice | None = None
        advised_ns = at_ns = self.clock.now_ns()
        texts = load_identity_texts()
        try:
            while challenge.result is None:
                if (challenge.instruction, challenge.nudges) != told:
                    told = (challenge.instruction, challenge.nudges)
                    words = texts.again if challenge.nudges else texts.instructions
                    speaking = await self._say(words[told[0]], challenge, speaking)
                if challenge.colour != lit:
                    lit = await self._light(challenge)
                frame = await self.frames.newer(at_ns, FRAME_WAIT_S)
                if frame is None or self.clock.now_ns() > ends_ns or not self.wanted():
                    challenge.look(None, max(self.clock.now_ns(), challenge.deadline_ns + 1))
                    continue
                at_ns = frame.at_ns
                resting = challenge.instruction == "look_here"
                look, found = await self.thread.call(self._look, comparison, frame.bgr, resting, around)
                challenge.look(look, at_ns)
                if found != advice:
                    advice, advised_ns = found, at_ns
                elif advice and (resting or advice in ALWAYS) and at_ns - advised_ns > ADVISE_AFTER_NS:
                    speaking = await self._say(texts.advice[advice], challenge, speaking)
                    advised_ns = at_ns + ADVISE_AFTER_NS
            return challenge.result
        finally:
            challenge.forget()
            around.forget()
            if lit is not None and self.flash is not None:
                await self.flash.show(None, GLASS_WAIT_S)
            if speaking is not None:
                speaking.cancel()

    async def _light(self, challenge: Challenge) -> int | None:
        """Have the wanted colour shown. A screen that does not answer in time leaves the try to its deadline."""
        wanted = challenge.colour
        if self.flash is None:
            return None
        since_ns = await self.flash.show(None if wanted is None else COLOURS[wanted], GLASS_WAIT_S)
        if since_ns is not None and wanted is not None:
            challenge.shown(since_ns)
        return wanted

    def _look(
        self, comparison: Comparison, bgr: Picture, resting: bool, around: Surroundings
    ) -> tuple[Look | Crowd | None, Advice | None]:
        """One frame; at rest it is gathered for the comparison too. Runs on the models' thread."""
        seen = self.reader.see(bgr)
        if resting and isinstance(seen, Seen):
            comparison.take(seen)
        return look_of(self.reader, bgr, seen, around), first_advice(seen)

    async def _say(
        self, said: Both, challenge: Challenge | None, before: asyncio.Task[None] | None
    ) -> asyncio.Task[None]:
        """Without a challenge there are no steps to be shown."""
        if before is not None:
            before.cancel()
        done, steps = (challenge.done, challenge.steps) if challenge else (0, 0)
        telling = self.prompter.tell(said, done, steps)
        return asyncio.create_task(telling, name="face-instruction")


def look_of(
    reader: FaceReader, bgr: Picture, seen: Seen | tuple[Advice, ...], around: Surroundings
) -> Look | Crowd | None:
    """What a frame says about liveness. `around`: of this try."""
    if not isinstance(seen, Seen):
        return Crowd() if seen[0] == "one_person" else None
    template = reader.quick(seen.upright, seen.mesh)
    return Look(mesh=seen.mesh, template=template, edges=bezel(seen.upright, seen.face),
                light=light_of(seen.upright, seen.mesh),
                shift=around.shift(bgr, seen.face))  # fmt: skip


def first_advice(seen: Seen | tuple[Advice, ...]) -> Advice | None:
    found = seen.advice if isinstance(seen, Seen) else seen
    return found[0] if found else None
