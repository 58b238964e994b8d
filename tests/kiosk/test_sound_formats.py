"""Sound cards that insist: another rate, stereo, floats, no time stamps, or no answer at all."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kiosk.adapters import portaudio
from kiosk.adapters.sound import CardMicrophone, CardSpeaker
from kiosk.audio.resample import Resampler
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ
from kiosk.ports import DeviceLost

pytestmark = pytest.mark.unit

LATENCY_S = 0.03


class Refused(Exception):
    """As PortAudio's: a text and a code."""


@dataclass
class Card:
    """A sound card that takes only what it takes. Its streams are turned by hand."""

    rate_hz: int = 48_000
    channels: int = 2
    dtype: str = "float32"
    hangs: threading.Event | None = None
    tried: list[tuple[int, int, str]] = field(default_factory=list)
    stream: Any = None
    PortAudioError: type[Exception] = Refused

    def query_devices(self, device: int | None = None, kind: str | None = None) -> Any:
        one = {
            "index": 0, "name": "insisting card", "default_samplerate": float(self.rate_hz),
            "max_input_channels": self.channels, "max_output_channels": self.channels,
        }  # fmt: skip
        return [one] if kind is None else one

    def _open(self, **wish: Any) -> Any:
        if self.hangs:
            self.hangs.wait(20)
        self.tried.append((wish["samplerate"], wish["channels"], wish["dtype"]))
        if wish["dtype"] != self.dtype:
            raise Refused("sample format", -9994)
        if wish["channels"] != self.channels:
            raise Refused("channels", -9998)
        if wish["samplerate"] != self.rate_hz:
            raise Refused("rate", -9997)
        self.stream = SimpleNamespace(
            callback=wish["callback"], start=lambda: None, abort=lambda **_: None, close=lambda **_: None
        )
        return self.stream

    InputStream = OutputStream = _open

    def _terminate(self) -> None: ...

    def _initialize(self) -> None: ...

    def times(self) -> Any:
        return SimpleNamespace(
            currentTime=1000.0, inputBufferAdcTime=1000.0 - LATENCY_S, outputBufferDacTime=1000.0 + LATENCY_S
        )

    def block(self, sound: np.ndarray) -> np.ndarray:
        """(n,) in -1..1 as this card has it."""
        data = np.repeat(sound[:, None], self.channels, axis=1)
        return (data * 32767).astype(np.int16) if self.dtype == "int16" else data.astype(np.float32)


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Callable[[Card], Card]:
    def plug(card: Card) -> Card:
        monkeypatch.setattr(portaudio, "library", lambda: card)
        monkeypatch.setattr(portaudio, "STREAMS", portaudio._Streams())
        return card

    return plug


CARDS = [Card(44_100, 2, "int16"), Card(48_000, 1, "int16"), Card(48_000, 2, "float32"), Card(16_000, 1, "int16")]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: f"{card.rate_hz}-{card.channels}-{card.dtype}")
async def test_a_microphone_of_any_format_gives_16_khz_mono_in_frames_of_20_ms(
    card: Card, plugged: Callable[[Card], Card]
) -> None:
    microphone = CardMicrophone("auto", asyncio.get_running_loop()) if plugged(card) else None
    assert microphone is not None
    seconds, heard = 1.0, []
    sound = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * card.rate_hz)) / card.rate_hz)
    block = card.rate_hz // 50
    for start in range(0, len(sound), block):
        card.stream.callback(card.block(sound[start : start + block]), block, card.times(), None)
    frames = microphone.frames()
    heard = [await anext(frames) for _ in range(48)]
    await frames.aclose()  # type: ignore[attr-defined]
    await microphone.close()
    pcm = np.concatenate([frame.pcm for frame in heard]).astype(float)[2000:]
    assert all(len(frame.pcm) == FRAME_SAMPLES for frame in heard)
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    assert np.argmax(spectrum) * MIC_RATE_HZ / len(pcm) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(pcm**2)) == pytest.approx(0.3 * 32767 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: f"{card.rate_hz}-{card.channels}-{card.dtype}")
async def test_a_loudspeaker_of_any_format_plays_our_sound_and_counts_our_samples(
    card: Card, plugged: Callable[[Card], Card]
) -> None:
    plugged(card)
    speaker = CardSpeaker()
    listened: list[np.ndarray] = []
    speaker.on_played(lambda pcm, end_ns: listened.append(pcm))
    beep = (9000 * np.sin(2 * np.pi * 440 * np.arange(SPEECH_RATE_HZ) / SPEECH_RATE_HZ)).astype(np.int16)
    speaker._queue.append(beep)
    block, played = card.rate_hz // 50, []
    for _ in range(52):
        out = np.zeros((block, card.channels), card.dtype)
        card.stream.callback(out, block, card.times(), None)
        played.append(out[:, -1].astype(float) * (1 if card.dtype == "int16" else 32768))
    sound = np.concatenate(played)[2000 : card.rate_hz - 2000]
    await speaker.close()
    assert speaker._marks[-1].samples == len(beep)
    assert sum(len(pcm) for pcm in listened) >= len(beep)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.argmax(spectrum) * card.rate_hz / len(sound) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(9000 / np.sqrt(2), rel=0.02)


def test_our_own_format_is_asked_for_first_and_no_more_than_24_are_tried(plugged: Callable[[Card], Card]) -> None:
    card = plugged(Card(11_025, 1, "uint8"))
    with pytest.raises(DeviceLost, match="sample format"):
        CardSpeaker()
    assert card.tried[0] == (SPEECH_RATE_HZ, 1, "int16")
    assert 1 < len(card.tried) <= 24 and len(set(card.tried)) == len(card.tried)


def test_a_card_that_never_opens_is_given_up_and_does_not_hold_up_the_next_for_ever(
    plugged: Callable[[Card], Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portaudio, "OPEN_S", 0.2)
    card = plugged(Card(hangs=threading.Event()))
    try:
        for _ in range(3):
            began_s = time.monotonic()
            with pytest.raises(DeviceLost, match=r"did not answer|hangs"):
                CardSpeaker()
            assert time.monotonic() - began_s < 1.0
    finally:
        assert card.hangs is not None
        card.hangs.set()


def test_a_dead_channel_does_not_halve_the_sound() -> None:
    data = np.zeros((320, 2), np.int16)
    data[:, 1] = 8000
    assert np.all(portaudio.as_mono(data) == 8000)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44_100, 16_000), (48_000, 16_000), (24_000, 44_100), (8_000, 16_000)])
def test_resampling_in_blocks_equals_resampling_at_once_with_60_db_between_sound_and_error(
    from_hz: int, to_hz: int
) -> None:
    sound = (10_000 * np.sin(2 * np.pi * 1000 * np.arange(from_hz) / from_hz)).astype(np.int16)
    parts = Resampler(from_hz, to_hz)
    blocks = np.concatenate([parts.convert(sound[start : start + 441]) for start in range(0, len(sound), 441)])
    assert np.array_equal(blocks, Resampler(from_hz, to_hz).convert(sound))
    places = np.arange(len(blocks))[2000:-2000]
    waves = np.stack([np.sin(2 * np.pi * 1000 * places / to_hz), np.cos(2 * np.pi * 1000 * places / to_hz)], axis=1)
    wanted = waves @ np.linalg.lstsq(waves, blocks[2000:-2000].astype(float), rcond=None)[0]
    error = blocks[2000:-2000] - wanted
    assert 10 * np.log10(np.sum(wanted**2) / np.sum(error**2)) > 60
    assert np.sqrt(np.mean(wanted**2)) == pytest.approx(10_000 / np.sqrt(2), rel=0.01)


def test_what_would_fold_back_is_60_db_down() -> None:
    sound = (10_000 * np.sin(2 * np.pi * 10_000 * np.arange(48_000) / 48_000)).astype(np.int16)
    assert np.sqrt(np.mean(Resampler(48_000, 16_000).convert(sound)[500:].astype(float) ** 2)) < 7.1
