"""Who stands in the gate. A persona is data: colours, hair, clothes; the rig is the same for all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """The looks of one figure. Colour tuples run from lit to dark; `broad` and `age` are 0..1."""

    name: str
    skin: tuple[str, str, str, str] = ("#FCE3D2", "#F3C9AF", "#D99C7E", "#B87457")  # light, base, shade, line
    hair: tuple[str, str, str] = ("#5A4034", "#33231D", "#1E1411")  # sheen, base, deep
    style: Literal["bun", "short", "grey"] = "bun"
    lips: tuple[str, str] = ("#C9605A", "#DB7C74")  # upper, lower
    coat: tuple[str, str, str] = ("#1B6B68", "#0E4F4E", "#083634")  # lit, base, shade
    shirt: str = "#FBF7EE"
    accent: str = "#D9A441"
    collar: Literal["scarf", "tie", "zip"] = "scarf"
    glasses: bool = False
    headset: bool = False
    broad: float = 0.0
    age: float = 0.0
    badge: str = ""
    badge_line: str = ""


XIAOYING: Final = Persona(name="小迎", badge="小迎", badge_line="数字员工 AI")
XIAOYING_CROPPED: Final = replace(XIAOYING, badge="")  # where the crop would cut the name badge in half
TELLER: Final = Persona(
    name="柜员",
    skin=("#F6D7C0", "#E8BC9E", "#C98D6C", "#A4684B"),
    hair=("#4A4340", "#262120", "#141110"),
    style="short",
    lips=("#B9706A", "#C68077"),
    coat=("#33465C", "#22324A", "#152033"),
    shirt="#FFFFFF",
    accent="#0B5C5A",
    collar="tie",
    glasses=True,
    headset=True,
    broad=0.8,
)
VISITOR: Final = Persona(
    name="来宾",
    skin=("#F0CFB4", "#DFB190", "#BC8462", "#965F43"),
    hair=("#B9B7B4", "#8F8D8B", "#6B6967"),
    style="grey",
    lips=("#A8675C", "#B97A6E"),
    coat=("#7C8A93", "#5F6D77", "#46525B"),
    shirt="#E9E4DA",
    accent="#8A4B3C",
    collar="zip",
    broad=0.7,
    age=1.0,
)

PERSONAS: Final[dict[str, Persona]] = {"xiaoying": XIAOYING}
"""Who may receive visitors, by the name that a site's configuration gives."""
