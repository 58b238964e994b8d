"""What the clerk reads of the visitor who was called: why a person is needed, what was wished, felt, feared and said.

Read-only. It is drawn for who serves in the branch, from a packet that the hub deletes after a working day; nothing of
it goes into a log or the record.
"""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any, Final

import msgspec

from contracts import papers
from contracts.handover import DocumentSeen, HandoverPacket, Line, Mood, RiskFound
from hub.html import both, clock
from hub.labels import EMOTIONS, IDENTITY, RISKS, SPEAKERS, URGENCY, Labels, Pair

STRENGTHS: Final[tuple[tuple[float, Pair], ...]] = ((0.7, ("强烈", "strong")), (0.4, ("明显", "clear")))
WEAK: Final[Pair] = ("轻微", "slight")
RISING: Final[Pair] = ("，越来越强", ", rising")


def handover_html(found: dict[str, Any], labels: Labels) -> str:
    """One packet as the view gives it. A packet of a newer form than this hub knows is said to be so, not guessed."""
    try:
        packet = msgspec.convert(found["packet"], HandoverPacket)
    except msgspec.ValidationError:
        return f"<p>{both(('这份交接单无法显示。', 'This hand-over cannot be shown.'))}</p>"
    at = clock(datetime.fromisoformat(found["at"]))
    head = (
        f'<h3><span>{both(("交接单", "Hand-over"))} <span class="chip {packet.level}">{both(URGENCY[packet.level])}'
        f'</span></span><span class="age">{at}</span></h3>'
    )
    return f"{head}<dl>{_facts(packet, labels)}</dl>{_risk(packet.risk)}{_said(packet)}"


def _facts(packet: HandoverPacket, labels: Labels) -> str:
    rows: list[tuple[Pair, str]] = [(("原因", "Why"), both(labels.intent(packet.reason)))]
    if packet.wish is not None and packet.wish.intent != packet.reason:
        rows.append((("想办", "Wish"), both(labels.intent(packet.wish.intent))))
    if packet.feeling is not None:
        rows.append((("情绪", "Feeling"), both(_mood(packet.feeling))))
    if packet.identity is not None:
        rows.append((("身份", "Identity"), both(IDENTITY[packet.identity.outcome])))
    if packet.document is not None:
        rows.append((("证件", "Document"), "".join(f"<div>{both(pair)}</div>" for pair in _document(packet.document))))
    return "".join(f"<dt>{both(name)}</dt><dd>{shown}</dd>" for name, shown in rows)


def _document(seen: DocumentSeen) -> list[Pair]:
    """Which document, how good it was, and what speaks against it; a code that is not known here stays out."""
    kind, outcome = papers.KINDS[seen.kind], papers.OUTCOMES[seen.outcome]
    first = f"{kind[0]}：{outcome[0]}", f"{kind[1]}: {outcome[1]}"
    return [first, *(papers.REASONS[code] for code in seen.reasons if code in papers.REASONS)]


def _mood(mood: Mood) -> Pair:
    strength = next((pair for least, pair in STRENGTHS if mood.intensity >= least), WEAK)
    felt, more = EMOTIONS[mood.emotion], RISING if mood.rising else ("", "")
    return f"{felt[0]}，{strength[0]}{more[0]}", f"{felt[1]}, {strength[1]}{more[1]}"


def _risk(risk: RiskFound | None) -> str:
    if risk is None or not (risk.reasons or risk.level in ("high", "emergency")):
        return ""
    reasons = "".join(
        f"<li>{both((reason.zh, reason.en))}"
        + (f"<q>{escape(reason.evidence)}</q>" if reason.evidence else "")
        + "</li>"
        for reason in risk.reasons
    )
    level = RISKS[risk.level]
    title = both((f"风险：{level[0]}", f"Risk: {level[1]}"))
    return f'<section class="risk {risk.level}"><h4>{title}</h4><ul>{reasons}</ul></section>'


def _said(packet: HandoverPacket) -> str:
    if not packet.transcript:
        return ""
    lines = "".join(_line(line) for line in packet.transcript)
    left_out = packet.shortened
    title, more = both(("说过的话", "What was said")), ""
    if left_out:
        more = f'<p class="quiet">{both((f"前面还有 {left_out} 句", f"{left_out} earlier lines left out"))}</p>'
    return f'<h4>{title}</h4>{more}<ol class="said" tabindex="0">{lines}</ol>'


def _line(line: Line) -> str:
    return f'<li class="{line.who}"><b>{both(SPEAKERS[line.who])}</b><span>{escape(line.text)}</span></li>'
