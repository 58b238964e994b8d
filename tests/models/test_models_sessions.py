"""A session keeps nothing for the lengths it has seen: an hour of sentences has hundreds of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from models.sessions import Shapes, open_session

pytestmark = pytest.mark.contract

ROOT = Path(__file__).resolve().parents[2]
LAYERS = 800
LENGTHS = 250


def network(path: Path, layers: int) -> Path:
    """A network of small layers over a row of any length."""
    names = ["x", *(f"layer{i}" for i in range(1, layers)), "y"]
    # each pooling needs memory of its own: what works in place would need no plan
    nodes = [
        helper.make_node("MaxPool", [names[i]], [names[i + 1]], kernel_shape=[3], pads=[1, 1]) for i in range(layers)
    ]
    row = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, "length"]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "deep", row[:1], row[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def written_mb() -> float:
    """The private pages that this process has written."""
    rows = Path("/proc/self/smaps_rollup").read_text("utf-8").splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private_Dirty:")) / 1000


def grown_mb(path: Path, shapes: Shapes) -> float:
    """How much more memory the process has after LENGTHS lengths than after the longest."""
    session = open_session(path, shapes=shapes)
    session.run(None, {"x": np.zeros((1, 1, LENGTHS + 1), np.float32)})
    before = written_mb()
    for length in range(1, LENGTHS + 1):
        session.run(None, {"x": np.zeros((1, 1, length), np.float32)})
    return written_mb() - before


def left_mb(path: Path, shapes: Shapes) -> float:
    """How much more memory the process has after a long run and a short one than after a short one."""
    session = open_session(path, shapes=shapes)
    few = np.zeros((1, 1, 100), np.float32)
    session.run(None, {"x": few})
    before = written_mb()
    session.run(None, {"x": np.zeros((1, 1, 5_000_000), np.float32)})  # 20 MB a layer
    session.run(None, {"x": few})  # the long run's own result was still in use at its end
    return written_mb() - before


def in_a_process_of_its_own(measure: str, path: Path, *kinds: Shapes) -> list[float]:
    """What `measure` gives for each kind: what other tests freed, or have not given back, would hide it."""
    command = [sys.executable, "-m", "tests.models.test_models_sessions", measure, path, *kinds]
    figures: list[float] = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    return figures


def test_250_lengths_leave_less_than_a_tenth_of_what_the_runtimes_plans_of_memory_would(tmp_path: Path) -> None:
    deep = network(tmp_path / "deep.onnx", LAYERS)
    without_plans, with_plans = in_a_process_of_its_own("grown", deep, "some", "one")
    assert with_plans > 4, "the network is too small to tell"
    assert without_plans < with_plans / 10


def test_a_network_of_many_lengths_has_given_back_what_a_long_run_took_by_the_end_of_the_next(tmp_path: Path) -> None:
    short = network(tmp_path / "short.onnx", 3)
    kept, given_back = in_a_process_of_its_own("left", short, "some", "many")
    assert kept > 30, "the run is too short to tell"
    assert given_back < kept / 10


if __name__ == "__main__":
    asked = {"grown": grown_mb, "left": left_mb}[sys.argv[1]]
    print(json.dumps([asked(Path(sys.argv[2]), cast(Shapes, kind)) for kind in sys.argv[3:]]))
