"""How values of documents are written down: names, dates, addresses in one form. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from kiosk.vision.documents.numbers import short_day

Today = date
NAME: Final = re.compile(r"[\u3400-\u9fff\U00020000-\U0003134f·A-Za-z ]{2,30}")
_DOTS: Final = re.compile(r"[•・∙⋅．.。·]")
NOT_IN_NAMES: Final = re.compile(r"[^\u3400-\u9fff\U00020000-\U0003134f·]")


def clean_name(text: str) -> str:
    """A name in Chinese characters, with one kind of dot between its parts; '' for none."""
    name = NOT_IN_NAMES.sub("", _DOTS.sub("·", text)).strip("·")
    return name if len(name) >= 2 else ""


def born_before(iso: str, today: Today) -> bool:
    """Whether a date, YYYY-MM-DD, lies before today."""
    return iso < today.isoformat()


def closest_day(six: str, today: Today) -> date | None:
    """A date of expiry written as YYMMDD: within 50 years of today."""
    return short_day(six, latest=date(today.year + 50, 12, 31))
