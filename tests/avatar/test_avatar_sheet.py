"""The picture of one persona, mood and mouth that galleries ask for."""

from __future__ import annotations

import pytest

from avatar.expression import MOODS
from avatar.personas import PersonaError, persona_names
from avatar.sheet import sheet
from avatar.visemes import SHAPES

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("persona", persona_names())
def test_a_picture_has_the_size_asked_for_and_moods_and_mouths_are_told_apart(persona: str) -> None:
    first, *others = (
        sheet(persona, mood, mouth, (150, 210)).tobytes()
        for mood, mouth in (("neutral", "rest"), ("glad", "rest"), ("concerned", "rest"), ("neutral", "a"))
    )
    assert len(first) == 150 * 210 * 4
    assert len({first, *others}) == 4


def test_a_name_that_nobody_knows_is_named() -> None:
    for wrong in (("nobody", "warm", "a"), ("xiaoying", "furious", "a"), ("xiaoying", "warm", "click")):
        with pytest.raises(
            (KeyError, PersonaError), match=next(w for w in wrong if w in ("nobody", "furious", "click"))
        ):
            sheet(*wrong, (40, 40))


def test_all_moods_and_mouths_of_the_contract_can_be_asked_for() -> None:
    assert len(MOODS) == 7
    assert len(SHAPES) == 16
