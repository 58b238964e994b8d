"""What things are called on the pages, in both languages: the site's own names, the intents' table."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.schema import CONFIG_DIR, Site
from hub.foresight.profile import Prior

Pair = tuple[str, str]  # Chinese, English

TICKET_STATES: Final[dict[str, Pair]] = {
    "issued": ("已取号", "Taken"),
    "waiting": ("等候", "Waiting"),
    "called": ("已叫号", "Called"),
    "recalled": ("再次叫号", "Called again"),
    "serving": ("办理中", "Being served"),
    "parked": ("暂放", "Set aside"),
    "transferred": ("已转办", "Moved on"),
    "no_show": ("未到", "Not there"),
    "done": ("办好了", "Done"),
    "given_back": ("已退号", "Given back"),
    "expired": ("已过期", "Expired"),
}
CALLED_FOR: Final[dict[str, Pair]] = {  # why staff are called, where it is no wish
    "robbery": ("抢劫", "Robbery"),
    "collapse": ("有人倒下", "Somebody collapsed"),
    "fire": ("着火", "Fire"),
    "violence": ("有人动手", "Violence"),
    "help": ("有人呼救", "A cry for help"),
    "fraud_risk": ("疑似诈骗", "Perhaps a fraud"),
    "anger": ("客户生气", "An angry visitor"),
    "fear": ("客户害怕", "A frightened visitor"),
    "not_understood": ("没听懂客户", "Visitor not understood"),
    "danger": ("有危险", "Danger"),
    "elder_stuck": ("长者遇到困难", "An elder is stuck"),
    "needs_person": ("要人工办理", "Needs a person"),
    "other": ("其他事情", "Something else"),
}
URGENCY: Final[dict[str, Pair]] = {
    "asked": ("客户要人工", "Asked for a person"),
    "trouble": ("遇到困难", "In trouble"),
    "urgent": ("紧急", "Urgent"),
}
EMOTIONS: Final[dict[str, Pair]] = {
    "joy": ("高兴", "Joy"),
    "trust": ("信任", "Trust"),
    "fear": ("害怕", "Fear"),
    "surprise": ("惊讶", "Surprise"),
    "sadness": ("难过", "Sadness"),
    "disgust": ("反感", "Disgust"),
    "anger": ("生气", "Anger"),
    "anticipation": ("期待", "Anticipation"),
}
RISKS: Final[dict[str, Pair]] = {
    "low": ("低", "Low"),
    "medium": ("中", "Medium"),
    "high": ("高", "High"),
    "emergency": ("紧急", "Emergency"),
}
IDENTITY: Final[dict[str, Pair]] = {
    "verified": ("身份已核实", "Identity checked"),
    "not_verified": ("身份未核实", "Identity not proved"),
    "unsure": ("身份未能确定", "Identity unsure"),
}
SPEAKERS: Final[dict[str, Pair]] = {"visitor": ("客户", "Visitor"), "receptionist": ("迎宾", "Receptionist")}
PRIORITIES: Final[dict[str, Pair]] = {
    "none": ("", ""),
    "elder": ("长者", "Elder"),
    "disabled": ("残障", "Disabled"),
    "pregnant": ("孕妇", "Pregnant"),
    "vip": ("贵宾", "VIP"),
    "carried": ("昨日未办", "From yesterday"),
}
LANES: Final[dict[str, Pair]] = {
    "counter": ("窗口", "Counter"),
    "kiosk": ("自助机", "Terminal"),
    "video": ("视频柜员", "Video"),
}
EVENTS: Final[dict[str, Pair]] = {
    "accepted": ("取号", "Taken"),
    "called": ("叫号", "Called"),
    "recalled": ("再叫", "Called again"),
    "serving_began": ("开始办理", "Serving began"),
    "parked": ("暂放", "Set aside"),
    "requeued": ("回队列", "Back in line"),
    "transferred": ("转业务", "Moved on"),
    "missed": ("未到", "Not there"),
    "finished": ("办好", "Done"),
    "given_back": ("退号", "Given back"),
    "day_ended": ("营业结束", "Day over"),
}
DEVICES: Final[dict[str, Pair]] = {
    "microphone": ("麦克风", "microphone"),
    "camera": ("摄像头", "camera"),
    "speaker": ("扬声器", "speaker"),
    "printer": ("打印机", "printer"),
    "screen": ("屏幕", "screen"),
    "card_reader": ("读卡器", "card reader"),
}
DEVICE_REASONS: Final[dict[str, Pair]] = {
    "covered": ("镜头被遮住，请去看看", "lens covered: have a look"),
    "frozen": ("画面不动，请去看看", "picture frozen: have a look"),
    "upside_down": ("画面颠倒，请去看看", "upside down: have a look"),
    "overexposed": ("光太强", "too bright"),
    "torn": ("画面残缺", "pictures cut off"),
    "not_a_picture": ("没有画面", "no pictures"),
    "no_paper": ("没有纸", "no paper"),
    "jammed": ("卡纸", "paper jammed"),
    "cover_open": ("盖子开着", "cover open"),
}
"""Why a device is missing, where the terminal says it in a word that people can act on."""
OUTCOMES: Final[dict[str, Pair]] = {
    "answered": ("问到了", "answered"),
    "ticket": ("取了号", "took a ticket"),
    "handed_over": ("转人工", "handed over"),
    "cancelled": ("不办了", "cancelled"),
    "left": ("走开了", "walked away"),
    "unknown": ("未知", "unknown"),
}
NOTICED: Final[dict[str, Pair]] = {
    "camera": ("摄像头看到", "seen"),
    "touch": ("触摸屏幕", "touched"),
    "voice": ("听到声音", "heard"),
}


@dataclass(frozen=True, slots=True)
class Labels:
    """Names by id; what is not known is shown as its id."""

    bank: Pair = ("迎宾", "Yingbin")
    branches: dict[str, Pair] = field(default_factory=dict)
    services: dict[str, Pair] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)  # of services
    intents: dict[str, Pair] = field(default_factory=dict)
    minutes: dict[str, tuple[int, int]] = field(default_factory=dict)  # at a counter: usual, seldom longer
    counters: dict[str, int] = field(default_factory=dict)  # that normally serve it
    machines: frozenset[str] = frozenset()  # services of which a machine in the lobby does some

    def priors(self) -> dict[str, Prior]:
        """What the site says of each service's time at a counter, before there is any history."""
        return {
            service: Prior(float(minutes[0]), float(minutes[1]), self.counters.get(service, 1))
            for service, minutes in self.minutes.items()
        }

    def branch(self, branch: str) -> Pair:
        return self.branches.get(branch, (branch, ""))

    def service(self, service: str) -> Pair:
        return self.services.get(service, (service, ""))

    def intent(self, intent: str) -> Pair:
        return self.intents.get(intent) or CALLED_FOR.get(intent, (intent, ""))


def load_labels(site: Site | None) -> Labels:
    """The site's names and the intents' table; without a site, ids are shown."""
    intents = _intents(CONFIG_DIR / "intents.tsv")
    if site is None:
        return Labels(intents=intents)
    return Labels(
        bank=(site.bank.name_zh, site.bank.name_en),
        branches={site.branch.id: (site.branch.name_zh, site.branch.name_en)},
        services={service.id: (service.name_zh, service.name_en) for service in site.services},
        letters={service.id: service.letter for service in site.services},
        intents=intents,
        minutes={service.id: service.minutes_typical for service in site.services},
        counters={service.id: service.counters for service in site.services},
        machines=frozenset(service.id for service in site.services if service.machine_intents),
    )


def theme_css() -> str:
    """The kiosk's own colours as CSS variables, so that hub and screen never drift apart."""
    tokens = json.loads((CONFIG_DIR / "theme" / "tokens.json").read_text("utf-8"))
    colours = tokens["themes"]["light"]
    lines = [f"  --{name.replace('_', '-')}: {value};" for name, value in colours.items()]
    return ":root {\n" + "\n".join(lines) + "\n}\n"


def _intents(path: Path) -> dict[str, Pair]:
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: (row["zh"], row["en"]) for row in csv.DictReader(file, delimiter="\t")}
