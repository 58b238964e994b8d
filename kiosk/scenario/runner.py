"""A recorded visitor stands in front of the terminal and goes through a scenario, against the running pipeline.

It speaks into the room's microphone, walks into the camera's picture, presses the screen with a real input event,
and waits for moments. It never reaches into the session to make something happen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from config.scenario import Expect, Fact, Say, Scenario, Step
from contracts.screen import PAD, Press, Scribble, ToScreen
from kiosk.adapters.files import PortraitCamera
from kiosk.adapters.room import Room
from kiosk.events import MIC_RATE_HZ, Pcm
from kiosk.ports import Clock
from kiosk.session.session import Session
from kiosk.session.states import State
from kiosk.session.trace import HIDDEN_KEY, Noted, Trace

LISTENS_WITHIN_S: Final = 40.0
FORGOTTEN_WITHIN_S: Final = 3.0
BREATH_S: Final = 0.5  # between her last word and the visitor's first
TOUCH_WITHIN_S: Final = 4.0
KEY_WITHIN_S: Final = 16.0  # a key that is pressed twice types twice
SIGN_WITHIN_S: Final = 10.0
SCRAWL: Final = tuple(
    tuple(
        (round(left + 0.22 * i / 23, 3), round(0.5 + 0.3 * math.sin(i * 0.9 + phase) * (1 - i / 40), 3))
        for i in range(24)
    )
    for left, phase in ((0.12, 0.0), (0.42, 1.1), (0.66, 2.0))
)
"""Shares of the pad's width and height."""
STEP_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Saying:
    """One recorded sentence: (n,) int16 at 16 kHz, and the sample at which the voice itself ends."""

    pcm: Pcm = field(repr=False)
    voice_end: int


@dataclass(slots=True)
class Outcome:
    """How the scenario went. `failures` name the step (from 1) and what was expected."""

    failures: list[str] = field(default_factory=list)
    said: list[tuple[int, str]] = field(default_factory=list)  # index of the trace, reference text

    @property
    def ok(self) -> bool:
        return not self.failures


class RecordedVisitor:
    def __init__(
        self,
        scenario: Scenario,
        sounds: Sequence[Saying],
        room: Room,
        camera: PortraitCamera,
        session: Session,
        trace: Trace,
        clock: Clock,
        send: Callable[[ToScreen], None],
    ) -> None:
        self._scenario = scenario
        self._sounds = list(sounds)
        self._room = room
        self._camera = camera
        self._session = session
        self._trace = trace
        self._clock = clock
        self._send = send
        self._after = 0  # moments before this one were already waited for
        self._outcome = Outcome()

    async def visit(self) -> Outcome:
        """Go through all steps; a step that fails is noted and the visit goes on."""
        for number, step in enumerate(self._scenario.steps, start=1):
            fault = await self._do(step)
            if fault:
                self._outcome.failures.append(f"step {number}: {fault}")
        return self._outcome

    async def _do(self, step: Step) -> str | None:
        if step.approach:
            self._trace.note("approach")
            self._camera.walk(to_share=step.approach.face_share, seconds=step.approach.seconds)
            await self._clock.sleep(step.approach.seconds)
        elif step.leave:
            self._trace.note("leave")
            self._camera.walk(to_share=0.0, seconds=step.leave.seconds, to_x=1.2)
            await self._clock.sleep(step.leave.seconds)
        elif step.wait:
            await self._clock.sleep(step.wait)
        elif step.say:
            return await self._say(step.say)
        elif step.touch:
            return await self._touch(step.touch)
        elif step.sign:
            return await self._sign()
        elif step.expect:
            return await self._expect(step.expect)
        elif step.forgotten:
            return await self._forgotten()
        return None

    async def _say(self, say: Say) -> str | None:
        sound = self._sounds.pop(0)  # also where it is not said: what follows is another one
        if not say.over:
            if not await self._holds(lambda: self._session.state is State.LISTENING, LISTENS_WITHIN_S):
                return f"she never listened, so '{say.text}' was not said"
            await self._clock.sleep(BREATH_S)
        self._outcome.said.append((len(self._trace.moments), "" if say.noise_only else say.text))
        self._trace.note("visitor_said", text="(unintelligible)" if say.noise_only else say.text)
        self._room.say(sound.pcm)
        while self._room.visitor_speaking:
            await self._clock.sleep(STEP_S)
        reverberation_ns = (len(sound.pcm) - sound.voice_end) * 1_000_000_000 // MIC_RATE_HZ
        self._trace.note("visitor_finished", voice_end_ns=self._room.visitor_finished_ns - reverberation_ns)
        return None

    async def _touch(self, target: str) -> str | None:
        before = len(self._trace.moments)
        within_s = KEY_WITHIN_S if target.startswith("key_") else TOUCH_WITHIN_S
        for _ in range(2):  # a page that is just fading in may miss the first touch, as for any finger
            self._send(Press(target))
            found = await self._trace.until(
                lambda noted: noted.kind == "pressed" and noted.facts.get("target") in (target, HIDDEN_KEY),
                after=before,
                within_s=within_s,
            )
            if found is not None:
                return None
        return f"touching '{target}' did nothing"

    async def _sign(self) -> str | None:
        """Write a name, or what looks like one, on the pad: a few lines, the same each time."""
        before = len(self._trace.moments)
        for line in SCRAWL:
            for _ in range(2):  # as with a touch
                self._send(Scribble(PAD, line))
                drawn = await self._trace.until(
                    lambda noted: noted.kind == "stroke", after=before, within_s=SIGN_WITHIN_S
                )
                if drawn is not None:
                    break
            if drawn is None:
                return "the pad took no line"
            before = drawn + 1
        return None

    async def _expect(self, expect: Expect) -> str | None:
        index = await self._trace.until(
            lambda noted: matches(expect, noted), after=self._after, within_s=expect.within_s
        )
        if index is None:
            wanted = ", ".join(f"{key}={value}" for key, value in expect.facts.items())
            seen = [noted for noted in self._trace.moments[self._after :] if noted.kind == expect.moment]
            got = "; ".join(str({key: noted.facts.get(key) for key in expect.facts}) for noted in seen) or "none came"
            return f"expected {expect.moment} ({wanted}) within {expect.within_s:g} s; {got}"
        self._after = index + 1
        return None

    async def _forgotten(self) -> str | None:
        if await self._holds(lambda: not self._session.remembers, FORGOTTEN_WITHIN_S):
            return None
        return "something of the visitor is still held"

    async def _holds(self, condition: Callable[[], bool], within_s: float) -> bool:
        waited_s = 0.0
        while not condition():
            if waited_s >= within_s:
                return False
            await self._clock.sleep(STEP_S)
            waited_s += STEP_S
        return True


def matches(expect: Expect, noted: Noted) -> bool:
    """Whether a moment is the expected one; a fact that names several values is met by any of them."""
    if noted.kind != expect.moment:
        return False
    return all(_meets(noted.facts.get(key), wanted) for key, wanted in expect.facts.items())


def _meets(got: object, wanted: Fact | tuple[Fact, ...]) -> bool:
    allowed = wanted if isinstance(wanted, tuple) else (wanted,)
    return any(got == value for value in allowed)
