"""The pages of a form, a signature and a reading, made over the snapshot of the conversation. Pure."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from contracts import together as t
from contracts.screen import PAD as PAD_TARGET
from contracts.screen import FieldInput, FieldRow, FormView, Language, PadView, ReadingView, ScreenState, Target
from kiosk.together import words as w
from kiosk.together.filling import Filling, pick
from kiosk.together.ports import ApprovedText

OURS: Final = ("form_", "pad_", "errand_")
KEY: Final = "key_"
CODE_CHARS: Final = 8


def is_ours(target: str) -> bool:
    """Whether a touch is one of these pages'."""
    return target.startswith((*OURS, KEY)) or target == PAD_TARGET


def form_page(state: ScreenState, filling: Filling) -> ScreenState:
    """The step that is open."""
    language = state.language
    wanted = filling.field_at()
    rows = tuple(_row(filling, name, language) for name in filling.step.fields)
    typed_at: FieldInput = "desk"
    hint = w.in_(w.HINT_DESK, language)
    if wanted is not None and "visitor" in wanted.by:
        typed_at = "choices" if wanted.kind == "choice" else "keys"
        said = w.HINT_SECRET if wanted.secret else w.HINT_CHOICES if wanted.kind == "choice" else w.HINT_KEYS
        hint = w.in_(said, language).format(label=pick(wanted.label, language))
    targets: list[Target] = []
    if typed_at == "keys" and wanted is not None:
        targets += [_target(f"{KEY}{digit}", digit, digit, "key") for digit in "1234567890"]
        back = w.in_(w.ERASE, language)
        targets.append(_target(f"{KEY}back", back, back, "key"))
        if wanted.kind == "id_number":
            targets.append(_target(f"{KEY}x", "X", "X", "key"))
    elif typed_at == "choices" and wanted is not None:
        chosen = filling.shown(wanted.id, language)
        for place, option in enumerate(wanted.options):
            label = pick(option.label, language)
            targets.append(replace(_target(f"form_choice_{place}", label, label, "chip"), selected=label == chosen))
    if len(filling.step.fields) > 1:
        for name, said in (("form_back", w.BACK), ("form_next", w.NEXT)):
            label = w.in_(said, language)
            targets.append(_target(name, label, label, "quiet"))
    view = FormView(
        title=pick(filling.form.title, language), step=pick(filling.step.title, language), rows=rows, hint=hint,
        typed_at=typed_at, secret=wanted is not None and wanted.secret,
    )  # fmt: skip
    return _over(state, "form", targets, form=view)


def sign_page(state: ScreenState, filling: Filling, strokes: t.Strokes, *, too_little: bool) -> ScreenState:
    """The document and the pad."""
    language = filling.language  # what is signed is signed in the language that it was written in
    said = w.HINT_TOO_LITTLE if too_little else w.HINT_SIGN
    view = PadView(
        title=pick(filling.form.title, language), lines=filling.lines(language),
        declares=pick(filling.form.declares, language), code=t.sha256(filling.document)[:CODE_CHARS], strokes=strokes,
        hint=w.in_(said, language),
    )  # fmt: skip
    buttons = (
        ("pad_decline", w.DECLINE, True),
        ("pad_clear", w.CLEAR, bool(strokes)),
        ("pad_done", w.DONE, bool(strokes)),
    )
    targets = [_target(PAD_TARGET, w.in_(w.PAD, language), w.in_(w.PAD, language), "key")]
    for name, words, enabled in buttons:
        label = w.in_(words, language)
        kind = "primary" if name == "pad_done" else "quiet"
        targets.append(replace(_target(name, label, label, kind), enabled=enabled))
    return _over(state, "sign", targets, pad=view)


def signed_page(state: ScreenState, filling: Filling, code: str) -> ScreenState:
    """It is signed, or could not be kept."""
    language = state.language
    kept = filling.state == "signed"
    text = w.in_(w.SIGNED_TEXT if kept else w.NOT_KEPT, language)
    title = pick(filling.form.title, language)
    view = ReadingView(title=w.in_(w.SIGNED_TITLE, language) if kept else title,
                       text=text.format(title=title, code=code) if kept else text)  # fmt: skip
    label = w.in_(w.UNDERSTOOD, language)
    return _over(state, "reading", [_target("form_seen", label, label, "primary")], reading=view)


def reading_page(state: ScreenState, found: ApprovedText) -> ScreenState:
    """An approved text that the teller wants to be read."""
    label = w.in_(w.UNDERSTOOD, state.language)
    view = ReadingView(title=found.title, text=found.text, source=found.source)
    return _over(state, "reading", [_target("errand_yes", label, label, "primary")], reading=view)


def asking_page(state: ScreenState, kind: t.ErrandKind) -> ScreenState:
    """The teller wants a new look at the document or the face; the visitor says yes or no."""
    language = state.language
    view = ReadingView(title=w.in_(w.FROM_TELLER, language), text=w.in_(w.ASKS[kind], language))
    yes, no = w.in_(w.YES, language), w.in_(w.NO, language)
    targets = [_target("errand_no", no, no, "quiet"), _target("errand_yes", yes, yes, "primary")]
    return _over(state, "reading", targets, reading=view)


def looking_page(state: ScreenState, kind: t.ErrandKind) -> ScreenState:
    """A look that is being taken: the document as in a mirror, or what the face is to do; a touch ends it."""
    label = w.in_(w.STOP, state.language)
    stop = _target("errand_stop", label, label, "quiet")
    if state.document is not None:
        return _over(state, "document", [stop], document=state.document)
    told = state.captions[-1].text if state.captions and state.captions[-1].speaker == "receptionist" else ""
    view = ReadingView(title=w.in_(w.LOOKING[kind], state.language), text=told or w.in_(w.LOOK_HERE, state.language))
    return _over(state, "reading", [stop], reading=view)


def _row(filling: Filling, name: str, language: Language) -> FieldRow:
    wanted = filling.form.field(name)
    assert wanted is not None
    trouble = w.in_(w.TROUBLES[filling.told_trouble(name)], language)
    return FieldRow(
        label=pick(wanted.label, language), shown=filling.shown(name, language), trouble=trouble,
        here=name == filling.at, teller=name == filling.touched,
    )  # fmt: skip


def _target(name: str, label: str, spoken: str, kind: str) -> Target:
    return Target(id=name, label=label, spoken_label=spoken, kind=kind)  # type: ignore[arg-type]


def _over(state: ScreenState, page: str, targets: list[Target], **views: object) -> ScreenState:
    """The same visit with another page: she and the dock stay."""
    dock = tuple(target for target in state.targets if target.kind == "dock" or target.id == "human")
    return replace(
        state, page=page, headline="", headline_translation="", note="", captions=(), ticket=None,
        entry=None, gesture="rest", expression="listening", targets=(*targets, *dock), **views,
    )  # fmt: skip
