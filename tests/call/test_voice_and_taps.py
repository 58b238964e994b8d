"""The teller's voice on its way to the loudspeaker, and where a call listens in on the terminal's own stages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import numpy as np
import pytest

from kiosk.audio.echo import Cleaned, HalfDuplex
from kiosk.call.loudly import BLOCK, LEAST_AHEAD, MOST_AHEAD, SLACK, TellersVoice
from kiosk.call.sources import Due, PictureSource, SoundSource, SourceClosed, next_sound
from kiosk.call.taps import TappedCanceller, tapped
from kiosk.events import CameraFrame, Pcm
from kiosk.ports import DeviceLost, Played

pytestmark = pytest.mark.unit


class Loudspeaker:
    """Plays when a test says so."""

    def __init__(self) -> None:
        self.written: list[Pcm] = []
        self.done = 0
        self.lost_now = False

    async def write(self, pcm: Pcm) -> None:
        if self.lost_now:
            raise DeviceLost("pulled")
        self.written.append(pcm)

    def flush(self) -> int:
        return 0

    def played(self) -> Played:
        return Played(self.done * BLOCK, 0)

    @property
    def waiting(self) -> int:
        return len(self.written) - self.done


async def hear(voice: TellersVoice, blocks: int) -> None:
    for _ in range(blocks):
        voice.offer(np.ones(BLOCK, np.int16))
        for _ in range(4):
            await asyncio.sleep(0)


@pytest.fixture
async def speaking() -> AsyncIterator[tuple[TellersVoice, Loudspeaker]]:
    loudspeaker = Loudspeaker()
    voice = TellersVoice(lambda: loudspeaker)  # type: ignore[arg-type,return-value]
    running = asyncio.create_task(voice.run())
    yield voice, loudspeaker
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_little_is_gathered_before_the_sound_begins_and_little_ever_waits(
    speaking: tuple[TellersVoice, Loudspeaker],
) -> None:
    voice, loudspeaker = speaking
    await hear(voice, LEAST_AHEAD - 1)
    assert loudspeaker.waiting == 0
    await hear(voice, 1)
    assert loudspeaker.waiting == LEAST_AHEAD
    await hear(voice, 50)  # the other clock runs away, or a burst came
    assert loudspeaker.waiting <= LEAST_AHEAD + SLACK + 1
    assert voice.take_dropped() > 0 and voice.take_dropped() == 0


async def test_holes_make_it_gather_more_up_to_a_bound(speaking: tuple[TellersVoice, Loudspeaker]) -> None:
    voice, loudspeaker = speaking
    for _ in range(20):
        await hear(voice, MOST_AHEAD)
        loudspeaker.done = len(loudspeaker.written)  # all played, nothing came
    assert voice.tally_holes > 3
    await hear(voice, MOST_AHEAD)
    assert loudspeaker.waiting == MOST_AHEAD


async def test_a_loudspeaker_that_is_pulled_ends_nothing(speaking: tuple[TellersVoice, Loudspeaker]) -> None:
    voice, loudspeaker = speaking
    loudspeaker.lost_now = True
    await hear(voice, 5)
    loudspeaker.lost_now = False
    await hear(voice, 5)
    assert loudspeaker.written


async def test_the_call_hears_what_is_left_after_echo_cancellation() -> None:
    class Canceller:
        full_duplex, deaf = True, False

        def clean(self, pcm: Pcm, at_ns: int) -> Cleaned:
            return Cleaned(pcm - 1, pcm - 2, pcm)

        def tallies(self) -> dict[str, int]:
            return {}

    heard: list[Pcm] = []
    tap = TappedCanceller(Canceller(), lambda pcm, _: heard.append(pcm), lambda _: True)
    cleaned = tap.clean(np.full(320, 9, np.int16), 1)
    assert int(heard[0][0]) == 8 and int(cleaned.words[0]) == 7


async def test_without_a_canceller_a_teller_does_not_hear_himself() -> None:
    heard: list[Pcm] = []
    plays = [True, False]
    tap = TappedCanceller(HalfDuplex(), lambda pcm, _: heard.append(pcm), lambda _: plays.pop(0))
    for _ in range(2):
        tap.clean(np.full(320, 9, np.int16), 1)
    assert [int(pcm[0]) for pcm in heard] == [0, 9]


async def test_the_call_sees_every_picture_while_the_slow_reader_gets_the_newest() -> None:
    async def camera() -> AsyncIterator[CameraFrame]:
        for at in range(10):
            yield CameraFrame(np.zeros((2, 2, 3), np.uint8), at)
            await asyncio.sleep(0)
        raise DeviceLost("pulled")

    saw: list[int] = []
    read: list[int] = []
    with pytest.raises(DeviceLost):
        async for frame in tapped(camera(), lambda frame: saw.append(frame.at_ns)):
            read.append(frame.at_ns)
            await asyncio.sleep(0.001)
    assert saw == list(range(10)) and read == sorted(read) and len(read) < 10


async def test_without_a_microphone_silence_now_and_then_keeps_the_line_from_looking_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kiosk.call.sources.NOTHING_S", 0.01)
    source = SoundSource()
    ear = source.ear()
    quiet = await next_sound(ear)
    assert quiet.shape == (320,) and not quiet.any()
    source.offer(np.ones(320, np.int16))
    assert (await next_sound(ear)).all()


async def test_sound_that_nobody_takes_is_dropped_and_counted_and_a_closed_source_ends_its_readers() -> None:
    source = SoundSource()
    ear = source.ear()
    for at in range(25):
        source.offer(np.full(320, at, np.int16))
    assert source.tally_late == 15 and int((await next_sound(ear))[0]) == 15
    source.close()
    with pytest.raises(SourceClosed):
        for _ in range(20):
            await next_sound(ear)


async def test_pictures_stop_at_no_pictures_a_second_and_end_with_the_source() -> None:
    shown = SimpleNamespace(number=1, at_ns=5, planes=None)
    source = PictureSource(SimpleNamespace(after=lambda number: shown if number < 1 else None), 0)  # type: ignore[arg-type]
    waiting = asyncio.create_task(source.after(0, 0))
    await asyncio.sleep(0)
    assert not waiting.done()
    source.pace(15)
    assert (await waiting).number == 1
    waiting = asyncio.create_task(source.after(1, 0))
    await asyncio.sleep(0)
    source.close()
    with pytest.raises(SourceClosed):
        await waiting


def test_fifteen_of_thirty_pictures_a_second_are_taken_also_from_a_camera_that_is_not_punctual() -> None:
    due, taken = Due(), 0
    rng = np.random.default_rng(3)
    for number in range(300):
        at_ns = int((number / 30 + rng.uniform(-0.004, 0.004)) * 1e9) + 10**9
        if at_ns >= due.earliest_ns(15):
            due.took(at_ns, 15)
            taken += 1
    assert 145 <= taken <= 156


def test_packets_of_sound_are_handed_on_at_once_and_late_ones_left_out() -> None:
    pytest.importorskip("aiortc")
    from kiosk.adapters.webrtc_order import InOrder, order_sound

    order = InOrder()
    played = [
        order.add(SimpleNamespace(sequence_number=number, _data=b"x", timestamp=number))[1] is not None
        for number in (65_534, 65_535, 1, 0, 2, 2, 40)
    ]
    assert played == [True, True, True, False, True, False, True] and order.tally_late == 2
    assert not order_sound(SimpleNamespace())


async def test_aiortcs_own_buffer_for_sound_is_replaced() -> None:
    aiortc = pytest.importorskip("aiortc")
    from kiosk.adapters.webrtc_order import FIELD, InOrder, order_sound

    connection = aiortc.RTCPeerConnection()
    receiver = connection.addTransceiver("audio").receiver
    assert order_sound(receiver) and isinstance(getattr(receiver, FIELD), InOrder)
    await connection.close()
