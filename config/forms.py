"""Forms that a teller and a visitor fill together, as data: fields with who may fill them, and steps in their order.

What a form may ask for stands in `config/forms/*.yaml`, in both languages. A masked field's value never leaves the
terminal, so nothing here says what becomes of it but how it is checked.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from config.flows import Both
from config.load import ConfigError, load_yaml
from config.schema import CONFIG_DIR, Section

FORMS_DIR: Final = CONFIG_DIR / "forms"
MAX_FIELDS: Final = 24
FIELDS_A_STEP: Final = 6  # what a page shows at once, in letters that can be read
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Kind = Literal["words", "digits", "amount", "card", "id_number", "phone", "pin", "choice"]
"""`words` are written at the desk: a visitor has no letters under the hand. `card`, `id_number` have check digits."""
Hand = Literal["teller", "visitor"]
TYPED: Final[frozenset[Kind]] = frozenset({"digits", "amount", "card", "id_number", "phone", "pin"})
"""Kinds for which the visitor has keys."""


class Option(Section):
    """One of the things that a field may say."""

    id: Id
    label: Both


class FormField(Section):
    """One thing that the form asks for."""

    id: Id
    label: Both
    kind: Kind
    by: tuple[Hand, ...] = Field(min_length=1, max_length=2, description="who may fill it")
    mask: bool = Field(default=False, description="its value never leaves the terminal; shown as dots")
    optional: bool = False
    least: int = Field(default=0, ge=0, description="smallest amount")
    most: int = Field(default=10**9, ge=0, description="largest amount")
    digits: tuple[int, ...] = Field(default=(), max_length=4, description="how many digits it may have; none: any")
    same_as: Id | None = Field(default=None, description="must be typed like this field, without being seen")
    options: tuple[Option, ...] = Field(default=(), max_length=4)

    @property
    def secret(self) -> bool:
        """Never sent: what is marked so, and every PIN whether marked or not."""
        return self.mask or self.kind == "pin"

    @model_validator(mode="after")
    def _fits_together(self) -> FormField:
        if (self.kind == "choice") != bool(self.options):
            raise ValueError("`options` belong to the kind 'choice', and it needs some")
        if self.secret and self.by != ("visitor",):
            raise ValueError("a masked field is the visitor's alone: by: [visitor]")
        if self.kind == "words" and self.by != ("teller",):
            raise ValueError("words are written at the desk: by: [teller]")
        if self.least > self.most:
            raise ValueError("`least` is more than `most`")
        return self


class FormStep(Section):
    """A page of the form: fields to fill, or the signature."""

    id: Id
    title: Both
    fields: tuple[Id, ...] = Field(default=(), max_length=FIELDS_A_STEP)
    sign: bool = Field(default=False, description="the visitor signs what was filled in")
    needs_second: bool = Field(default=False, description="stays shut until another person with the right approves")

    @model_validator(mode="after")
    def _does_one_thing(self) -> FormStep:
        if self.sign == bool(self.fields):
            raise ValueError("a step has fields, or is the signature")
        return self


class FormText(Section):
    """An approved text that belongs to a form, by what a teller would call it."""

    entry: Id = Field(description="its id in the content pack")
    title: Both


class Form(Section):
    """One form. The first step is where it begins; the last one may be the signature."""

    id: Id
    version: int = Field(ge=1, le=100_000)
    title: Both
    declares: Both = Field(description="what the visitor declares by signing")
    services: tuple[str, ...] = Field(default=(), max_length=12, description="offered first for these services")
    reads: tuple[FormText, ...] = Field(default=(), max_length=8, description="approved texts that belong to it")
    fields: tuple[FormField, ...] = Field(min_length=1, max_length=MAX_FIELDS)
    steps: tuple[FormStep, ...] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _holds_together(self) -> Form:
        known = [field.id for field in self.fields]
        if len(set(known)) != len(known):
            raise ValueError("two fields have one id")
        used = [name for step in self.steps for name in step.fields]
        if sorted(used) != sorted(known):
            raise ValueError("each field stands in exactly one step")
        if len({step.id for step in self.steps}) != len(self.steps):
            raise ValueError("two steps have one id")
        if self.steps[0].sign or self.steps[0].needs_second:
            raise ValueError("the first step has fields and needs nobody else")
        if any(step.sign for step in self.steps[:-1]):
            raise ValueError("only the last step can be the signature")
        lost = [field.same_as for field in self.fields if field.same_as and field.same_as not in known]
        if lost:
            raise ValueError(f"no field {lost[0]}")
        return self

    def field(self, name: str) -> FormField | None:
        """The field of this id; None: there is none."""
        return next((field for field in self.fields if field.id == name), None)

    def step(self, name: str) -> FormStep | None:
        """The step of this id; None: there is none."""
        return next((step for step in self.steps if step.id == name), None)


def load_forms(folder: Path = FORMS_DIR) -> dict[str, Form]:
    """Every form by its id. Raises `ConfigError` naming file, line and key."""
    return dict(_read_forms(tuple((path, path.stat().st_mtime_ns) for path in sorted(folder.glob("*.yaml")))))


@lru_cache(maxsize=4)
def _read_forms(files: tuple[tuple[Path, int], ...]) -> tuple[tuple[str, Form], ...]:
    """Files that did not change are read once."""
    found: dict[str, Form] = {}
    for path, _ in files:
        form = load_yaml(path, Form)
        if form.id in found:
            raise ConfigError(f"{path}: another form is called {form.id}")
        found[form.id] = form
    return tuple(found.items())
