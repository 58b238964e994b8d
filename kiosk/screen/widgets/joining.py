"""A terminal that does not belong yet: its code, large, and what is tried on the spot. Or one that belongs no more."""

from __future__ import annotations

from typing import Final

from contracts.screen import JoinStands, JoinTrial, JoinTry, JoinView
from kiosk.screen.blocks import Block, Room, words
from kiosk.screen.boxes import Box
from kiosk.screen.kit import SMALL, Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.text import fit

CODE_PX: Final = 118.0
NAME_SHARE: Final = 0.34  # of a row's width; the rest says what to do
_STANDS: Final[dict[JoinStands, tuple[str, str]]] = {
    "asking": ("请运维人员登记这个接入码", "An operator claims this code"),
    "no_line": ("连不上网络，接入码先记下", "No network yet. Keep this code"),
    "joined": ("已接入，马上开始服务", "Joined. It starts in a moment"),
    "revoked": ("本机已停用，不再提供服务", "This terminal was withdrawn from service"),
}
_REVOKED: Final = ("它的证书已被吊销。请找大堂的同事。", "Its certificate was revoked. Please ask our staff.")
_TRIALS: Final[dict[JoinTrial, tuple[tuple[str, str], tuple[str, str]]]] = {  # name, what to do
    "touch": (("触摸屏", "Touch"), ("请点下面的按钮", "Touch the button below")),
    "camera": (("摄像头", "Camera"), ("请站到屏幕前看着它", "Look at the screen")),
    "speak": (("麦克风", "Microphone"), ("请对着屏幕说一句话", "Say something to it")),
    "sound": (("扬声器", "Loudspeaker"), ("响了两声，听到了吗？", "Did you hear two tones?")),
    "paper": (("打印机", "Printer"), ("打出小票了吗？", "Did a ticket come out?")),
}
_STATES: Final = {"works": ("正常", "Works"), "fails": ("不行", "Does not work"), "open": ("", "")}


def _shown(room: Room) -> JoinView:
    return room.view.state.join or JoinView("no_line")


def join_heading(room: Room) -> Block | None:
    """How it stands with joining."""
    pair = _STANDS[_shown(room).stands]
    return words(room, "join:heading", room.view.say(*pair), room.px(52.0), bold=True, align="center", most=2)


def join_code(room: Room) -> Block | None:
    """Two groups of four: that is how it is read out on the telephone."""
    shown = _shown(room)
    text = f"{shown.code[:4]} {shown.code[4:]}" if shown.code else shown.name
    if not text:
        return None
    measured = room.measure(True)
    size = min(CODE_PX, CODE_PX * (room.width - 60) / max(1.0, measured(text, CODE_PX)))

    def make(box: Box) -> list[Part]:
        def paint(kit: Kit) -> None:
            kit.rect(box, 32, "surface_2")
            middle = box.y + box.height / 2
            kit.text(
                text,
                box.x + box.width / 2,
                middle,
                min(size, box.height * 0.72),
                "primary",
                bold=True,
                align="center",
                room=box.width - 60,
            )

        return [Part("join:code", box.grown(4), (text, box), paint)]

    return Block(size * 1.3, size * 1.5, make)


def join_tries(room: Room) -> Block | None:
    """What is tried out before the terminal serves anybody, one after the other."""
    tries = _shown(room).tries
    if not tries:
        return None
    body = room.size("body")

    def make(box: Box) -> list[Part]:
        each = box.height / len(tries)
        return [
            _row(room.view, one, Box(box.x, box.y + place * each, box.width, each - 12))
            for place, one in enumerate(tries)
        ]

    return Block(len(tries) * (body * 1.45 + 12), len(tries) * (body * 2.1 + 12), make, grow=0.5)


def join_note(room: Room) -> Block | None:
    """Why it serves nobody any more."""
    if _shown(room).stands != "revoked":
        return None
    return words(room, "join:note", room.view.say(*_REVOKED), room.size("body"), ink="ink_2", align="center", most=3)


def _row(view: View, one: JoinTry, box: Box) -> Part:
    name, todo = _TRIALS[one.trial]
    said = todo if one.state == "here" else _STATES[one.state]

    def paint(kit: Kit) -> None:
        middle, high = box.y + box.height / 2, box.height * 0.66
        body, small = min(kit.size("body"), high), min(kit.size("small"), high)
        if one.state == "here":
            kit.rect(box, 24, "primary_soft")
        if one.state in ("works", "fails"):
            good = one.state == "works"
            kit.icon("check" if good else "cross", box.x + 46, middle, min(44, high), "ok" if good else "danger", 2.8)
        else:
            kit.circle(box.x + 46, middle, 10, "primary" if one.state == "here" else "line_strong")
        faint, left = ("ink_2" if one.state == "open" else "ink"), box.width * NAME_SHARE
        kit.text(view.say(*name), box.x + 92, middle, body, faint, bold=True, room=left - 92 + 20)
        words_ = view.say(*said)
        if words_:
            free = box.width - left - 60
            fitted = fit(words_, free, small, kit.measure, max_lines=2, height=box.height - 8, shrink_to=SMALL)
            if fitted.cut:
                kit.cut.append(words_)
            height = len(fitted.lines) * fitted.size * kit.theme.line_height
            kit.lines(fitted, Box(box.x + left + 32, middle - height / 2, free, height), faint)

    return Part(f"join:{one.trial}", box.grown(4), (one, view.state.language, box), paint)
