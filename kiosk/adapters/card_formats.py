"""Which device, and in which format: PortAudio's devices by their configured names, and what they agree to.

Run as a script it tries one device in a process of its own, and tells what a fresh PortAudio sees. It therefore
imports nothing but the standard library: a tenth of a second of processor time, each time a lost device is looked for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

Side = Literal["input", "output"]
RATES_HZ: Final = (48_000, 44_100, 16_000, 32_000, 24_000, 96_000)
BLOCKS_HZ: Final = 50  # callbacks of 20 ms
FORMATS: Final = 24  # tried at most
REFUSALS: Final = (-9998, -9997, -9994)  # paInvalidChannelCount, paInvalidSampleRate, paSampleFormatNotSupported


class NotThere(LookupError):
    """No such device, or it does not open; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a stream is opened with."""

    rate_hz: int
    channels: int
    dtype: Literal["int16", "float32"]


def find_device(card: Any, name: str, side: Side) -> int | None:
    """PortAudio's index for a configured name; None is the system's default. Raises `NotThere`."""
    devices = [device for device in card.query_devices() if device[f"max_{side}_channels"] > 0]
    if not devices:
        raise NotThere(f"no {side} device: plug one in, or check that PulseAudio or ALSA sees it")
    if name == "auto":
        return None
    for device in devices:
        if name in (str(device["index"]), device["name"]) or name in device["name"]:
            return int(device["index"])
    known = ", ".join(sorted(d["name"] for d in devices))
    raise NotThere(f"no {side} device called '{name}'; there are: {known}")


def wishes(card: Any, index: int | None, side: Side, preferred_hz: int) -> list[Format]:
    """Formats to try, ours first: then the device's own rate, then two channels, then floats."""
    device = card.query_devices(index, side)
    own_hz = int(device["default_samplerate"]) or RATES_HZ[0]
    most = max(1, int(device[f"max_{side}_channels"]))
    rates = list(dict.fromkeys((preferred_hz, own_hz, *RATES_HZ)))
    channels = list(dict.fromkeys((1, min(2, most), most)))
    kinds: tuple[Literal["int16", "float32"], ...] = ("int16", "float32")
    return [Format(rate, count, kind) for kind in kinds for count in channels for rate in rates][:FORMATS]


def open_first(
    card: Any, side: Side, name: str, preferred_hz: int, open_as: Callable[[int | None, Format], None]
) -> Format:
    """Open in the first format that the device takes, and say which. Raises `NotThere`."""
    refused: Exception | None = None
    try:
        index = find_device(card, name, side)
        for wish in wishes(card, index, side, preferred_hz):
            try:
                open_as(index, wish)
            except (card.PortAudioError, ValueError) as err:
                refused = refused or err
                if isinstance(err, card.PortAudioError) and err.args[1:2] and err.args[1] not in REFUSALS:
                    break  # it is not there at all: other formats would not help
            else:
                return wish
    except card.PortAudioError as err:  # it vanished while it was asked about
        refused = err
    raise NotThere(f"{side} device '{name}': {refused}")


def listed(card: Any) -> list[list[Any]]:
    """Name, inputs and outputs of every device that this PortAudio knows."""
    keys = ("name", "max_input_channels", "max_output_channels")
    return [[device[key] for key in keys] for device in card.query_devices()]


def main(side: Side, name: str, preferred_hz: int) -> None:
    """Open the device for a moment; one line of JSON."""
    import sounddevice as card

    def open_as(index: int | None, wish: Format) -> None:
        kind = card.RawInputStream if side == "input" else card.RawOutputStream
        stream = kind(
            samplerate=wish.rate_hz, blocksize=wish.rate_hz // BLOCKS_HZ, channels=wish.channels, dtype=wish.dtype,
            device=index,
        )  # fmt: skip
        stream.close(ignore_errors=True)

    error = ""
    try:
        open_first(card, side, name, preferred_hz, open_as)
    except NotThere as err:
        error = str(err)
    print(json.dumps({"devices": listed(card), "error": error}))


if __name__ == "__main__":
    main(cast(Side, sys.argv[1]), sys.argv[2], int(sys.argv[3]))
