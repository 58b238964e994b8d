"""What a terminal shows in the moment in which it learns that it was revoked: before anything else is closed."""

from __future__ import annotations

from config.schema import Site
from contracts.screen import JoinView, Language, ScreenState


def revoked_page(site: Site, revision: int, language: Language = "zh") -> ScreenState:
    """The page that says so, without anything that could be pressed."""
    zh = language == "zh"
    return ScreenState(
        revision, "join", language, site.bank.name_zh if zh else site.bank.name_en,
        site.branch.name_zh if zh else site.branch.name_en, join=JoinView("revoked"), expression="concerned",
    )  # fmt: skip
