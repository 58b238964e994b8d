"""The parts of working together that are only looked at: the terminal's page as it was told, errands, what was signed.

The page is drawn from words of ours. There is no picture of it: mirror, captions and what is typed are not in here
because they were never sent.
"""

from __future__ import annotations

from html import escape

from config.flows import Both
from config.forms import Form, FormField
from contracts import together as t
from hub.desk.together_acts import Look
from hub.desk.together_labels import ERRANDS, FOUND, OUTCOMES, PAGES, SECONDS, TROUBLES
from hub.html import both, clock
from hub.labels import Pair


def pair(text: Both) -> Pair:
    return text.zh, text.en


def page_html(told: t.TogetherStands | None, forms: dict[str, Form]) -> str:
    """What is on the visitor's screen now."""
    if told is None:
        return f"<p class=quiet>{both(('机器还没有说它显示什么。', 'The terminal has not said what it shows.'))}</p>"
    page = told.page
    name = both(PAGES.get(page.page, (page.page, page.page)))
    rows = "".join(f"<li>{escape(one.label)}</li>" for one in page.targets)
    form = forms.get(told.form.form) if told.form and page.page in ("form", "sign") else None
    fields = "".join(_sketched(form, told.form, one) for one in told.form.fields) if form and told.form else ""
    return (
        f'<div class="glass" data-page="{escape(page.page)}"><p class="glass-head"><b>{name}</b>'
        f"<span>{escape(page.title)}</span></p>"
        f'{f"<ul class=glass-fields>{fields}</ul>" if fields else ""}<ul class="glass-targets">{rows}</ul></div>'
    )


def _sketched(form: Form, stands: t.FormStands, one: t.FieldStands) -> str:
    field, step = form.field(one.field), form.step(stands.step)
    if field is None or step is None or (step.fields and one.field not in step.fields):
        return ""
    css = " ".join(name for name, on in (("at", stands.at == one.field), ("hand", stands.touched == one.field)) if on)
    return f'<li class="{css}">{both(pair(field.label))}<b>{value_html(field, one)}</b></li>'


def value_html(field: FormField, one: t.FieldStands) -> str:
    """What stands in a field; of a masked one only whether something does."""
    if field.secret:
        return both(("•••• 已输入", "•••• entered")) if one.given else "—"
    if field.kind == "choice":
        found = next((option.label for option in field.options if option.id == one.value), None)
        return both(pair(found)) if found else "—"
    if field.kind == "amount" and one.value.isdecimal():
        return f"{int(one.value):,}"
    return escape(one.value) or "—"


def trouble_html(one: t.FieldStands) -> str:
    by = {"teller": both(("柜员填", "teller")), "visitor": both(("客户填", "visitor")), "": ""}[one.by]
    wrong = f'<span class="wrong">{both(TROUBLES[one.trouble])}</span>' if one.trouble else ""
    return f'{wrong}<span class="by">{by}</span>'


def errands_html(told: t.TogetherStands | None) -> str:
    """What was asked for beside the form, the newest first."""
    rows = "".join(
        f'<li data-errand="{one.kind}" data-outcome="{one.outcome}">{both(ERRANDS[one.kind])} '
        f'<span class="chip out-{one.outcome}">{both(OUTCOMES[one.outcome])}</span>{_found(one)}</li>'
        for one in reversed(told.errands if told else ())
    )
    return f'<ul class="errands">{rows}</ul>' if rows else ""


def _found(one: t.ErrandStands) -> str:
    if not one.found:
        return ""
    return f' <span class="found found-{one.found}" data-found="{one.found}">{both(FOUND[one.found])}</span>'


def second_html(look: Look) -> str:
    """How it stands with the second person."""
    row = look.second
    if row is None:
        return ""
    by = f" · {escape(row['decided_by'])}" if row["decided_by"] else ""
    return f'<p class="second {row["outcome"]}" data-second="{row["outcome"]}">{both(SECONDS[row["outcome"]])}{by}</p>'


def signed_html(look: Look) -> str:
    """The signature, as the hub keeps it."""
    row = look.signed
    if row is None:
        return ""
    code = escape(row["document_sha256"][:8])
    kept = f"{both(('已入库', 'kept'))} {clock(row['at'])}"
    return f'<p class="sealed" data-signed="{code}">{both(("签名有效", "Signature holds"))} · {code} · {kept}</p>'
