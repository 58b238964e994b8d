"""What the screen shows by itself while the core is gone: friendly, in the last visitor's language, no targets."""

from __future__ import annotations

from typing import Final

from contracts.screen import DeviceLights, ScreenState

NOTICE_REVISION: Final = -1  # the core counts from zero


def notice(last: ScreenState | None) -> ScreenState:
    """Return a page for the time without a core."""
    english = last is not None and last.language == "en"
    zh, en = "请稍等，我马上回来", "One moment. I will be right back."
    help_zh = "旁边的同事也能帮您办，请直接找他们。"
    help_en = "Our staff in the lobby can also help you right now."
    return ScreenState(
        revision=NOTICE_REVISION,
        page="outage",
        language="en" if english else "zh",
        bank=last.bank if last is not None else "",
        branch=last.branch if last is not None else "",
        mode=last.mode if last is not None else "standard",
        headline=en if english else zh,
        headline_translation=zh if english else en,
        note=help_en if english else help_zh,
        listening="unavailable",
        expression="concerned",
        lights=DeviceLights(microphone=False, camera=False),
    )
