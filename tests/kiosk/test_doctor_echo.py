"""The doctor says what is missing between loudspeaker and microphone, and what mends it."""

from __future__ import annotations

import pytest

import kiosk.doctor
from kiosk.audio.echo import EchoCanceller, FarEnd, HalfDuplex, TwoCancellers
from kiosk.events import Pcm

pytestmark = pytest.mark.unit


class Passes:
    """A canceller that takes nothing out."""

    def take_out(self, mic: Pcm, far: Pcm) -> Pcm:
        return mic


@pytest.mark.parametrize(
    ("canceller", "works", "advice"),
    [
        (TwoCancellers(FarEnd(), Passes(), Passes()), True, ""),
        (TwoCancellers(FarEnd(), Passes(), None), False, "apt-get install libspeexdsp1"),
        (HalfDuplex(), False, "touch interrupts her"),
    ],
)
def test_a_missing_canceller_is_named_with_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, canceller: EchoCanceller, works: bool, advice: str
) -> None:
    monkeypatch.setattr(kiosk.doctor, "open_canceller", lambda far: canceller)
    finding = kiosk.doctor._echo()
    assert finding.works == works and advice in finding.advice
