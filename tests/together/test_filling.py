"""A form as data, and one filling of it: who may write what, what cannot stand, what a step needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.forms import FORMS_DIR, Form, load_forms
from config.load import ConfigError
from contracts import together as t
from kiosk.together.checks import luhn, plain, trouble_of
from kiosk.together.filling import Filling

pytestmark = pytest.mark.unit
CARD = "6222020000000000000"
ID_NUMBER = "11010519491231002X"  # the standard's own example


def limits() -> Form:
    return load_forms()["limits"]


def typed(filling: Filling, text: str) -> None:
    for character in text:
        assert filling.visitor_types(character), character


def filled() -> Filling:
    """Everything but the PIN."""
    filling = Filling(limits(), "session-1", "zh")
    assert filling.teller_writes("name", " 王  小明 ")
    typed(filling, CARD)
    filling.visitor_moves(1)
    assert filling.visitor_chooses(1)
    filling.visitor_moves(1)
    typed(filling, "50000")
    return filling


def with_pin(pin: str = "246810", again: str = "246810") -> Filling:
    filling = filled()
    assert filling.opens("secret", "", "zh") == ""
    typed(filling, pin)
    filling.visitor_moves(1)
    typed(filling, again)
    return filling


def test_the_forms_of_this_checkout_hold_together_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    assert set(load_forms()) == {"limits", "statement"}
    good = (FORMS_DIR / "limits.yaml").read_text("utf-8")
    for change, complaint in (
        (("mask: true", "mask: maybe"), "mask"),
        (("by: [visitor]\n    mask", "by: [teller, visitor]\n    mask"), "masked field is the visitor's alone"),
        (("fields: [pin, pin_again]", "fields: [pin]"), "exactly one step"),
        (("same_as: pin", "same_as: nothing"), "no field nothing"),
        (("    sign: true\n", "    sign: true\n    colour: red\n"), "unknown key"),
        (("version: 1", "version: 0"), "between 1 and"),
    ):
        folder = tmp_path / complaint.replace(" ", "_")[:20]
        folder.mkdir()
        assert change[0] in good
        (folder / "limits.yaml").write_text(good.replace(*change), "utf-8")
        with pytest.raises(ConfigError, match=complaint):
            load_forms(folder)


def test_each_kind_of_field_says_why_a_value_cannot_stand() -> None:
    form, other = limits(), load_forms()["statement"]
    card, limit, pin, again, reason = (form.field(n) for n in ("card", "limit", "pin", "pin_again", "reason"))
    number, phone = other.field("id_number"), other.field("phone")
    assert card and limit and pin and again and number and phone and reason
    assert luhn(CARD) and trouble_of(card, CARD) == ""
    wrong = {
        (card, "6222020000000000009"): "check", (card, "62220200"): "length", (card, "62220200000000000A8"): "digits",
        (limit, ""): "empty", (limit, "999"): "small", (limit, "200001"): "large", (limit, "many"): "number",
        (number, "110105194912310021"): "check", (number, "11010519491331002X"): "date", (number, "123"): "length",
        (phone, "12345678901"): "length", (pin, "12345"): "length", (pin, "12a456"): "digits",
        (reason, "fun"): "choice",
    }  # fmt: skip
    for (field, value), trouble in wrong.items():
        assert trouble_of(field, value) == trouble, (field.id, value)
    assert trouble_of(number, ID_NUMBER) == trouble_of(phone, "13800138000") == trouble_of(phone, "") == ""
    assert trouble_of(again, "123456", twin="123457") == "differs"
    assert plain(limit, "两万五") == "25000" and plain(limit, "50,000") == "50000"  # as it is written at a desk
    assert plain(card, "6222 0200") == "62220200" and plain(number, "11010519491231002x") == ID_NUMBER


def test_teller_and_visitor_write_only_what_is_theirs() -> None:
    filling = Filling(limits(), "session-1", "zh")
    assert filling.at == "card"  # the first that the visitor has keys for
    assert filling.teller_writes("name", "王小明") and filling.teller_writes("limit", "两万")
    assert not filling.teller_writes("pin", "123456") and not filling.teller_writes("nothing", "x")
    filling.visitor_moves(-1)
    assert filling.at == "name" and not filling.visitor_types("1")  # words are written at the desk
    stands = {one.field: one for one in filling.stands().fields}
    assert (stands["name"].value, stands["name"].by) == ("王小明", "teller")
    assert (stands["limit"].value, stands["card"].by) == ("20000", "")


def test_a_masked_value_is_in_nothing_that_leaves_the_filling() -> None:
    filling = with_pin()
    stands = {one.field: one for one in filling.stands().fields}
    assert stands["pin"].given and stands["pin"].value == ""
    assert filling.shown("pin", "zh") == "••••••"
    assert filling.opens("sign", t.draft_digest(filling.stands()), "zh") == ""
    for text in (repr(filling.stands()), filling.document, "".join(filling.lines("zh")), repr(vars(filling))):
        assert "246810" not in text
    filling.wipe()
    assert not any(one.given for one in filling.stands().fields)


def test_a_step_opens_only_when_what_comes_before_can_stand_and_a_second_person_saw_just_this() -> None:
    filling = filled()
    assert filling.opens("sign", "", "zh") == "fields" and filling.state == "filling"
    assert {one.trouble for one in filling.stands().fields if one.field == "pin"} == {"empty"}
    assert with_pin(again="246811").opens("sign", "", "zh") == "fields"
    filling = with_pin()
    digest = t.draft_digest(filling.stands())
    assert filling.opens("sign", "", "zh") == "second"
    assert filling.opens("fill", "", "zh") == "" and filling.teller_writes("limit", "60000")  # another value since
    assert filling.opens("sign", digest, "zh") == "second"
    assert filling.teller_writes("limit", "50000")
    assert filling.opens("sign", t.draft_digest(filling.stands()), "zh") == ""
    assert filling.state == "signing" and not filling.teller_writes("name", "别人")
    assert filling.stands().document == t.sha256(filling.document)


def test_a_number_that_is_being_typed_is_not_called_wrong_until_it_is_left() -> None:
    filling = Filling(limits(), "session-1", "zh")
    typed(filling, "6222")
    assert filling.told_trouble("card") == ""
    filling.visitor_moves(1)
    assert filling.told_trouble("card") == "length"
    filling.visitor_moves(-1)
    typed(filling, "0")
    assert filling.told_trouble("card") == ""
