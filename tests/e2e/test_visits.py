"""Recorded visitors, whole: real models, broker, hub, screen and processes; nothing is a stand-in but the visitor."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"endpoint", "recognise", "understand", "answer", "first_sample", "total"}


def visit(scenario: str, out: Path, *more: str) -> dict[str, Any]:
    """Run the demo as a person would, and return its account."""
    command = [sys.executable, "-m", "kiosk", "demo", "--headless", "--scenario", scenario, "--out", str(out),
               "--json", "-", *more]  # fmt: skip
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert ran.stdout.count("\n") == 1, f"one JSON object and nothing else: {ran.stdout[:300]} {ran.stderr[-800:]}"
    account: dict[str, Any] = json.loads(ran.stdout)
    assert account["failures"] == [] and account["ok"] is True, account["failures"]
    assert ran.returncode == 0
    return account


@pytest.fixture(scope="module")
def withdrawal(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("withdraw")
    return visit("withdraw_zh", out), out


def test_a_withdrawal_in_mandarin_gets_a_ticket_that_the_hub_has(withdrawal: tuple[dict[str, Any], Path]) -> None:
    account, _ = withdrawal
    assert account["ticket"]["number"] == "A001" and account["ticket_at_hub"] is True
    assert len(account["turns"]) >= 2
    for turn in account["turns"]:
        assert turn["reference"] and turn["heard"] and turn["answer"]
        assert set(turn["latency_ms"]) >= PARTS
        assert turn["latency_ms"]["total"] > 0
    kinds = {row["kind"] for row in account["hub_rows"]}
    assert {"visit_started", "greeted", "understood", "ticket_taken", "opinion_given", "visit_ended", "ticket"} <= kinds


def test_nothing_that_the_visitor_said_reached_the_hub_or_a_log(withdrawal: tuple[dict[str, Any], Path]) -> None:
    account, out = withdrawal
    rows = json.dumps(account["hub_rows"], ensure_ascii=False)
    logs = "".join(path.read_text("utf-8", "replace") for path in (out / "logs").glob("*.log"))
    for turn in account["turns"]:
        assert turn["heard"] not in rows and turn["heard"] not in logs
        assert turn["reference"] not in rows and turn["reference"] not in logs
    assert "20000" not in rows


def test_the_film_has_picture_and_sound_of_the_whole_visit(withdrawal: tuple[dict[str, Any], Path]) -> None:
    account, _ = withdrawal
    with av.open(account["video"]) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        assert (video.codec_context.width, video.codec_context.height) == (540, 960)
        spoken = np.concatenate([frame.to_ndarray().ravel() for frame in film.decode(audio)])
        assert np.abs(spoken).max() > 0.05
        seconds = len(spoken) / audio.rate
    with av.open(account["video"]) as film:
        pictures = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)][::10]
    last = account["moments"][-1]["at_s"]
    assert seconds >= last - 1
    assert len({hash(picture.tobytes()) for picture in pictures}) > 10  # she moves
    sheet = cv2.imread(account["contact_sheet"])
    assert sheet is not None and sheet.shape[1] > 1000


def test_the_ticket_is_on_paper(withdrawal: tuple[dict[str, Any], Path]) -> None:
    _, out = withdrawal
    (paper,) = (out / "tickets").glob("*A001.png")
    picture = cv2.imread(str(paper), cv2.IMREAD_GRAYSCALE)
    assert picture.shape[1] == 576
    assert 0.02 < np.mean(picture < 128) < 0.5


def test_her_mouth_moves_while_she_speaks_and_rests_while_she_listens(withdrawal: tuple[dict[str, Any], Path]) -> None:
    """The picture of the mouth changes more after the first answer began than while she listens."""
    account, _ = withdrawal
    turn = account["turns"][0]
    states = [m for m in account["moments"] if m["kind"] == "state"]
    listening = next(m["at_s"] for m in states if m["state"] == "LISTENING" and m["at_s"] > turn["at_s"])
    offset = (account["trace_began_ns"] - account["screen_began_ns"]) / 1e9
    speaking = _changes(account["video"], turn["at_s"] + offset, listening + offset)
    # at 0.3 s it is shut, however late the frames are
    resting = _changes(account["video"], listening + offset + 0.3, listening + offset + 1.0)
    assert np.percentile(speaking, 75) > 2 * np.median(resting)


def _changes(film: str, from_s: float, to_s: float) -> list[float]:
    """Change of brightness from frame to frame in the mouth's region of the conversation page."""
    with av.open(film) as source:
        mouths = [
            frame.to_ndarray(format="gray")[255:315, 220:320].astype(float)
            for frame in source.decode(video=0)
            if from_s <= frame.time < to_s
        ]
    assert len(mouths) > 2, f"{len(mouths)} frames from {from_s:.1f} to {to_s:.1f} s"
    return [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(mouths)]


def test_who_walks_away_in_the_middle_is_forgotten(tmp_path: Path) -> None:
    account = visit("walks_away_zh", tmp_path, "--no-film")
    assert account["moments"][-1]["kind"] in ("page", "pace", "drawn")
    assert account["hub_rows"][-1]["body"]["outcome"] in ("answered", "left")


def test_who_is_not_understood_gets_a_ticket_by_touch(tmp_path: Path) -> None:
    account = visit("mumbles_touches_zh", tmp_path, "--no-film")
    assert account["ticket_at_hub"] is True
    assert [turn["decision"] for turn in account["turns"]] == ["unsure"]
