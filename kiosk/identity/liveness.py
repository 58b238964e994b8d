"""Is a living head before the camera, and does it do what it is asked? One challenge as a table of phases.

Pure: looks in, an instruction or a result out. It never raises for what a visitor does; too many tries end in the
other way, not in a lock-out. It cannot tell a film that is driven live from a face, nor a good mask: see
docs/identity.md.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from contracts.identity import Reason
from kiosk.identity.flash import SETTLE_MS, SHOWN_MS, Answer, answer
from kiosk.identity.parallax import openness, planar_rest, relief
from kiosk.identity.shake import Shift, spread
from models.mesh import Mesh
from models.thresholds import load

Step = Literal["left", "right", "blink"]
Instruction = Literal["look_here", "turn_left", "turn_right", "blink", "come_back", "hold_light", "finished"]
ASKED: Final[dict[Step, Instruction]] = {"left": "turn_left", "right": "turn_right", "blink": "blink"}
Outcome = Literal["live", "spoof", "unclear"]
MS: Final = 1_000_000
STEPS: Final = 3
BASE_LOOKS: Final = 6  # of a face at rest, before anything is asked
BASE_MS: Final = 8_000  # and no longer than that
HOLD_LOOKS: Final = 2  # that a turn must last
FRAME_MS: Final = 125  # between two looks, about: a colour is left with the last look in its time
SHIFTS_LEAST, SHIFTS_MOST = 12, 400  # looks by which a shake is judged, and which are remembered
NUDGES_MOST: Final = 2  # of one instruction: it is said again, plainer
TRIES_MOST: Final = 3  # then the other way
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one frame showed. Private: wiped with the visit."""

    mesh: Mesh = field(repr=False)
    template: npt.NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    edges: float = 0.0  # see surround.py
    shift: Shift | None = None  # of what is behind; see shake.py
    light: Floats | None = field(default=None, repr=False, compare=False)  # see flash.py
    passive: float | None = None  # [0, 1] that it is alive, where a passive model is installed: a veto, never a yes


class Crowd:
    """What one frame showed: a second face as near as the first. Nobody is judged by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a try ended. `live` only where every check that could be made spoke for it."""

    outcome: Outcome
    reasons: tuple[Reason, ...]


def sequence(rng: random.Random) -> tuple[Step, ...]:
    """Random steps: a blink, a turn, never the same twice running. `rng`: SystemRandom at the terminal."""
    while True:
        steps: tuple[Step, ...] = tuple(rng.choice(("left", "right", "blink")) for _ in range(STEPS))
        if "blink" in steps and set(steps) != {"blink"} and all(a != b for a, b in pairwise(steps)):
            return steps


class Challenge:
    """One try. Feed it looks in order; `instruction` says what to say and draw now."""

    def __init__(self, steps: tuple[Step, ...], began_ns: int, colours: tuple[int, ...] = ()) -> None:
        """`colours`: see flash.py; none where the display is not known to light a face."""
        self._gate = {name: row.value for name, row in load("liveness").items()}
        self._steps = steps
        self._at = -1  # the step that is open; -1: the baseline is being taken
        self._began_ns = self._since_ns = began_ns
        self._base: list[Look] = []
        self._resting: _Rest | None = None
        self._held = self._wrong = 0  # looks in a row at a turn that was asked for, and at another
        self._crowded_ns: int | None = None  # since when a second face has been as near
        self._nudges = 0
        self._back = False  # the step is done but for coming back
        self._closed = False
        self._seen_ns = began_ns
        self._middle: Floats | None = None
        self._worst: dict[str, float] = {}
        self._reliefs: list[float] = []
        self._rests: list[float] = []
        self._shifts: list[Shift] = []
        self._lit = _Lit(colours)
        self._lighting = False  # every step is done, the screen's colours are being shown
        self.result: Result | None = None

    @property
    def instruction(self) -> Instruction:
        if self.result is not None:
            return "finished"
        if self._at < 0:
            return "look_here"
        if self._lighting:
            return "hold_light"
        return "come_back" if self._back else ASKED[self._steps[self._at]]

    @property
    def open_step(self) -> Step | None:
        """The step that is being done; None before the first."""
        return self._steps[self._at] if self._at >= 0 else None

    @property
    def colour(self) -> int | None:
        """Number of the colour that the screen has to show now; None: its usual page."""
        return self._lit.colour if self._lighting and self.result is None else None

    def shown(self, at_ns: int) -> None:
        """The colour asked for has been on the glass since `at_ns`."""
        self._lit.since_ns = at_ns

    @property
    def steps(self) -> int:
        return len(self._steps)

    @property
    def done(self) -> int:
        """Steps that are behind."""
        return len(self._steps) if self.result is not None else max(0, self._at)

    @property
    def nudges(self) -> int:
        """How often this instruction is to be said again by now: nothing was seen of it for so long."""
        return self._nudges

    @property
    def since_ns(self) -> int:
        """Since when this instruction is in force."""
        return self._since_ns

    @property
    def deadline_ns(self) -> int:
        return self._since_ns + int((BASE_MS if self._at < 0 else self._gate["deadline_ms"]) * MS)

    def look(self, look: Look | Crowd | None, at_ns: int) -> Result | None:
        """Take one frame into account; None as its look: there was no face. The result, once there is one."""
        if self.result is not None:
            return self.result
        if not isinstance(look, Crowd):
            self._crowded_ns = None
        if isinstance(look, Look):
            self._seen_ns = at_ns
            self._judge(look, at_ns)
        elif look is None:
            if at_ns - self._seen_ns > self._gate["lost_ms"] * MS:
                return self._ends("unclear", "face_lost")
        elif self._crowd_stays(at_ns):
            return self._ends("unclear", "second_face")
        waited_ns = at_ns - self._since_ns
        if self.result is None and at_ns > self.deadline_ns:
            self._ends("unclear", self._missing)
        elif self._at >= 0 and not self._lighting and self._nudges < NUDGES_MOST:
            self._nudges += waited_ns > (self._nudges + 1) * self._gate["nudge_ms"] * MS
        return self.result

    @property
    def _missing(self) -> str:
        if self._at < 0:
            return "no_rest"
        return "no_light" if self._lighting else f"no_{self._steps[self._at]}"

    def _crowd_stays(self, at_ns: int) -> bool:
        """Somebody who walks by is waited for; meanwhile the face counts as seen, and has to be the same afterwards."""
        self._seen_ns = at_ns
        if self._crowded_ns is None:
            self._crowded_ns = at_ns
        return at_ns - self._crowded_ns > self._gate["crowd_ms"] * MS

    # ------------------------------------------------------------ one look
    def _judge(self, look: Look, at_ns: int) -> None:
        if self._jumped(look):
            self._ends("spoof", "jumped")
            return
        self._note("edges", look.edges, low=False)
        if look.passive is not None:
            self._note("passive", look.passive, low=True)
        at_rest = self._resting is None or abs(look.mesh.yaw_deg - self._resting.yaw_deg) < self._gate["turn_off"]
        if at_rest and look.shift is not None and len(self._shifts) < SHIFTS_MOST:  # hair and shoulders turn too
            self._shifts.append(look.shift)
        if self._resting is None:
            self._take_base(look, at_ns)
            return
        if look.template is not None:
            alike = float(look.template @ self._resting.template)
            self._note("same", alike, low=True)
            if alike < self._gate["same_in_frame"]:
                self._ends("spoof", "another_face", alike)
                return
        self._act(look, at_ns, self._resting)

    def _jumped(self, look: Look) -> bool:
        middle = look.mesh.points[:468, :2].mean(axis=0)
        width = float(np.ptp(look.mesh.points[:468, 0]))
        far = 0.0 if self._middle is None else float(np.linalg.norm(middle - self._middle)) / max(1.0, width)
        self._middle = middle
        return far > self._gate["jump"]

    def _take_base(self, look: Look, at_ns: int) -> None:
        straight = abs(look.mesh.yaw_deg) < self._gate["rest_yaw"] and look.template is not None
        if not straight:
            return
        self._base.append(look)
        if len(self._base) >= BASE_LOOKS:
            self._resting = _Rest.of(self._base)
            self._base.clear()
            self._at = 0
            self._asks(at_ns)

    def _act(self, look: Look, at_ns: int, rest: _Rest) -> None:
        turned = look.mesh.yaw_deg - rest.yaw_deg
        step = self._steps[self._at]
        if self._lighting:
            if abs(turned) < self._gate["turn_off"] and look.light is not None:
                self._lit.take(look.light, at_ns)
            if self._lit.colour is None:
                self._decide()
            return
        if self._back:
            if abs(turned) < self._gate["turn_off"]:
                self._next(at_ns)
            return
        early = at_ns - self._since_ns < self._gate["react_ms"] * MS
        side = "left" if turned > 0 else "right"
        if abs(turned) >= self._gate["turn_on"]:
            if early or step == "blink" or side != step:
                self._held, self._wrong = 0, self._wrong + 1
                if self._wrong >= HOLD_LOOKS:
                    self._ends("spoof", "too_early" if early else "wrong_action", turned)
                return
            self._held, self._wrong = self._held + 1, 0
            self._reliefs.append(relief(rest.points, look.mesh.points, turned))
            self._rests.append(planar_rest(rest.points, look.mesh.points))
            if self._held >= HOLD_LOOKS:
                self._back, self._held = True, 0
                self._asks(at_ns)
            return
        self._held = self._wrong = 0
        if step == "blink":
            self._watch_lids(look, turned, early, rest, at_ns)

    def _watch_lids(self, look: Look, turned: float, early: bool, rest: _Rest, at_ns: int) -> None:
        nodded = look.mesh.pitch_deg - rest.pitch_deg
        if abs(turned) > self._gate["lids_yaw"] or abs(nodded) > self._gate["lids_pitch"]:
            self._closed = False
            return
        shut = look.mesh.blink - rest.blink
        narrow = openness(look.mesh.points) / max(1e-6, rest.open)
        if shut > self._gate["blink_on"] and narrow < self._gate["narrow_on"]:
            self._closed = self._closed or not early
        elif self._closed and shut < self._gate["blink_off"] and narrow > self._gate["narrow_off"]:
            self._closed = False
            self._next(at_ns)

    def _asks(self, at_ns: int) -> None:
        """Another instruction is in force."""
        self._since_ns, self._nudges = at_ns, 0

    def _next(self, at_ns: int) -> None:
        self._at, self._back, self._held, self._closed = self._at + 1, False, 0, False
        self._asks(at_ns)
        if self._at == len(self._steps):
            self._at -= 1
            self._decide()

    # ------------------------------------------------------------ the end
    def _decide(self) -> None:
        """Everything asked for was done: what do the other checks say? At last the screen lights the face."""
        deep = float(np.median(np.abs(self._reliefs))) if self._reliefs else 0.0
        left = float(np.median(self._rests)) if self._rests else 0.0
        scores = {"relief": deep, "planar_rest": left, "same_person": self._worst.get("same", 0.0)}
        wrong = [
            ("flat", deep, deep < self._gate["relief"]),
            ("planar", left, left < self._gate["planar_rest"]),
            ("held_thing", self._worst.get("edges", 0.0), self._worst.get("edges", 0.0) > self._gate["edges"]),
            ("passive", self._worst.get("passive", 1.0), self._worst.get("passive", 1.0) < self._gate["passive"]),
        ]
        against = [_against(code, score) for code, score, is_wrong in wrong if is_wrong]
        if against:
            self.result = Result(outcome="spoof", reasons=tuple(against))
            return
        shaken = spread(self._shifts)
        if len(self._shifts) >= SHIFTS_LEAST and shaken > self._gate["shaken"]:
            self._ends("unclear", "shaken", shaken)
            return
        if self._lit.colour is not None:
            self._lighting = True
            return
        if self._lit.colours:
            found = self._lit.answer()
            if found is None or found.alike < self._gate["light_alike"] or found.much < self._gate["light_much"]:
                self._ends("unclear", "no_light_answer", found.much if found else None)
                return
            if found.veil is not None and found.veil > self._gate["light_veil"]:
                self._ends("spoof", "veiled", found.veil)
                return
            scores["light_alike"] = found.alike
        speak = (Reason(part="liveness", code=c, score=round(s, 4), speaks="for") for c, s in scores.items())
        done = Reason(part="liveness", code="challenge_done", score=float(len(self._steps)), speaks="for")
        self.result = Result(outcome="live", reasons=(done, *speak))

    def _ends(self, outcome: Outcome, code: str, score: float | None = None) -> Result:
        self.result = Result(outcome=outcome, reasons=(_against(code, score),))
        return self.result

    def _note(self, name: str, value: float, *, low: bool) -> None:
        kept = self._worst.get(name)
        self._worst[name] = value if kept is None else (min if low else max)(kept, value)

    def forget(self) -> None:
        """Points and templates of this try are dropped."""
        self._base.clear()
        self._resting, self._middle = None, None
        self._reliefs.clear()
        self._rests.clear()
        self._shifts.clear()
        self._lit.seen.clear()


def _against(code: str, score: float | None) -> Reason:
    return Reason(part="liveness", code=code, score=None if score is None else round(score, 4), speaks="against")


class _Lit:
    """The colours one after the other, and what skin and brows did under each."""

    def __init__(self, colours: tuple[int, ...]) -> None:
        self.colours = colours
        self.seen: list[list[Floats]] = []
        self.since_ns: int | None = None  # the present colour has been on the glass; None: not yet
        self._at = 0

    @property
    def colour(self) -> int | None:
        """The present colour; None: all were shown."""
        return self.colours[self._at] if self._at < len(self.colours) else None

    def take(self, light: Floats, at_ns: int) -> None:
        """A frame at `at_ns`."""
        if self.since_ns is None or self.colour is None or at_ns < self.since_ns + SETTLE_MS * MS:
            return
        if len(self.seen) <= self._at:
            self.seen.append([])
        self.seen[self._at].append(light)
        if at_ns >= self.since_ns + (SHOWN_MS - FRAME_MS) * MS:
            self._at, self.since_ns = self._at + 1, None

    def answer(self) -> Answer | None:
        return answer(self.colours, np.array([np.mean(rows, axis=0) for rows in self.seen]))


@dataclass(frozen=True, slots=True)
class _Rest:
    """The visitor's own face at rest."""

    points: Floats = field(repr=False)
    template: npt.NDArray[np.float32] = field(repr=False)
    yaw_deg: float
    pitch_deg: float
    blink: float
    open: float

    @classmethod
    def of(cls, looks: list[Look]) -> _Rest:
        meshes = [look.mesh for look in looks]
        mean = np.mean([look.template for look in looks if look.template is not None], axis=0)
        return cls(
            points=np.median([mesh.points for mesh in meshes], axis=0),
            template=np.asarray(mean / np.linalg.norm(mean), np.float32),
            yaw_deg=float(np.median([mesh.yaw_deg for mesh in meshes])),
            pitch_deg=float(np.median([mesh.pitch_deg for mesh in meshes])),
            blink=float(np.median([mesh.blink for mesh in meshes])),
            open=float(np.median([openness(mesh.points) for mesh in meshes])),
        )
