"""One filling of one form: who wrote what, what cannot stand, which step is open. No screen, no wire, no clock.

What is typed into a masked field stays in here: nothing that leaves this object but `trouble` speaks of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from config.flows import Both
from config.forms import Form, FormField, FormStep
from contracts import together as t
from contracts.screen import Language
from kiosk.together.checks import MOST_TYPED, plain, trouble_of

HIDDEN: Final = "•"
DOCUMENT_FORMAT: Final = 1


@dataclass(slots=True)
class _Entry:
    """What stands in a field, and whose hand it was."""

    value: str = field(default="", repr=False)
    by: t.Who = ""
    shown_trouble: bool = False  # a number that is still being typed is not called wrong


class Filling:
    """A form between opening and signing."""

    def __init__(self, form: Form, session: str, language: Language) -> None:
        self.form, self.session, self.language = form, session, language
        self.state: t.FormState = "filling"
        self.step: FormStep = form.steps[0]
        self.touched = ""  # by the teller
        self.document = ""  # the exact text that is, or was, put before the visitor
        self._entries = {one.id: _Entry() for one in form.fields}
        self.at = self._first_own()

    # ------------------------------------------------------------ writing
    def teller_writes(self, name: str, text: str) -> bool:
        """Whether it was the teller's to write, now."""
        wanted = self.form.field(name)
        if wanted is None or self.state not in ("filling", "declined") or wanted.secret or "teller" not in wanted.by:
            return False
        value = plain(wanted, text)
        entry = self._entries[name]
        entry.value, entry.by, entry.shown_trouble = value, "teller" if value else "", bool(value)
        return True

    def teller_touches(self, name: str) -> bool:
        """The teller has this field in hand; empty: none."""
        if name and self.form.field(name) is None:
            return False
        self.touched = name
        return True

    def visitor_types(self, character: str) -> bool:
        """One key; 'back' takes the last character away."""
        wanted = self._at()
        if wanted is None or self.state != "filling" or "visitor" not in wanted.by:
            return False
        entry = self._entries[wanted.id]
        if character == "back":
            value = entry.value[:-1]
        elif len(entry.value) >= self.most(wanted) or (character == "X" and wanted.kind != "id_number"):
            return False
        else:
            value = entry.value + character
        entry.value, entry.by, entry.shown_trouble = value, "visitor" if value else "", False
        return True

    def visitor_chooses(self, place: int) -> bool:
        """One of the options of the field at hand, counted from 0."""
        wanted = self._at()
        if wanted is None or self.state != "filling" or "visitor" not in wanted.by or place >= len(wanted.options):
            return False
        entry = self._entries[wanted.id]
        entry.value, entry.by, entry.shown_trouble = wanted.options[place].id, "visitor", True
        return True

    def visitor_moves(self, by: int) -> bool:
        """To the next (1) or the last (-1) field of this step; what is left behind is looked at."""
        if not self.step.fields:
            return False
        if self.at:
            self._entries[self.at].shown_trouble = bool(self._entries[self.at].value)
        place = self.step.fields.index(self.at) if self.at in self.step.fields else -1
        self.at = self.step.fields[(place + by) % len(self.step.fields)]
        return True

    # ------------------------------------------------------------ steps
    def opens(self, name: str, second: str, language: Language) -> str:
        """Go to a step. Returns why not: 'unknown', 'over', 'fields', 'second'; empty: it is open."""
        wanted = self.form.step(name)
        if wanted is None:
            return "unknown"
        if self.state == "signed":
            return "over"
        places = {step.id: place for place, step in enumerate(self.form.steps)}
        before = [name for step in self.form.steps[: places[wanted.id]] for name in step.fields]
        for field_name in before:
            self._entries[field_name].shown_trouble = True
        if any(self.trouble(name) for name in before):
            return "fields"
        if wanted.needs_second and second != t.draft_digest(self.stands()):
            return "second"
        self.step, self.state, self.document = wanted, "filling", ""
        if wanted.sign:
            self.language = language
            self.state, self.document, self.at = "signing", self._written(), ""
        else:
            self.at = self._first_own()
        return ""

    def declines(self) -> None:
        """The visitor does not want to sign this."""
        self.state, self.document = "declined", ""

    # ------------------------------------------------------------ what it says
    def trouble(self, name: str) -> t.Trouble:
        """Why what stands in this field cannot stand."""
        wanted = self.form.field(name)
        if wanted is None:
            return ""
        twin = self._entries[wanted.same_as].value if wanted.same_as else ""
        return trouble_of(wanted, self._entries[name].value, twin)

    def told_trouble(self, name: str) -> t.Trouble:
        """The same, once it is time to say so."""
        return self.trouble(name) if self._entries[name].shown_trouble else ""

    def stands(self, strokes: int = 0) -> t.FormStands:
        """As the desk is told: nothing of a masked value."""
        rows = []
        for one in self.form.fields:
            entry = self._entries[one.id]
            value = "" if one.secret else entry.value
            rows.append(
                t.FieldStands(field=one.id, value=value, given=bool(entry.value), by=entry.by,
                              trouble=self.told_trouble(one.id))
            )  # fmt: skip
        return t.FormStands(
            form=self.form.id, session=self.session, language=self.language, state=self.state, step=self.step.id,
            fields=tuple(rows), touched=self.touched, at=self.at,
            document=t.sha256(self.document) if self.document else "", strokes=strokes,
        )  # fmt: skip

    def shown(self, name: str, language: Language) -> str:
        """As the visitor reads it on the screen: a masked one in dots."""
        wanted, value = self.form.field(name), self._entries[name].value
        if wanted is None or not value:
            return ""
        if wanted.secret:
            return HIDDEN * len(value)
        return _readable(wanted, value, language)

    def lines(self, language: Language) -> tuple[str, ...]:
        """Every field in a line of its own, as it stands on the paper."""
        rows = []
        for one in self.form.fields:
            value = self._entries[one.id].value
            given = pick(Both(zh="已输入，不显示", en="entered, not shown"), language) if value else "—"
            rows.append(f"{pick(one.label, language)}: {given if one.secret else _readable(one, value, language)}")
        return tuple(rows)

    def most(self, wanted: FormField) -> int:
        """How many characters the visitor's keys may put into this field."""
        return max(wanted.digits, default=MOST_TYPED.get(wanted.kind, t.VALUE_CHARS))

    def wipe(self) -> None:
        """Forget everything that was typed."""
        for entry in self._entries.values():
            entry.value, entry.by = "", ""

    # ------------------------------------------------------------ parts of it
    def field_at(self) -> FormField | None:
        """The field that the visitor is at."""
        return self._at()

    def _at(self) -> FormField | None:
        return self.form.field(self.at) if self.at else None

    def _first_own(self) -> str:
        """The first field of this step that is the visitor's to fill and is empty yet."""
        own = [name for name in self.step.fields if "visitor" in (self.form.field(name) or self.form.fields[0]).by]
        return next((name for name in own if not self._entries[name].value), own[0] if own else "")

    def _written(self) -> str:
        """The document: what is declared, of whom and what, word for word as it is shown."""
        language = self.language
        return t.canonical(
            {
                "format": DOCUMENT_FORMAT,
                "form": self.form.id,
                "version": self.form.version,
                "session": self.session,
                "language": language,
                "title": pick(self.form.title, language),
                "lines": self.lines(language),
                "fields": {
                    one.id: {"value": "", "masked": True, "given": bool(self._entries[one.id].value)}
                    if one.secret
                    else {"value": self._entries[one.id].value, "by": self._entries[one.id].by}
                    for one in self.form.fields
                },
                "declares": pick(self.form.declares, language),
            }
        )


def pick(both: Both, language: Language) -> str:
    """The text in the page's language."""
    return both.zh if language == "zh" else both.en


def _readable(wanted: FormField, value: str, language: Language) -> str:
    if wanted.kind == "amount" and value.isdecimal():
        return f"{int(value):,}"
    if wanted.kind == "card":
        return " ".join(value[place : place + 4] for place in range(0, len(value), 4))
    if wanted.kind == "choice":
        return next((pick(one.label, language) for one in wanted.options if one.id == value), value)
    return value or "—"
