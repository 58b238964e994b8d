"""Check digits and dates of documents, against the standards' own examples and against single faults."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from bench.papers.people import invent, mrz, with_passport
from kiosk.vision.documents import numbers as n
from kiosk.vision.documents.checks import check, contradictions
from kiosk.vision.documents.layout import Seen, lower_line, upper_line, zone_fits, zone_says
from kiosk.vision.documents.votes import settle

pytestmark = pytest.mark.unit
TODAY = date(2026, 11, 29)


def test_the_standards_own_examples() -> None:
    assert n.id_check_digit("11010519491231002") == "X"  # GB 11643-1999
    assert n.luhn_digit("7992739871") == "3"  # ISO/IEC 7812-1
    assert n.mrz_digit("520727") == "3"  # ICAO Doc 9303 part 3
    assert zone_fits("L898902C36UTO7408122F1204159ZE184226B<<<<<10")  # ICAO Doc 9303 part 4


def test_every_wrong_figure_of_an_id_number_is_found_and_most_neighbours_that_changed_places() -> None:
    number = "11010519491231002X"
    assert n.id_is_whole(number)
    for place in range(17):
        for digit in "0123456789":
            if digit != number[place]:
                assert not n.id_is_whole(number[:place] + digit + number[place + 1 :])
    for place in range(16):
        a, b = number[place], number[place + 1]
        swapped = number[:place] + b + a + number[place + 2 :]
        assert a == b or not n.id_is_whole(swapped)


@pytest.mark.parametrize("text", ["", "123", "1101051949123100٢X", "abcdefghijklmnopqr", "11010519491231002x"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert not n.id_is_whole(text) and not n.card_is_whole(text)


def test_dates_and_regions_that_cannot_be() -> None:
    assert n.born_by_number("110105194902310021", TODAY) is None
    assert n.born_by_number("110105203012310021", TODAY) is None
    assert n.born_by_number("110105189912310021", TODAY) is None
    assert n.province_by_number("110105194912310021") == "北京"
    assert [n.province_by_number(region + "0" * 12) for region in ("990105", "000000", "110000", "119901")] == [""] * 4
    assert n.short_day("350101", latest=TODAY) == date(1935, 1, 1)
    assert n.short_day("990230", latest=TODAY) is None
    assert n.years_between(date(1961, 11, 30), TODAY) == 64


def test_invented_passports_have_lines_that_fit_and_any_wrong_figure_shows() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        person = with_passport(invent(rng, "tune"), rng)
        upper, lower = mrz(person)
        assert upper_line(upper) == upper and lower_line(lower) == lower and zone_fits(lower)
        said = zone_says(lower, TODAY)
        assert said["passport"] == person.passport and said["born"] == person.born.isoformat()
        for place in (3, 13, 15, 21, 26):
            other = str((int(lower[place]) + 1) % 10)
            assert not zone_fits(lower[:place] + other + lower[place + 1 :])


def test_letters_and_figures_are_told_apart_by_their_place_and_fillers_are_counted_again() -> None:
    assert upper_line("P<CHNGU0<<XIA0D0NG<<<<<<<<<<<").startswith("P<CHNGUO<<XIAODONG<<")
    lower = "E744237892CHN4412289F3309173<<<<<<<<<<<<<<<4"
    assert lower_line(lower.replace("<<<<<<<<<<<<<<<4", "<<<<<<<<<<4")) == lower
    assert lower_line("E744237892CHN44I2289F33O9173<<<<<<<<<<<<<<<4") == lower
    assert lower_line("nothing of the kind") == ""


def seen(**values: str) -> dict[str, Seen]:
    return {name: Seen(value, 0.9) for name, value in values.items()}


def test_a_check_digit_makes_a_number_sure_and_a_contradiction_is_no_misreading() -> None:
    number = "110105194912310021"
    number = number[:17] + n.id_check_digit(number[:17])
    look = seen(number=number, born="1949-12-31", sex=n.sex_by_number(number), name="王小明")
    first = settle("id_front", [look], TODAY)
    assert first["number"].sure and first["born"].sure and first["sex"].sure and not first["name"].sure
    both = settle("id_front", [look, look], TODAY)
    assert both["name"].sure and both["name"].frames == 2
    values = {name: one.seen.value for name, one in both.items()}
    sure = frozenset(values)
    assert check("id_front", values, sure, (), TODAY).outcome == "accepted"
    assert check("id_front", values, sure - {"name"}, (), TODAY).outcome == "unsure"
    assert contradictions("id_front", {**values, "born": "1950-12-31"}, sure, TODAY) == ["number_born"]
    assert contradictions("id_front", {**values, "born": "1950-12-31"}, sure - {"born"}, TODAY) == []


def test_two_frames_that_differ_make_nothing_sure() -> None:
    looks = [seen(name="王小明"), {"name": Seen("王小朋", 0.88)}]
    assert not settle("id_front", looks, TODAY)["name"].sure


def test_a_number_that_does_not_fit_its_check_digit_accuses_only_when_read_well_and_twice() -> None:
    wrong = "6217004021647175436"
    fair, well = {"card": Seen(wrong, 0.9)}, {"card": Seen(wrong, 0.99)}
    assert not settle("bank_card", [fair, fair], TODAY)["card"].sure
    assert not settle("bank_card", [well], TODAY)["card"].sure
    assert settle("bank_card", [well, well], TODAY)["card"].sure
    right = {"card": Seen("6217004021647175435", 0.6)}
    assert settle("bank_card", [right], TODAY)["card"].sure


@pytest.mark.parametrize(
    ("kind", "values", "codes"),
    [
        ("id_back", {"issuer": "北京市公安局", "issued": "2006-11-01", "until": "2026-11-01"}, ["expired"]),
        ("id_back", {"issuer": "北京市公安局", "issued": "2020-01-01", "until": "2033-01-01"}, ["span"]),
        ("id_back", {"issuer": "北京市公安局", "issued": "2020-01-01", "until": "long"}, []),
        ("bank_card", {"card": "6217004021647175436", "card_until": "11/32"}, ["card_check_digit"]),
        ("bank_card", {"card": "6217004021647175435", "card_until": "10/26"}, ["expired"]),
        ("bank_card", {"card": "6217004021647175435", "card_until": "11/26"}, []),
    ],
)
def test_what_speaks_against_a_document(kind: str, values: dict[str, str], codes: list[str]) -> None:
    assert contradictions(kind, values, frozenset(values), TODAY) == codes  # type: ignore[arg-type]
