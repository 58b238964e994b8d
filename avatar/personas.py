"""Who stands in the gate. A persona is a file of `avatar/looks` and the drawing functions it names.

A new one is a new file, and, if its hair or clothes are new, a module of `avatar/hairdos` or `avatar/clothes`:
nothing that draws, moves or puts together has to change. The colours of the uniform are the bank's, from the theme.
"""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol, cast

import msgspec
import skia

from avatar.ink import Pen, Point

LOOKS: Final = Path(__file__).parent / "looks"
THEME: Final = Path(__file__).resolve().parents[1] / "config" / "theme" / "tokens.json"
MAX_BYTES: Final = 16 * 1024  # a look is about 1 KiB
_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_NAME: Final = re.compile(r"[a-z][a-z_]{0,30}")
_BOUNDS: Final = {
    "outline": (15, 165), "chin": (185, 220), "eye": (0.6, 1.25), "slant": (-6, 10), "crease": (0, 1.5),
    "lashes": (0, 1.5), "brow": (0, 2.5), "nose": (0.7, 1.5), "mouth": (0.8, 1.25), "lip": (0.5, 1.4),
    "blush": (0, 0.6),
}  # fmt: skip
"""What a `FaceLook` may say, so that every part stays within its sprite."""
Three = tuple[str, str, str]


class PersonaError(ValueError):
    """A persona cannot be used; the message names the file and what is wrong with it."""


class Uniform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bank's people wear. Tuples run from lit to dark."""

    coat: Three = ("#1F7A75", "#0F5553", "#083634")
    shirt: Three = ("#FFFFFF", "#FBF7EE", "#D5DDD9")
    accent: Three = ("#F3D08C", "#D9A441", "#9C6A1C")


class FaceLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Proportions, in bust units. `outline` is half the width at seven heights from the temples to beside the chin."""

    outline: tuple[float, float, float, float, float, float, float] = (139, 140, 136, 126, 106, 73, 36)
    chin: float = 199  # where the chin ends
    eye: tuple[float, float] = (1.0, 1.0)  # width and height, times the usual ones
    slant: float = 3.0  # how much higher the outer corner lies
    crease: float = 1.0  # of the upper lid: 0 hardly there
    lashes: float = 1.0  # 0 none to speak of
    brow: tuple[float, float] = (1.0, 1.0)  # thickness, arch
    nose: float = 1.0  # width
    mouth: float = 1.0  # width
    lip: float = 1.0  # fullness
    blush: float = 0.34


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of `avatar/looks`, as it stands there."""

    name: str
    badge: str
    badge_line: str
    skin: tuple[str, str, str, str]  # light, base, shade, line
    hair: Three  # sheen, base, deep
    iris: Three  # glow, base, rim
    lips: tuple[str, str]  # upper, lower
    hairdo: str  # a module of `avatar/hairdos`
    clothes: str  # a module of `avatar/clothes`
    face: FaceLook = FaceLook()
    earrings: bool = False
    glasses: bool = False


class Hairdo(Protocol):
    """What a module of `avatar/hairdos` provides, drawn in bust space."""

    def draw_back(self, pen: Pen, persona: Persona) -> None:
        """Draw what lies behind neck and shoulders."""

    def draw_front(self, pen: Pen, persona: Persona, face: skia.Path) -> None:
        """Draw what lies over the forehead; `face` is what its shadow falls on."""


class Clothes(Protocol):
    """What a module of `avatar/clothes` provides, drawn in bust space; a sleeve runs from an elbow to a wrist."""

    def draw(self, pen: Pen, persona: Persona, bottom: float) -> None:
        """Draw everything worn from the neck down to `bottom`."""

    def draw_sleeve(self, pen: Pen, persona: Persona, elbow: Point, wrist: Point) -> None:
        """Draw the forearm in its sleeve, down to the cuff."""


@dataclass(frozen=True, slots=True)
class Persona:
    """One figure, ready to be drawn."""

    id: str
    look: Look
    uniform: Uniform
    hairdo: Hairdo
    clothes: Clothes

    @property
    def face(self) -> FaceLook:
        return self.look.face


def load_persona(name: str, uniform: Uniform | None = None, folder: Path = LOOKS) -> Persona:
    """Return the persona of `folder/name.toml` in the theme's uniform.

    Raises PersonaError when there is no such file, when it does not say what it should, or when it names hair or
    clothes that nobody can draw.
    """
    path = folder / f"{name}.toml"
    try:
        if not _NAME.fullmatch(name):
            raise ValueError("is not a name of a persona")
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            raise ValueError(f"has more than {MAX_BYTES} bytes")
        look = msgspec.toml.decode(raw, type=Look)
        _check(msgspec.to_builtins(look))
        hairdo, clothes = _drawing("hairdos", look.hairdo), _drawing("clothes", look.clothes)
    except (OSError, ValueError, ImportError) as err:  # msgspec's and tomllib's errors are ValueErrors
        raise PersonaError(f"persona {name!r}: {path.name}: {err}") from err
    dressed = uniform if uniform is not None else theme_uniform()
    return Persona(name, look, dressed, cast(Hairdo, hairdo), cast(Clothes, clothes))


def _drawing(kind: str, name: str) -> Any:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of {kind}")
    return importlib.import_module(f"avatar.{kind}.{name}")


def _check(found: Any) -> None:
    """Raise ValueError for colours that are none and proportions that no face has."""
    for key in ("skin", "hair", "iris", "lips"):
        for colour in found[key]:
            if not _COLOUR.fullmatch(colour):
                raise ValueError(f"{key}: {colour!r} is not a colour like #1B6B68")
    for key, (least, most) in _BOUNDS.items():
        values = found["face"][key]
        for value in values if isinstance(values, (list, tuple)) else (values,):
            if not least <= value <= most:  # nor what is no number
                raise ValueError(f"face.{key}: {value} is not within {least} to {most}")


@lru_cache(maxsize=1)
def theme_uniform() -> Uniform:
    """Return the uniform of the bank's theme, or the usual one where the theme has none. Raises PersonaError."""
    try:
        tokens = json.loads(THEME.read_bytes())
        return msgspec.convert(tokens.get("uniform", {}), Uniform)
    except (OSError, ValueError) as err:
        raise PersonaError(f"uniform: {THEME.name}: {err}") from err


def persona_names(folder: Path = LOOKS) -> tuple[str, ...]:
    """Return the names of all personas there are, in order."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def persona_or_stand_in(name: str, folder: Path = LOOKS) -> tuple[Persona, str]:
    """Return the persona, or who stands in for it, and what was wrong (empty: nothing). Somebody always comes.

    Who stands in needs no file: she is drawn from what is in this module.
    """
    try:
        return load_persona(name, folder=folder), ""
    except PersonaError as err:
        hairdo, clothes = _drawing("hairdos", _STAND_IN.hairdo), _drawing("clothes", _STAND_IN.clothes)
        stand_in = Persona("stand_in", _STAND_IN, Uniform(), cast(Hairdo, hairdo), cast(Clothes, clothes))
        return stand_in, str(err)


_STAND_IN: Final = Look(
    name="小迎",
    badge="小迎",
    badge_line="数字员工 AI",
    skin=("#FFEADB", "#F8D3BB", "#E0A586", "#B4694E"),
    hair=("#9C6B52", "#41291F", "#24140F"),
    iris=("#B07A4A", "#5E3820", "#28140B"),
    lips=("#C4544F", "#DE7A72"),
    hairdo="low_bun",
    clothes="blazer",
)
