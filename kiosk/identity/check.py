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
from kiosk.identity.liveness import TRIES_MOST, Challenge, Look, Result, sequence
from kiosk.identity.ports import Frames, Prompter
from kiosk.identity.quality import Advice, Picture
from kiosk.identity.surround import bezel
from kiosk.identity.verdict import FaceFinding, together
from kiosk.ports import Clock

FRAME_WAIT_S: Final = 1.0
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
        speaking = await self._say(texts.instructions["look_here"], None)
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
                    speaking = await self._say(texts.advice[advice], speaking)
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
        challenge = Challenge(sequence(self.rng), self.clock.now_ns())
        speaking: asyncio.Task[None] | None = None
        told = ""
        advice: Advice | None = None
        advised_ns = at_ns = self.clock.now_ns()
        texts = load_identity_texts()
        try:
            while challenge.result is None:
                if challenge.instruction != told:
                    told = challenge.instruction
                    speaking = await self._say(texts.instructions[told], speaking)
                frame = await self.frames.newer(at_ns, FRAME_WAIT_S)
                if frame is None or self.clock.now_ns() > ends_ns or not self.wanted():
                    challenge.look(None, max(self.clock.now_ns(), challenge.deadline_ns + 1))
                    continue
                at_ns = frame.at_ns
                look, found = await self.thread.call(self._look, comparison, frame.bgr, told == "look_here")
                challenge.look(look, at_ns)
                if found != advice:
                    advice, advised_ns = found, at_ns
                elif advice and told == "look_here" and at_ns - advised_ns > ADVISE_AFTER_NS:
                    speaking = await self._say(texts.advice[advice], speaking)
                    advised_ns = at_ns + ADVISE_AFTER_NS
            return challenge.result
        finally:
            challenge.forget()
            if speaking is not None:
                speaking.cancel()

    def _look(self, comparison: Comparison, bgr: Picture, resting: bool) -> tuple[Look | None, Advice | None]:
        """One frame; at rest it is gathered for the comparison too. Runs on the models' thread."""
        seen = self.reader.see(bgr)
        if not isinstance(seen, Seen):
            return None, seen[0]
        if resting:
            comparison.take(seen)
        template = self.reader.quick(seen.upright, seen.mesh)
        look = Look(mesh=seen.mesh, template=template, edges=bezel(seen.upright, seen.face))
        return look, seen.advice[0] if seen.advice else None

    async def _say(self, said: Both, before: asyncio.Task[None] | None) -> asyncio.Task[None]:
        if before is not None:
            before.cancel()
        return asyncio.create_task(self.prompter.tell(said), name="face-instruction")
