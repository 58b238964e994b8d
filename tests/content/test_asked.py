"""Further ways of asking: read into their entries, or refused by file, line and name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.intents import load_intents
from config.load import ConfigError
from kiosk.content.source import CONTENT_DIR, load_source

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONTENT_DIR / "qinghe", tmp_path / "qinghe"))


def test_a_further_question_stands_beside_those_of_its_entry(folder: Path) -> None:
    (folder / "asked.tsv").write_text("# more\ncard_loss_holds\tzh\t重新弄一张卡得掏多少\n", "utf-8")
    pack = load_source(folder, load_intents())
    entry = next((entry for entry in pack.entries if "重新弄一张卡得掏多少" in entry.expected("zh")), None)
    assert entry is not None and entry.id == "card_loss_holds" and len(entry.expected("zh")) > 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("card_loss_holds\tzh", r"asked\.tsv:1: want entry"),
        ("card_loss_holds\tfr\tcombien", r"asked\.tsv:1: want entry"),
        ("card_loss_holds\ten\t ", r"asked\.tsv:1: want entry"),
        ("no_such_entry\ten\thow much", r"asked\.tsv: no such entry: no_such_entry"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(folder: Path, line: str, why: str) -> None:
    (folder / "asked.tsv").write_text(line + "\n", "utf-8")
    with pytest.raises(ConfigError, match=why):
        load_source(folder, load_intents())
