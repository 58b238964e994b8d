"""A signed pack is taken whole; anything wrong with it is named, and the one in force stays."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from config.intents import load_intents
from kiosk.content.figures import Figure
from kiosk.content.pack import Asks, Entry, Pack, Variant
from kiosk.content.sealed import _HEADER, PackRefused, Sealed, canonical, public_hex, seal, unseal
from kiosk.content.store import KEPT, PackStore

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 22, 10)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
TRUSTED = (public_hex(KEY.public_key()),)
INTENTS = load_intents()


def pack(version: int = 1, **changed: Any) -> Pack:
    entries = tuple(
        Entry(
            id=f"entry_{number}",
            intents=("fees_inquiry",),
            asks=Asks(zh=(f"问题甲{number}",), en=(f"question {number}",)),
            zh="补卡{fee}。",
            en="A card costs {fee}.",
            source="演示",
            valid_until=date(2027, 6, 30),
        )
        for number in range(3)
    )
    known: dict[str, Any] = {
        "bank": "qinghe",
        "branch": "binjiang",
        "version": version,
        "issued": date(2026, 11, 1),
        "valid_until": date(2027, 12, 31),
        "source": "demonstration",
        "approved_by": "demonstration",
        "figures": {"fee": Figure(unit="yuan", value=5)},
        "answers": {"fees_inquiry": (Variant(zh="看价目表。", en="See the list."),)},
        "entries": entries,
    }
    return Pack(**{**known, **changed})


@cache
def built() -> bytes:
    return seal(pack(), KEY)


def store(folder: Path, **changed: Any) -> PackStore:
    known: dict[str, Any] = {"bank": "qinghe", "branch": "binjiang", "public_keys": TRUSTED, "intents": INTENTS}
    return PackStore(folder / "store", **{**known, **changed})


def written(folder: Path, data: bytes) -> Path:
    path = folder / "new.ybpack"
    path.write_bytes(data)
    return path


def with_first(folder: Path) -> tuple[PackStore, Sealed]:
    packs = store(folder)
    return packs, packs.activate(written(folder, built()), NOW)


def edited(data: bytes, entry: str, text: str) -> bytes:
    """A forger's work: an entry's words changed, the signature kept."""
    whole = json.loads(gzip.decompress(data[_HEADER:]))
    for row in whole["parts"]:
        if row["name"] == entry:
            row["value"]["zh"] = text
    payload = gzip.compress(canonical(whole), mtime=0)
    head = data[:8] + len(payload).to_bytes(8, "big") + data[16:_HEADER]
    return head + payload


def test_what_was_built_is_what_is_read() -> None:
    sealed = unseal(built(), TRUSTED, INTENTS)
    assert sealed.pack == pack() and sealed.key == TRUSTED[0] and sealed.previous is None


def test_building_twice_gives_the_same_file() -> None:
    assert seal(pack(), KEY) == built()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_pack_with_any_byte_changed_is_refused(data: st.DataObject) -> None:
    whole = bytearray(built())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PackRefused):
        unseal(bytes(whole), TRUSTED, INTENTS)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(built()) - 1))
def test_a_pack_cut_anywhere_is_refused_as_cut(length: int) -> None:
    with pytest.raises(PackRefused) as refused:
        unseal(built()[:length], TRUSTED, INTENTS)
    assert refused.value.reason == ("truncated" if length >= 8 else "not_a_pack")


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_what_is_no_pack_is_refused(data: bytes) -> None:
    with pytest.raises(PackRefused):
        unseal(data, TRUSTED, INTENTS)


def test_something_after_the_pack_is_refused() -> None:
    with pytest.raises(PackRefused, match="tampered"):
        unseal(built() + b"x", TRUSTED, INTENTS)


def test_who_changed_an_entry_is_told_which() -> None:
    with pytest.raises(PackRefused, match="chain breaks at entries 'entry_1'") as refused:
        unseal(edited(built(), "entry_1", "补卡不要钱。"), TRUSTED, INTENTS)
    assert refused.value.reason == "tampered"


@pytest.mark.parametrize(
    ("data", "now", "reason"),
    [
        (seal(pack(2), None), NOW, "unsigned"),
        (seal(pack(2), OTHER), NOW, "wrong_key"),
        (seal(pack(2), KEY), datetime(2028, 1, 1), "expired"),
        (seal(pack(2), KEY)[:-40], NOW, "truncated"),
        (edited(seal(pack(2), KEY), "entry_0", "补卡十元。"), NOW, "tampered"),
        (seal(pack(2, bank="other"), KEY), NOW, "other_bank"),
        (seal(pack(2, branch="zhongshan"), KEY), NOW, "other_branch"),
        (seal(pack(1, source="again"), KEY), NOW, "equal"),
        (seal(pack(2, entries=(), answers={"no_such": (Variant(zh="好", en="yes"),)}), KEY), NOW, "invalid"),
        (b"YBPACK1\n" + b"\0" * 17 * 1024 * 1024, NOW, "too_large"),
        (b"entries: []", NOW, "not_a_pack"),
    ],
)
def test_a_refused_pack_leaves_the_one_in_force(tmp_path: Path, data: bytes, now: datetime, reason: str) -> None:
    packs, first = with_first(tmp_path)
    marker = packs.marker()
    with pytest.raises(PackRefused) as refused:
        packs.activate(written(tmp_path, data), now)
    assert refused.value.reason == reason
    active = packs.active()
    assert active is not None and active.hash == first.hash and packs.marker() == marker


def test_a_pack_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackRefused, match="missing"):
        store(tmp_path).activate(tmp_path / "nothing.ybpack", NOW)


def test_an_older_pack_than_the_active_one_is_refused(tmp_path: Path) -> None:
    packs = store(tmp_path)
    packs.activate(written(tmp_path, seal(pack(3), KEY)), NOW)
    with pytest.raises(PackRefused) as refused:
        packs.activate(written(tmp_path, seal(pack(2), KEY)), NOW)
    assert refused.value.reason == "older"


def test_a_pack_built_after_another_history_is_refused(tmp_path: Path) -> None:
    packs, _ = with_first(tmp_path)
    elsewhere = unseal(seal(pack(1, source="elsewhere"), KEY), TRUSTED, INTENTS)
    with pytest.raises(PackRefused) as refused:
        packs.activate(written(tmp_path, seal(pack(2), KEY, elsewhere)), NOW)
    assert refused.value.reason == "history"


def test_a_successor_is_taken_and_given_back(tmp_path: Path) -> None:
    packs, first = with_first(tmp_path)
    second = packs.activate(written(tmp_path, seal(pack(2), KEY, first)), NOW)
    active = packs.active()
    assert active is not None and active.pack.version == 2 and second.previous == (1, first.hash)
    assert packs.rollback().hash == first.hash
    active = packs.active()
    assert active is not None and active.pack.version == 1
    with pytest.raises(PackRefused) as refused:
        packs.rollback()
    assert refused.value.reason == "no_previous"


def test_versions_may_be_skipped_and_only_a_few_are_kept(tmp_path: Path) -> None:
    packs = store(tmp_path)
    for version in range(1, 20, 2):
        packs.activate(written(tmp_path, seal(pack(version), KEY)), NOW)
    assert len(list((tmp_path / "store").glob("*.ybpack"))) == KEPT


def test_a_store_that_was_damaged_says_so_and_still_has_the_one_before(tmp_path: Path) -> None:
    packs, first = with_first(tmp_path)
    packs.activate(written(tmp_path, seal(pack(2), KEY)), NOW)
    newest = tmp_path / "store" / packs.marker()
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.raises(PackRefused, match="truncated"):
        packs.active()
    left = packs.latest_whole()
    assert left is not None and left.hash == first.hash


def test_a_key_that_is_no_longer_trusted_is_refused_at_rest(tmp_path: Path) -> None:
    with_first(tmp_path)
    with pytest.raises(PackRefused) as refused:
        store(tmp_path, public_keys=(public_hex(OTHER.public_key()),)).active()
    assert refused.value.reason == "wrong_key"


def test_an_empty_store_has_nothing_in_force(tmp_path: Path) -> None:
    assert store(tmp_path).active() is None and store(tmp_path).marker() == ""
