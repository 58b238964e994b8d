"""Personas are files: a new one needs no engine, a broken one is named and somebody stands in."""

from __future__ import annotations

from pathlib import Path

import pytest
import skia

from avatar import neck
from avatar.expression import MOODS
from avatar.personas import LOOKS, PersonaError, Uniform, load_persona, persona_names, persona_or_stand_in
from config.schema import PERSONAS

pytestmark = pytest.mark.unit

GOOD = (LOOKS / "xiaoying.toml").read_text("utf-8")


def written(folder: Path, text: str, name: str = "guest") -> Path:
    (folder / f"{name}.toml").write_text(text, "utf-8")
    return folder


def test_whoever_a_site_may_choose_has_a_face() -> None:
    assert set(PERSONAS) <= set(persona_names())
    for name in persona_names():
        assert load_persona(name).look.badge


def test_two_personas_share_neither_hair_nor_clothes_nor_colours() -> None:
    one, other = (load_persona(name).look for name in ("xiaoying", "xiaohe"))
    assert one.hairdo != other.hairdo
    assert one.clothes != other.clothes
    assert not set(one.skin) & set(other.skin)
    assert not set(one.hair) & set(other.hair)
    assert one.face.outline != other.face.outline


def test_a_new_persona_is_a_new_file(tmp_path: Path) -> None:
    text = GOOD.replace('hairdo = "low_bun"', 'hairdo = "side_parted"').replace("#41291F", "#7A4A2A")
    persona = load_persona("guest", folder=written(tmp_path, text))
    assert persona.look.hair[1] == "#7A4A2A"
    assert persona.hairdo is load_persona("xiaohe").hairdo


def test_the_uniform_s_colours_come_from_the_theme() -> None:
    red = Uniform(coat=("#A02020", "#801818", "#501010"))
    assert load_persona("xiaoying", red).uniform.coat[0] == "#A02020"
    assert load_persona("xiaoying").uniform == load_persona("xiaohe").uniform


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("", "name"),
        ("name = [", "guest.toml"),
        (GOOD.replace("#FFEADB", "beige"), "beige"),
        (GOOD.replace('hairdo = "low_bun"', 'hairdo = "mohawk"'), "mohawk"),
        (GOOD.replace('hairdo = "low_bun"', 'hairdo = "../secrets"'), "secrets"),
        (GOOD + "\nwings = 2\n", "wings"),
        (GOOD.replace("chin = 197", 'chin = "long"'), "chin"),
        (GOOD.replace("chin = 197", "chin = nan"), "chin"),
        (GOOD.replace("slant = 4", "slant = 4000"), "slant"),
        ("# " + "x" * 20_000 + "\n" + GOOD, "bytes"),
    ],
)
def test_a_broken_file_is_named_and_somebody_stands_in(tmp_path: Path, broken: str, named: str) -> None:
    folder = written(tmp_path, broken)
    with pytest.raises(PersonaError, match=named):
        load_persona("guest", folder=folder)
    persona, trouble = persona_or_stand_in("guest", folder=folder)
    assert persona.id == "stand_in"
    assert "guest" in trouble


@pytest.mark.parametrize("name", ["", "nobody", "../xiaoying", "Xiaoying", "x" * 200])
def test_a_name_that_is_none_brings_the_stand_in(name: str) -> None:
    persona, trouble = persona_or_stand_in(name)
    assert persona.id == "stand_in"
    assert trouble


def test_moods_are_all_different() -> None:
    assert len(set(MOODS.values())) == len(MOODS)


def test_a_badge_can_be_read_where_the_font_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def inked() -> int:
        surface = skia.Surface(140, 70)
        surface.getCanvas().clear(skia.ColorWHITE)
        neck.draw_badge(surface.getCanvas(), load_persona("xiaoying"), 8, 8)
        return int((surface.toarray()[..., :3].max(axis=2) < 90).sum())

    neck._font.cache_clear()
    usual = inked()
    monkeypatch.setattr(neck, "FONT_FAMILY", "No Such Font 9")
    neck._font.cache_clear()
    without = inked()
    neck._font.cache_clear()
    assert usual > 100
    assert without > 100
