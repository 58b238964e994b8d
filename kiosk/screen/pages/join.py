"""A terminal that does not belong yet: its code, large, and what is tried on the spot. Or one that belongs no more."""

from __future__ import annotations

from typing import Final

from contracts.screen import JoinStands, JoinTrial, JoinTry, JoinView
from kiosk.screen.boxes import Box
from kiosk.screen.buttons import button, row_boxes
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import MIDDLE, day_theme, headline, of_kind, sheet
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import INNER, MARGIN

SHEET_Y: Final = 560
PLAIN_SHEET_Y: Final = 1120
CODE: Final = Box(MARGIN, 738, INNER, 180)
CODE_PX: Final = 118
ROWS_Y: Final = 950
ROW: Final = 92
BUTTONS_Y: Final = 1540
BUTTONS_HEIGHT: Final = 140
_STANDS: Final[dict[JoinStands, tuple[str, str]]] = {
    "asking": ("请运维人员登记这个接入码", "An operator claims this code"),
    "no_line": ("连不上网络，接入码先记下", "No network yet. Keep this code"),
    "joined": ("已接入，马上开始服务", "Joined. It starts in a moment"),
    "revoked": ("本机已停用，不再提供服务", "This terminal was withdrawn from service"),
}
_REVOKED: Final = ("它的证书已被吊销。请找大堂的同事。", "Its certificate was revoked. Please ask our staff.")
_TRIALS: Final[dict[JoinTrial, tuple[tuple[str, str], tuple[str, str]]]] = {  # name, what to do
    "touch": (("触摸屏", "Touch"), ("请点下面的按钮", "Touch the button below")),
    "camera": (("摄像头", "Camera"), ("请站到屏幕前，看着屏幕", "Stand before the screen and look at it")),
    "speak": (("麦克风", "Microphone"), ("请对着屏幕说一句话", "Say something towards the screen")),
    "sound": (("扬声器", "Loudspeaker"), ("刚才响了两声，听到了吗？", "Two tones were played. Did you hear them?")),
    "paper": (("打印机", "Printer"), ("打出了一张测试小票吗？", "Did a test ticket come out?")),
}


def join(view: View) -> PageLayout:
    shown = view.state.join or JoinView("no_line")
    if shown.stands == "revoked":
        return _revoked(view)
    behind = (gate_part(540, 390, 230), head_part(view))
    said = _STANDS[shown.stands]
    parts: list[Part] = [*sheet(SHEET_Y), headline(view, 636, 52, said), _code(shown)]
    parts += [_row(view, one, ROWS_Y + place * (ROW + 18)) for place, one in enumerate(shown.tries)]
    offered = of_kind(view, "primary", "quiet")
    for target, box in zip(offered, row_boxes(len(offered), BUTTONS_Y, BUTTONS_HEIGHT), strict=True):
        parts.append(button(view, target, box, 48))
    spot = FigureSpot(540, 320, 0.62, SHEET_Y, badge=False)
    return PageLayout(day_theme(view), behind, spot, (*parts, *dock_parts(view)))


def _revoked(view: View) -> PageLayout:
    behind = (gate_part(520, 590, 420), head_part(view))
    words = view.say(*_REVOKED)

    def paint(kit: Kit) -> None:
        shown = kit.fitted(words, INNER, kit.size("body"), max_lines=2)
        kit.lines(shown, Box(MARGIN, 1430, INNER, 140), "ink_2", align="center")

    note = Part("note", Box(MARGIN, 1420, INNER, 150), (words,), paint)
    parts = (*sheet(PLAIN_SHEET_Y), headline(view, 1270, 64, _STANDS["revoked"], max_lines=2), note, *dock_parts(view))
    return PageLayout(day_theme(view), behind, FigureSpot(520, 486, 1.06, PLAIN_SHEET_Y), parts)


def _code(shown: JoinView) -> Part:
    """Two groups of four: that is how it is read out on the telephone."""
    text = f"{shown.code[:4]} {shown.code[4:]}" if shown.code else shown.name

    def paint(kit: Kit) -> None:
        kit.rect(CODE, 32, "surface_2")
        kit.text(text, MIDDLE, CODE.y + CODE.height / 2, CODE_PX, "primary", bold=True, align="center", room=INNER - 60)

    return Part("join:code", CODE.grown(4), (text,), paint)


def _row(view: View, one: JoinTry, y: float) -> Part:
    (name_zh, name_en), (do_zh, do_en) = _TRIALS[one.trial]
    name = view.say(name_zh, name_en)
    works, fails = view.say("正常", "Works"), view.say("不行", "Does not work")
    said = {"here": view.say(do_zh, do_en), "works": works, "fails": fails, "open": ""}[one.state]
    box = Box(MARGIN, y, INNER, ROW)

    def paint(kit: Kit) -> None:
        middle = y + ROW / 2
        if one.state == "here":
            kit.rect(box, 24, "primary_soft")
        if one.state in ("works", "fails"):
            good = one.state == "works"
            kit.icon("check" if good else "cross", box.x + 46, middle, 44, "ok" if good else "danger", 2.8)
        else:
            kit.circle(box.x + 46, middle, 10, "primary" if one.state == "here" else "line_strong")
        faint = "ink_2" if one.state == "open" else "ink"
        kit.text(name, box.x + 92, middle, kit.size("body"), faint, bold=True, room=236)
        kit.text(said, box.right - 28, middle, kit.size("small"), faint, align="right", room=INNER - 360)

    return Part(f"join:{one.trial}", box.grown(4), (one, view.state.language, y), paint)
