"""What is kept of a face is encrypted, has a last day, and goes with one command; consent is on record."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kiosk.adapters.keystore import FileKeystore
from kiosk.identity.__main__ import app
from kiosk.identity.consent import ConsentLedger, Entry, LedgerBroken, LedgerFull, stamp
from kiosk.identity.ports import KeystoreLocked
from kiosk.identity.templates import KEPT_DAYS, TemplateDamaged, TemplateStore

pytestmark = pytest.mark.unit
TODAY = date(2026, 11, 29)
NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)


def face(seed: int = 0) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=128)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@pytest.fixture
def store(tmp_path: Path) -> TemplateStore:
    return TemplateStore(tmp_path / "identity" / "templates", FileKeystore(tmp_path / "identity" / "keys"))


def test_a_template_comes_back_as_it_was_and_does_not_stand_in_the_file(store: TemplateStore, tmp_path: Path) -> None:
    who = store.subject("110101199003078515")
    store.enrol(who, face(), TODAY)
    found = store.find(who, TODAY)
    assert found is not None
    np.testing.assert_array_equal(found.template, face())
    (path,) = (tmp_path / "identity" / "templates").glob("*.face")
    assert face().tobytes()[:16] not in path.read_bytes()
    assert "110101199003078515" not in path.name and path.stat().st_mode & 0o077 == 0


def test_a_changed_file_a_swapped_file_and_another_key_are_found_out(store: TemplateStore, tmp_path: Path) -> None:
    one, two = store.subject("A1"), store.subject("B2")
    store.enrol(one, face(1), TODAY)
    store.enrol(two, face(2), TODAY)
    folder = tmp_path / "identity" / "templates"
    (folder / f"{one}.face").write_bytes((folder / f"{two}.face").read_bytes())
    with pytest.raises(TemplateDamaged):
        store.find(one, TODAY)
    whole = bytearray((folder / f"{two}.face").read_bytes())
    whole[-3] ^= 1
    (folder / f"{two}.face").write_bytes(bytes(whole))
    with pytest.raises(TemplateDamaged):
        store.find(two, TODAY)


def test_after_its_last_day_a_template_is_gone(store: TemplateStore) -> None:
    who = store.subject("A1")
    store.enrol(who, face(), TODAY)
    assert store.find(who, TODAY + timedelta(days=KEPT_DAYS)) is not None
    assert store.find(who, TODAY + timedelta(days=KEPT_DAYS + 1)) is None
    assert store.subjects() == ()


def test_with_the_key_destroyed_a_copy_of_the_file_is_unreadable(store: TemplateStore, tmp_path: Path) -> None:
    who = store.subject("A1")
    store.enrol(who, face(), TODAY)
    (path,) = (tmp_path / "identity" / "templates").glob("*.face")
    copy = path.read_bytes()
    assert store.erase_all() == 1
    path.write_bytes(copy)
    with pytest.raises(TemplateDamaged):
        store.find(who, TODAY)


def test_a_keystore_with_a_cut_key_gives_none(tmp_path: Path) -> None:
    keys = FileKeystore(tmp_path)
    keys.key("x")
    (tmp_path / "x.key").write_bytes(b"short")
    with pytest.raises(KeystoreLocked, match=r"x\.key"):
        keys.key("x")


def entry(act: str = "granted", subject: str = "") -> Entry:
    return Entry(at=stamp(NOW), act=act, purpose="compare_with_document", text="2026-11-29", subject=subject)  # type: ignore[arg-type]


def test_a_line_that_was_taken_out_or_changed_is_found(tmp_path: Path) -> None:
    ledger = ConsentLedger(tmp_path)
    for act in ("granted", "refused", "granted"):
        ledger.note(entry(act))
    assert [one.act for one in ConsentLedger(tmp_path).entries()] == ["granted", "refused", "granted"]
    (path,) = tmp_path.glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(LedgerBroken, match="line 2"):
        list(ConsentLedger(tmp_path).entries())
    path.write_bytes(lines[0].replace(b"granted", b"refused") + lines[1] + lines[2])
    with pytest.raises(LedgerBroken, match="line 2"):
        list(ConsentLedger(tmp_path).entries())


def test_a_ledger_that_is_full_says_so_and_old_months_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ConsentLedger(tmp_path)
    ledger.note(entry())
    monkeypatch.setattr("kiosk.identity.consent.MOST_BYTES", 10)
    with pytest.raises(LedgerFull):
        ledger.note(entry())
    assert ledger.sweep(NOW) == 0
    assert ledger.sweep(NOW + timedelta(days=4 * 366)) == 1


def test_one_command_exports_everything_and_one_erases_it(store: TemplateStore, tmp_path: Path) -> None:
    number = "110101199003078515"
    who = store.subject(number)
    today = datetime.now().astimezone().date()
    store.enrol(who, face(), today)
    ConsentLedger(tmp_path / "identity" / "consents").note(entry("enrolled", who))
    run = CliRunner().invoke
    told = json.loads(run(app, ["export", "--document", "--state", str(tmp_path)], input=number + "\n").stdout)
    assert told["template"]["subject"] == who and [act["act"] for act in told["acts"]] == ["enrolled"]
    assert json.loads(run(app, ["erase", "--subject", who, "--state", str(tmp_path)]).stdout) == {"erased": 1}
    again = json.loads(run(app, ["export", "--subject", who, "--state", str(tmp_path)]).stdout)
    assert again["template"] is None and [act["act"] for act in again["acts"]] == ["enrolled", "exported", "erased"]
    whole = json.loads(run(app, ["ledger", "--state", str(tmp_path)]).stdout)
    assert whole["whole"] and whole["acts"]["erased"] == 1
    ledger_bytes = b"".join(path.read_bytes() for path in (tmp_path / "identity" / "consents").iterdir())
    assert number.encode() not in ledger_bytes


def test_the_check_finds_a_picture_that_was_left(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(app, ["check", "--state", str(tmp_path)]).exit_code == 0
    (tmp_path / "crop.dat").write_bytes(b"\x89PNG\r\n\x1a\n....")
    result = run(app, ["check", "--state", str(tmp_path)])
    assert result.exit_code == 1 and json.loads(result.stdout)["suspect"] == ["crop.dat"]
