"""silero's voice activity network for 16 kHz: taken as it is packaged."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

NETWORK: Final = Path("silero-vad/silero_vad/data/silero_vad_16k_op15.onnx")


def convert(inputs: Path, results: Path) -> None:
    """Copy the network to `results`/silero.onnx."""
    shutil.copyfile(inputs / NETWORK, results / "silero.onnx")
