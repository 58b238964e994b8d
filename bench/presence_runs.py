"""Scenes played to the terminal's own eye through OpenCV: what it told, beside what was true.

`played` keeps the scene's own time (a picture is 1/15 s after the one before, however long it takes here); `shared`
measures at real pace how much of a core watching takes, with the pictures made in another process.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import cv2

from config.schema import Seeing
from kiosk.adapters.camera import VideoCamera
from kiosk.adapters.mjpeg import MjpegServer, at_once, at_rate, encoded
from kiosk.events import CameraFrame, PersonArrived, PersonLeft, Picture
from kiosk.runtime.worker import ModelThread
from kiosk.scenario.people import cast
from kiosk.scenario.scenes import HEIGHT_PX, RATE_HZ, WIDTH_PX, Actor, Mark, Scene, Stage
from kiosk.vision.eye import Eye, watch
from kiosk.vision.lips import LipWatch
from kiosk.vision.presence import Presence
from models.landmarks import FaceLandmarks
from models.sface import SFace
from models.store import Store
from models.yunet import YuNet

P = ParamSpec("P")
R = TypeVar("R")
OPENS_S: Final = 20.0
SETTLES_S: Final = 3.0  # what is done once is done
HOLDS_S: Final = 2.0  # another than who was greeted is served for longer: a wrong continuation
ITS_PLACE: Final = 0.6  # face widths: the served face is that actor's


class AtOnce:
    """The networks on the caller's thread: the bench's time is its own."""

    async def call(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return work(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Networks:
    """The terminal's own."""

    detector: YuNet
    points: FaceLandmarks
    templates: SFace

    @classmethod
    def open(cls) -> Networks:
        store = Store()
        return cls(YuNet(store.open("yunet")), FaceLandmarks(store.open("face-landmarks")), SFace(store.open("sface")))

    def eye(self, worker: Any, seeing: Seeing) -> Eye:
        return Eye(worker, self.detector, self.points, self.templates, Presence(seeing), LipWatch())


@dataclass(slots=True)
class Told:
    """What one scene made the eye say."""

    greeted_s: list[float] = field(default_factory=list)  # scene time, and what the look took
    left_s: list[float] = field(default_factory=list)
    longest_other_s: float = 0.0  # somebody else than who was greeted was served, in one visit
    wrong: int = 0
    looks: int = 0
    remembered: int = 0  # templates held at the end, while nobody is served


async def played(scene: Scene, stage: Stage, networks: Networks, seeing: Seeing) -> Told:
    """Play a scene over HTTP through OpenCV, in the scene's own time."""
    eye = networks.eye(AtOnce(), seeing)
    told, greeted, other_since = Told(), None, None
    server = MjpegServer(lambda: stage.pictures(scene), at_once)
    began: list[float] = [0.0]
    try:
        device = cv2.VideoCapture(server.address)
        async for event in watch(
            _in_scene_time(device, scene, began), eye, lambda: eye.wanted_hz(seeing), lambda frame: None
        ):
            at_s = event.at_ns / 1e9
            served = eye.presence.tracks.all.get(eye.presence.served or 0)
            actor = _actor(scene, at_s, served.face.x, served.face.near) if served else None
            match event:
                case PersonArrived():
                    told.greeted_s.append(at_s + time.thread_time() - began[0])
                    greeted, other_since = actor, None
                case PersonLeft():
                    told.left_s.append(at_s)
                    greeted = None
                case _:
                    if actor is None or greeted is None or actor is greeted:
                        other_since = None
                    else:
                        other_since = at_s if other_since is None else other_since
                        told.longest_other_s = max(told.longest_other_s, at_s - other_since)
        device.release()
    finally:
        server.close()
    told.wrong = told.longest_other_s > HOLDS_S
    told.remembered = 0 if eye.presence.here else eye.presence.remembers
    return told


async def _in_scene_time(device: Any, scene: Scene, began: list[float]) -> AsyncIterator[CameraFrame]:
    """Every picture that the stream has, in order, at its place in the scene's time."""
    for number in range(scene.frames()):
        began[0] = time.thread_time()
        there, bgr = device.read()
        if not there:
            raise OSError(f"{scene.name}: the stream ended at picture {number} of {scene.frames()}")
        yield CameraFrame(bgr, round(number * 1e9 / RATE_HZ))


def _actor(scene: Scene, at_s: float, x: float, near: float) -> Actor | None:
    """Whose face that is, by the truth: the nearest in place, where one is near enough."""
    best, found = ITS_PLACE, None
    for actor in scene.actors:
        place = actor.at(at_s)
        if place is not None:
            far = abs(place[0] - x) / near + abs(place[2] / near - 1)
            if far < best:
                best, found = far, actor
    return found


# ------------------------------------------------------------------ share of a core
def still_scene(kind: str, seconds: float) -> Scene:
    """`idle`: an empty lobby with two people far off. `serving`: a visitor who stays, and the same two."""
    far = [
        Actor(person=number, marks=tuple(Mark(at_s=at_s, x=x, metres=4.0, yaw_deg=20) for at_s in (0.0, seconds)))
        for number, x in ((1, 0.15), (2, 0.85))
    ]
    if kind == "idle":
        return Scene(name="idle", kind="passes", seconds=seconds, actors=tuple(far))
    marks = (
        Mark(at_s=0.0, x=0.5, metres=3.0),
        Mark(at_s=2.0, x=0.5, metres=0.8),
        Mark(at_s=seconds, x=0.5, metres=0.8),
    )
    return Scene(name="serving", kind="stops", seconds=seconds, actors=(Actor(person=0, marks=marks), *far))


def _serve(pipe: Connection, kind: str, seconds: float, portraits: str) -> None:
    """In a process of its own: draw everything first, then serve at 15 pictures a second."""
    people = cast(YuNet(Store().open("yunet")).detect, Path(portraits) if portraits else None)
    stage, scene = Stage(people), still_scene(kind, min(seconds, 12.0))
    drawn = [encoded(stage.picture(scene, number)) for number in range(scene.frames())]
    tail = drawn[-4 * RATE_HZ :]

    def pictures() -> Iterator[Picture | bytes]:
        yield from drawn
        while True:  # the last seconds there and back: nobody jumps
            yield from reversed(tail)
            yield from tail

    server = MjpegServer(pictures, at_rate(RATE_HZ))
    pipe.send(server.address)
    pipe.recv()
    server.close()


async def shared(kind: str, seconds: float, networks: Networks, seeing: Seeing, portraits: str) -> dict[str, float]:
    """Processor time of this process over real time while it watches: reading, decoding, networks, decisions."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, kind, seconds, portraits))
    process.start()
    thread = ModelThread("see")
    try:
        address = await asyncio.to_thread(here.recv)
        camera = await asyncio.to_thread(VideoCamera, address, asyncio.get_running_loop())
        eye = networks.eye(thread, seeing)
        looks = 0

        def counted(frame: CameraFrame) -> None:
            nonlocal looks
            looks += 1

        camera.wanted_hz = lambda: eye.wanted_hz(seeing)
        events = watch(camera.frames(), eye, lambda: eye.wanted_hz(seeing), counted)

        async def watching() -> None:
            async for _ in events:
                pass

        task = asyncio.create_task(watching())
        ready_s = time.monotonic() + OPENS_S
        while kind == "serving" and not eye.presence.here and time.monotonic() < ready_s:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLES_S)
        served, before, began, counted_before = eye.presence.here, time.process_time(), time.monotonic(), looks
        await asyncio.sleep(seconds)
        used, took = time.process_time() - before, time.monotonic() - began
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await camera.close()
        if served != (kind == "serving"):
            raise ValueError(f"{kind}: the visitor was {'' if served else 'not '}greeted")
        return {"share": used / took, "looks_hz": (looks - counted_before) / took}
    finally:
        here.send(None)
        thread.close()
        await asyncio.to_thread(process.join, OPENS_S)
        if process.is_alive():
            process.terminate()


def median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


__all__ = ["HEIGHT_PX", "WIDTH_PX", "Networks", "Told", "median", "played", "shared", "still_scene"]
