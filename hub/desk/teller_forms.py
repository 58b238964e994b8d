"""What a teller fills in: why not this visitor, who is needed instead, and the account of a talk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, cast

from nicegui import ui

from contracts.video import Refusal, WrapCode
from contracts.video_messages import Need
from hub.desk.frame import button, words
from hub.desk.video_labels import REFUSALS, SPOKEN, WRAP_CODES
from hub.labels import Labels, Pair
from hub.video.acts import MAX_NOTE, MAX_SUMMARY
from hub.video.pool import Row
from hub.video.summary import draft

DIGITS: Final = "123456789"


async def ask_reason() -> Refusal | None:
    """Why the offer is refused; None: it is not."""
    with ui.dialog() as dialog, ui.element("section").classes("sheet choose"):
        words(("为什么拒接？", "Why not?"), "lead")
        for place, (reason, pair) in enumerate(REFUSALS.items(), 1):
            button(pair, partial(dialog.submit, reason), key=str(place), name=f"because-{reason}")
        ui.keyboard(on_key=lambda event: _by_digit(event, list(REFUSALS), dialog.submit))
    chosen = await dialog
    dialog.clear()
    return cast("Refusal | None", chosen)


async def ask_transfer(case: Row, labels: Labels) -> tuple[Need, str] | None:
    """What the next teller must be able to do, and a note; None: nobody else is needed."""
    services = {one: " ".join(labels.service(one)) for one in labels.services} or {case["service"]: case["service"]}
    services.setdefault(case["service"], " ".join(labels.service(case["service"])))
    told: dict[str, Any] = {name: case[name] for name in ("service", "language", "sign", "calm", "licence")} | {
        "note": ""
    }
    with ui.dialog() as dialog, ui.element("section").classes("sheet choose transfer"):
        words(("转给谁？", "Who is needed?"), "lead")
        ui.select(services, value=told["service"], label="业务 Service",
                  on_change=lambda event: told.update(service=event.value)).props("data-field=service")  # fmt: skip
        ui.select({one: " ".join(pair) for one, pair in SPOKEN.items()}, value=told["language"], label="语言 Language",
                  on_change=lambda event: told.update(language=event.value))  # fmt: skip
        for name, label in (
            ("sign", "手语 Sign language"),
            ("calm", "需要安抚 Needs calm"),
            ("licence", "理财资格 Licence"),
        ):
            ui.checkbox(label, value=told[name], on_change=lambda event, name=name: told.update({name: event.value}))
        ui.textarea(label="给下一位的说明 Note for the next teller",
                    on_change=lambda event: told.update(note=event.value or "")).props(
            f'maxlength={MAX_NOTE} autogrow data-field="note"')  # fmt: skip
        with ui.element("div").classes("acts-row"):
            button(("转出", "Pass on"), lambda: dialog.submit(True), css="primary", name="transfer-now")
            button(("不转", "Not now"), lambda: dialog.submit(False), name="transfer-not")
    chosen = await dialog
    dialog.clear()
    if not chosen:
        return None
    need = Need(
        service=told["service"], language=told["language"], dialect=case["dialect"], sign=told["sign"],
        calm=told["calm"], licence=told["licence"],
    )  # fmt: skip
    return need, str(told["note"])[:MAX_NOTE]


def wrap_up(
    case: Row,
    packet: dict[str, Any] | None,
    labels: Labels,
    file: Callable[[WrapCode, str], Awaitable[None]],
    talk: Sequence[Pair] = (),
    code: WrapCode = "solved",
) -> None:
    """The account: drafted from what is known as fact, completed by the teller, with what became of the wish.

    `talk`: what the talk added; `code`: the outcome that is proposed.
    """
    zh, en = draft(packet, labels, talk_s=case["talk_s"], note=case["note"], talk=talk)
    told: dict[str, Any] = {"code": code, "summary": zh}

    def write(text: str) -> None:
        told["summary"] = text
        box.set_value(text)

    with ui.element("section").classes("sheet wrap-up"):
        words(("小结", "The account"), "lead")
        box = ui.textarea(value=zh, on_change=lambda event: told.update(summary=event.value or ""))
        box.props(f'maxlength={MAX_SUMMARY} autogrow outlined data-field="summary"')
        with ui.element("div").classes("acts-row"):
            button(("中文稿", "Chinese draft"), lambda: write(zh), name="draft-zh")
            button(("英文稿", "English draft"), lambda: write(en), name="draft-en")
        ui.select({one: " ".join(pair) for one, pair in WRAP_CODES.items()}, value=code, label="结果 Outcome",
                  on_change=lambda event: told.update(code=event.value)).props('data-field="code"')  # fmt: skip
        button(("提交", "File"), lambda: file(told["code"], told["summary"]), css="primary", name="file")


def _by_digit(event: Any, choices: list[str], submit: Callable[[str], None]) -> None:
    key = str(event.key)
    if event.action.keydown and key in DIGITS[: len(choices)]:
        submit(choices[int(key) - 1])
