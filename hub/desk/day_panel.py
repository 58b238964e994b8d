"""A teller's own day beside the visitors: do camera, microphone and loudspeaker work, and may the page ring.

All of it happens in the browser (`static/day.js`): what the devices give leaves neither the page nor the machine.
"""

from __future__ import annotations

from nicegui import ui

from hub.desk.frame import drawn
from hub.html import both

PARTS = (
    ("camera", ("摄像头", "Camera")),
    ("microphone", ("麦克风", "Microphone")),
    ("speaker", ("扬声器", "Loudspeaker")),
    ("notice", ("来电提醒", "Notices")),
)


def day_panel() -> None:
    """The test of the devices, and the bell; drawn once, the page's script does the rest."""
    ui.add_head_html('<script src="/static/day.js" defer></script>')
    rows = "".join(
        f'<li data-device="{name}" data-works=""><b>{both(pair)}</b><span class="found">'
        f"{both(('还没测', 'Not tested'))}</span></li>"
        for name, pair in PARTS
    )
    drawn(
        f'<h3>{both(("设备测试", "Devices"))}<span class="chip" id="tested"></span></h3>'
        '<video id="mirror" autoplay playsinline muted hidden></video><div class="level" hidden><i></i></div>'
        f'<ul>{rows}</ul><p class="quiet heard" hidden>{both(("听到三声铃了吗？", "Did you hear three tones?"))}</p>'
        '<div class="acts-row">'
        f'<button type="button" class="act quiet" data-act="test-devices">{both(("测试", "Test"))}</button>'
        f'<button type="button" class="act quiet" data-act="heard-yes" hidden>{both(("听到了", "Yes"))}</button>'
        f'<button type="button" class="act quiet" data-act="heard-no" hidden>{both(("没听到", "No"))}</button></div>',
        "sheet day",
    ).props('id="devices"')
