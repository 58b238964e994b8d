"""What things are called on the pages, in both languages: the site's own names, the intents' table."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.schema import CONFIG_DIR, Site

Pair = tuple[str, str]  # Chinese, English

TICKET_STATES: Final[dict[str, Pair]] = {
    "issued": ("已取号", "Issued"),
    "waiting": ("等候", "Waiting"),
    "called": ("已叫号", "Called"),
    "recalled": ("再次叫号", "Called again"),
    "serving": ("办理中", "Being served"),
    "parked": ("暂放", "Set aside"),
    "transferred": ("转窗口", "Transferred"),
    "no_show": ("未到", "Not there"),
    "done": ("办好了", "Done"),
    "given_back": ("已退号", "Given back"),
    "expired": ("已过期", "Expired"),
}
DEVICES: Final[dict[str, Pair]] = {
    "microphone": ("麦克风", "microphone"),
    "camera": ("摄像头", "camera"),
    "speaker": ("扬声器", "speaker"),
    "printer": ("打印机", "printer"),
    "screen": ("屏幕", "screen"),
    "card_reader": ("读卡器", "card reader"),
}
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

    def branch(self, branch: str) -> Pair:
        return self.branches.get(branch, (branch, ""))

    def service(self, service: str) -> Pair:
        return self.services.get(service, (service, ""))

    def intent(self, intent: str) -> Pair:
        return self.intents.get(intent, (intent, ""))


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
