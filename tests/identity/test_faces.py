"""The real networks on a public-domain portrait and on clips made from it: who is like whom, what is alive, what is
left afterwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bench.face import rates
from bench.liveness import astronaut, open_eyes, wilson
from bench.portraits.attacks import Held, hold, lobby, printed, screened, telephone
from bench.portraits.bank import Bank, Eyes, Sight, lit_by
from bench.portraits.clips import Follower, attacker, play
from bench.portraits.lamp import Lamp, on_face, on_glass
from bench.portraits.puppet import HEIGHT_PX, WIDTH_PX, NoFace, Picture, Pose, Puppet
from kiosk.events import CameraFrame
from kiosk.identity.census import in_files, in_memory
from kiosk.identity.check import FaceCheck
from kiosk.identity.drift import ScoreHistogram
from kiosk.identity.faces import Comparison, FaceReader, Seen
from kiosk.identity.flash import COLOURS
from kiosk.identity.liveness import Look, Step
from kiosk.identity.quality import HARD
from kiosk.identity.surround import bezel

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def eyes() -> Eyes:
    return open_eyes()


@pytest.fixture(scope="module")
def reader(eyes: Eyes) -> FaceReader:
    return FaceReader(eyes.detector, eyes.mesh, eyes.embedder)


@pytest.fixture(scope="module")
def puppet(eyes: Eyes) -> Puppet:
    return Puppet(astronaut(), eyes.detector, eyes.mesh)


@pytest.fixture(scope="module")
def live(puppet: Puppet, eyes: Eyes) -> Bank:
    poses = {("yaw", yaw): Pose(yaw_deg=yaw) for yaw in (-26, -12, 12, 26)}
    poses |= {("blink", 50): Pose(blink=0.5), ("blink", 100): Pose(blink=1.0), ("rest", 0): Pose()}
    return {state: [eyes.look(puppet.draw(pose))] for state, pose in poses.items()}


def seen(reader: FaceReader, picture: Picture) -> Seen:
    found = reader.see(picture)
    assert isinstance(found, Seen), found
    return found


def changed(how: str) -> Callable[[Picture], Picture]:
    def motion(picture: Picture) -> Picture:
        kernel = np.zeros((31, 31), np.float32)
        kernel[15] = 1 / 31
        return np.asarray(cv2.filter2D(picture, -1, kernel), np.uint8)

    return {
        "blur": lambda p: np.asarray(cv2.GaussianBlur(p, (0, 0), 6), np.uint8),
        "motion": motion,
        "black": lambda p: np.asarray(p * 0.06, np.uint8),
        "far": lambda p: np.asarray(cv2.resize(p, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA), np.uint8),
    }[how]


@pytest.mark.parametrize(
    ("how", "advice"),
    [("blur", "hold_still"), ("motion", "hold_still"), ("black", "more_light"), ("far", "closer")],
)
def test_each_fault_of_a_picture_has_its_own_advice(reader: FaceReader, puppet: Puppet, how: str, advice: str) -> None:
    assert not seen(reader, puppet.still).advice
    found = reader.see(changed(how)(puppet.still))
    assert advice in (found.advice if isinstance(found, Seen) else found)


def test_a_mask_and_dark_glasses_are_seen_and_are_not_compared(reader: FaceReader, puppet: Puppet) -> None:
    points = puppet.points[:, :2]
    masked, shaded = puppet.still.copy(), puppet.still.copy()
    below = cv2.convexHull(points[[123, 117, 196, 419, 346, 352, 365, 152, 136, 58, 288]].astype(np.int32))
    cv2.fillConvexPoly(masked, below, (196, 150, 90))
    for around in ((33, 133, 159, 145, 70, 107, 119), (263, 362, 386, 374, 300, 336, 348)):
        cv2.fillConvexPoly(shaded, cv2.convexHull(points[list(around)].astype(np.int32)), (18, 16, 16))
    for picture, advice in ((masked, "uncover_mouth"), (shaded, "uncover_eyes")):
        found = reader.see(picture)
        told = found.advice if isinstance(found, Seen) else found
        assert advice in told or "no_face" in told
        comparison = Comparison(reader)
        comparison.frame(picture)
        assert comparison.template() is None and HARD & set(told)


def test_a_rolled_a_dark_and_a_turned_face_are_still_like_itself(reader: FaceReader, puppet: Puppet) -> None:
    mine = reader.template(seen(reader, puppet.still))
    turn = cv2.getRotationMatrix2D((WIDTH_PX / 2, HEIGHT_PX / 2), 40, 1.0)
    rolled = np.asarray(cv2.warpAffine(puppet.still, turn, (WIDTH_PX, HEIGHT_PX)), np.uint8)
    for picture in (rolled, np.asarray(puppet.still * 0.3, np.uint8), puppet.draw(Pose(yaw_deg=18))):
        assert float(reader.template(seen(reader, picture)) @ mine) > 0.75


@pytest.mark.parametrize("shape", [(1, 1), (120, 160), (360, 480), (2160, 3840)])
def test_pictures_without_a_face_say_so(reader: FaceReader, shape: tuple[int, int]) -> None:
    assert reader.see(np.full((*shape, 3), 128, np.uint8)) == ("no_face",)


def test_a_portrait_without_a_face_is_refused(eyes: Eyes) -> None:
    with pytest.raises(NoFace):
        Puppet(np.full((200, 200, 3), 99, np.uint8), eyes.detector, eyes.mesh)


def test_whoever_does_what_is_asked_is_alive_and_whoever_does_nothing_is_not(live: Bank) -> None:
    rng = random.Random(3)
    for steps in (("left", "blink", "right"), ("blink", "right", "blink")):
        result = play(Follower(rng, most_deg=26), live, rng, steps)  # type: ignore[arg-type]
        assert result.outcome == "live", result
        assert play(attacker("photo", steps, rng), live, rng, steps).outcome != "live"  # type: ignore[arg-type]
        wrong = play(attacker("replay_wrong", steps, rng), live, rng, steps)  # type: ignore[arg-type]
        assert wrong.outcome != "live" and wrong.reasons[0].speaks == "against"


def test_a_tilted_print_that_blinks_through_holes_is_flat(puppet: Puppet, eyes: Eyes) -> None:
    rng, behind = random.Random(5), lobby(np.random.default_rng(5))
    sheets = {blink: printed(puppet.draw(Pose(blink=blink / 100))) for blink in (0, 50, 100)}
    bank: Bank = {("rest", 0): [eyes.look(hold(sheets[0], Held(), behind))]}
    for tilt in (-55, -45, -35, -12, 12, 35, 45, 55):
        bank["yaw", tilt] = [eyes.look(hold(sheets[0], Held(tilt_deg=tilt), behind))]
    for blink in (50, 100):
        bank["blink", blink] = [eyes.look(hold(sheets[blink], Held(), behind))]
    results = [play(attacker("cutout_eyes", steps, rng), bank, rng, steps) for steps in
               (("left", "blink", "right"), ("right", "blink", "left"), ("blink", "left", "blink"))]  # type: ignore[arg-type]  # fmt: skip
    assert all(result.outcome != "live" for result in results), results


def test_a_telephone_s_edge_is_seen_and_a_wall_is_not(puppet: Puppet, eyes: Eyes) -> None:
    held = hold(telephone(puppet.still), Held(crooked_deg=3), lobby(np.random.default_rng(1)))
    edges = [
        bezel(picture, max(eyes.detector.detect(picture), key=lambda face: face.w)) for picture in (held, puppet.still)
    ]
    assert edges[0] > 0.6 > 0.4 > edges[1]


def test_a_head_before_a_lobby_that_shakes_is_not_taken_for_living(live: Bank) -> None:
    rng, hand = random.Random(6), np.random.default_rng(6)

    def shaken(look: Sight) -> Sight:
        return replace(look, shift=(float(hand.normal(0, 0.3)), 0.0)) if isinstance(look, Look) else look

    film = {state: [shaken(look) for look in looks * 8] for state, looks in live.items()}
    steps: tuple[Step, ...] = ("left", "blink", "right")
    assert play(Follower(rng, most_deg=26), live, rng, steps).outcome == "live"
    result = play(Follower(rng, most_deg=26), film, rng, steps)
    assert (result.outcome, result.reasons[0].code) == ("unclear", "shaken")


def test_the_screen_lights_a_face_and_only_veils_a_film_of_it(puppet: Puppet, eyes: Eyes, live: Bank) -> None:
    lamp = Lamp(lobby_lux=600, warm=0.6, mirrors=0.03)
    lights = {("lit", lit_by(0, colour)): colour for colour in range(len(COLOURS))}
    face, film = dict(live), dict(live)
    rng = np.random.default_rng(2)
    for state, colour in lights.items():
        face[state] = [eyes.look(on_face(puppet.still, puppet.points, lamp, colour))]
        film[state] = [eyes.look(on_glass(screened(puppet.still, rng), lamp, colour))]
    steps: tuple[Step, ...] = ("left", "blink", "right")
    results = []
    for bank in (face, film):
        draws = OneLamp(4)
        results.append(play(Follower(draws, most_deg=26), bank, draws, steps, colours=(2, 0, 1)))
    assert [result.outcome for result in results] == ["live", "spoof"], results
    assert results[1].reasons[0].code == "veiled"


def test_the_figures_of_the_benches_are_what_they_say() -> None:
    found = rates(np.array([0.9, 0.8, 0.7, 0.6]), np.linspace(-0.2, 0.5, 2000))
    assert found["tar_at_far_1e-3"] == 1.0 and found["eer"] == 0.0
    mixed = rates(np.array([0.9, 0.1]), np.array([0.2, 0.0]))
    assert mixed["eer"] == pytest.approx(0.5) and mixed["tar_at_threshold"] == 0.5
    low, high = wilson(0, 200)
    assert low == 0.0 and 0.015 < high < 0.02


class OneLamp(random.Random):
    """Chooses the first of the lamps: no other was drawn."""

    def randrange(self, *args: Any) -> int:
        return 0


class _Visitor:
    """Frames of a puppet that does what it is told; the clock goes by frames."""

    def __init__(self, puppet: Puppet) -> None:
        self.puppet, self.ns, self.told, self.since_ns, self.done = puppet, 0, "", 0, [0]

    def now_ns(self) -> int:
        return self.ns

    async def sleep(self, seconds: float) -> None:
        self.ns += int(seconds * 1e9)

    async def tell(self, said: Any, done: int, steps: int) -> None:
        self.told, self.since_ns = said.en, self.ns
        self.done.append(done)

    async def newer(self, than_ns: int, within_s: float) -> CameraFrame:
        await asyncio.sleep(0)
        self.ns += 250_000_000
        into = (self.ns - self.since_ns) / 1e9
        pose = Pose()
        if "turn your head" in self.told:
            pose = Pose(yaw_deg=(26 if "left" in self.told else -26) if into > 0.4 else 0)
        elif "close your eyes" in self.told and 0.4 < into < 0.9:
            pose = Pose(blink=1.0)
        return CameraFrame(self.puppet.draw(pose), self.ns)


class _Here:
    async def call(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)


async def test_a_whole_check_ends_alive_and_the_same_and_nothing_of_the_face_is_left(
    puppet: Puppet, reader: FaceReader, tmp_path: Path
) -> None:
    before = in_memory()
    visitor = _Visitor(puppet)
    check = FaceCheck(visitor, reader, _Here(), visitor, visitor, ScoreHistogram(tmp_path / "scores.json"),
                      random.Random(1))  # fmt: skip
    reference = reader.template(seen(reader, puppet.draw(Pose(yaw_deg=4))))
    finding = await check.run(reference)
    assert finding.decides == "for", finding
    assert visitor.done == sorted(visitor.done) and visitor.done[-1] >= 2
    reference.fill(0)
    del reference
    assert in_memory() == before
    assert in_files(tmp_path) == ()
    assert (tmp_path / "scores.json").exists()


class _Lit(_Visitor):
    """Stands before a display that lights the face, in a lobby of 500 lux."""

    def __init__(self, puppet: Puppet) -> None:
        super().__init__(puppet)
        self.shown: list[tuple[int, int, int] | None] = []

    async def show(self, rgb: tuple[int, int, int] | None, within_s: float) -> int | None:
        self.shown.append(rgb)
        return self.ns if rgb else None

    async def newer(self, than_ns: int, within_s: float) -> CameraFrame:
        frame = await super().newer(than_ns, within_s)
        if not self.shown or (rgb := self.shown[-1]) is None:
            return frame
        lamp = Lamp(lobby_lux=500, warm=0.5, mirrors=0.0)
        return CameraFrame(on_face(frame.bgr, self.puppet.points, lamp, COLOURS.index(rgb)), frame.at_ns)


async def test_a_check_with_the_screen_s_light_shows_three_colours_and_the_usual_page_again(
    puppet: Puppet, reader: FaceReader
) -> None:
    visitor = _Lit(puppet)
    check = FaceCheck(visitor, reader, _Here(), visitor, visitor, ScoreHistogram(), random.Random(1), flash=visitor)
    finding = await check.run(reader.template(seen(reader, puppet.still)))
    assert finding.decides == "for", finding
    assert finding.liveness is not None and "light_alike" in {row.code for row in finding.liveness.reasons}
    assert len(set(visitor.shown[:3])) == 3 and visitor.shown[3:] == [None]


async def test_a_check_that_nobody_wants_any_more_ends_at_once(puppet: Puppet, reader: FaceReader) -> None:
    visitor = _Visitor(puppet)
    check = FaceCheck(visitor, reader, _Here(), visitor, visitor, ScoreHistogram(), random.Random(1), lambda: False)
    finding = await check.run(np.ones(128, np.float32))
    assert finding.decides == "neither" and visitor.ns < 2_000_000_000


def test_the_census_finds_what_is_still_held(puppet: Puppet, reader: FaceReader) -> None:
    before = in_memory()
    kept = {"template": reader.template(seen(reader, puppet.still))}
    assert in_memory() - before == {"template": 1}
    kept.clear()
    assert in_memory() == before
