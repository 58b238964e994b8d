"""What a conversation can have done about remote tellers: asked for, looked after, put off, left a message."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from config.flows import Action
from config.schema import Site, Weekday
from contracts import messages as m
from contracts import video_messages as v
from contracts.handover import HandoverPacket
from contracts.video import CaseState, EndReason
from kiosk.call.line import TellerLine
from kiosk.dialogue.flows import Place
from kiosk.dialogue.reply import Done
from kiosk.risk.handover import masked
from kiosk.session.visit import Visit

ACTIONS: Final = frozenset(
    {"ask_teller", "look_at_teller", "leave_teller", "propose_call_back", "book_call_back", "leave_message"}
)
WISH: Final = "call_remote_teller"
DIALECTS: Final = frozenset({"yue", "wu", "minnan", "sichuan"})
STRONG: Final = 0.5  # of anger or fear: somebody calm is wanted
WEEKDAYS: Final[tuple[Weekday, ...]] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
OWN_TIMES: Final = 6  # that a terminal proposes by itself while the hub is away
OWN_DAYS: Final = 7
WHY: Final[Mapping[str, EndReason]] = {
    "ticket": "ticket", "self_service": "self_service", "staff": "staff", "cancelled": "cancelled",
}  # fmt: skip
SAID: Final[Mapping[CaseState, str]] = {
    CaseState.WAITING: "waiting",
    CaseState.OFFERED: "waiting",
    CaseState.CONNECTING: "coming",
    CaseState.TALKING: "talking",
    CaseState.RECONNECTING: "paused",
}
HandOver = Callable[[Visit, str], Awaitable[tuple[HandoverPacket, int | None]]]


class TellerActs:
    """Carries out `ACTIONS`. `hand_over` puts the packet on disk and gives it back with its number."""

    def __init__(
        self,
        site: Site,
        line: TellerLine,
        hand_over: HandOver,
        local_now: Callable[[], datetime],
        now_ns: Callable[[], int],
    ) -> None:
        self._site, self.line = site, line
        self._hand_over, self._local_now, self._now_ns = hand_over, local_now, now_ns

    async def do(self, visit: Visit, action: Action, place: Place) -> Done:
        """An outcome other than 'done' says where the visitor stands, or why not. Raises `OutboxFull`."""
        match action:
            case "ask_teller":
                return await self._ask(visit, place)
            case "look_at_teller":
                return self._look(visit)
            case "leave_teller":
                await self.line.leave(WHY.get(place.slots.get("instead", ""), "cancelled"))
                visit.case = ""
                return Done("done")
            case "propose_call_back":
                return self._propose(place.slots)
            case "book_call_back":
                return await self._book(visit, place)
            case "leave_message":
                return await self._message(visit, place)
        return Done("failed")

    async def _ask(self, visit: Visit, place: Place) -> Done:
        packet, seq = await self._hand_over(visit, place.wish or WISH)
        ticket = m.DayNumber(day=visit.ticket.day, number=visit.ticket.number) if visit.ticket else None
        code = place.slots.get("code", "")
        asked = v.TellerAsked(
            case=uuid.uuid4().hex, visit=visit.id, packet=seq, need=self._need(visit, place), level=packet.level,
            risk=packet.risk.level if packet.risk else "low",
            waited_s=min(max((self._now_ns() - visit.started_ns) / 1e9, 0.0), 86_400.0), ticket=ticket,
            code=code if len(code) == 6 and code.isdecimal() else None, alias=visit.bank.alias if visit.bank else "",
        )  # fmt: skip
        if await self.line.ask(asked) is None:
            visit.case = ""
            return Done("away", {"teller_outcome": "away"})
        visit.case = asked.case
        return self._look(visit)

    def _look(self, visit: Visit) -> Done:
        told = self.line.looked()
        if told is None:
            visit.case = ""
            return Done("away", {"teller_outcome": "away"})
        low, high = told.wait_min or ("", "")
        facts = {
            "teller_ahead": "" if told.ahead is None else str(told.ahead),
            "teller_low": str(low),
            "teller_high": str(high),
            "teller_outcome": told.outcome,
            "teller_long": "yes" if len(told.choices) > 1 else "",
        }
        outcome = SAID.get(told.state, "over")
        if told.outcome == "full" or (outcome == "waiting" and told.outcome != "place"):
            outcome = "nobody"
        elif told.state is CaseState.TALKING:
            visit.outcome = "handed_over"
        if self.line.is_over:
            visit.case = ""
        return Done(outcome, facts)

    def _propose(self, slots: Mapping[str, str]) -> Done:
        """The next time to come back; after the last one the first again."""
        times = self._times()
        if not times:
            return Done("failed")
        before = slots.get("call_back_iso", "")
        later = [at for at in times if at.isoformat() > before] or times
        at = later[0]
        return Done("done", {"call_back_iso": at.isoformat(), "call_back_day": at.date().isoformat(),
                             "call_back_time": f"{at:%H:%M}"})  # fmt: skip

    def _times(self) -> list[datetime]:
        """The hub's, or while it is away the terminal's own: quarters of an hour within the branch's opening hours."""
        told = self.line.standing
        here = self._local_now()
        if told is not None and told.call_back_at:
            return sorted(at.astimezone(here.tzinfo) for at in told.call_back_at)
        quarter = timedelta(minutes=15)
        at = here.replace(minute=here.minute // 15 * 15, second=0, microsecond=0) + 2 * quarter
        found: list[datetime] = []
        while len(found) < OWN_TIMES and at - here < timedelta(days=OWN_DAYS):
            hours = self._site.branch.hours.get(WEEKDAYS[at.weekday()])
            if hours is not None and hours.opens <= at.time() < hours.closes:
                found.append(at)
            at += quarter
        return found

    async def _book(self, visit: Visit, place: Place) -> Done:
        """The code is told only when the wish is on disk."""
        try:
            at = datetime.fromisoformat(place.slots.get("call_back_iso", ""))
        except ValueError:
            return Done("failed")
        packet, seq = await self._hand_over(visit, place.wish or WISH)
        code = f"{self._site.device.kiosk_digit}{secrets.randbelow(100_000):05d}"
        body = v.CallBackAsked(
            case=self.line.case or None, visit=visit.id, at=at.astimezone(UTC), code=code,
            need=self._need(visit, place), packet=seq, level=packet.level,
        )  # fmt: skip
        if not await self.line.say_later(body):
            return Done("failed")
        visit.case = ""
        return Done("done", {"call_back_code": " ".join(code)})

    async def _message(self, visit: Visit, place: Place) -> Done:
        said = masked(place.slots.get("message", "")).strip()[: v.LEFT_MESSAGE_CHARS]
        if not said:
            return Done("failed")
        _, seq = await self._hand_over(visit, place.wish or WISH)
        body = v.MessageLeft(
            case=self.line.case or None, visit=visit.id, text=said, need=self._need(visit, place), packet=seq
        )
        if not await self.line.say_later(body):
            return Done("failed")
        visit.case = ""
        return Done("done")

    def _need(self, visit: Visit, place: Place) -> v.Need:
        named = place.slots.get("service", "")
        service = self._site.service_for(place.wish)
        known = {one.id for one in self._site.services}
        chosen = named if named in known else service.id if service else self._site.services[0].id
        mood = visit.story.mood
        upset = mood is not None and mood.emotion in ("anger", "fear") and mood.intensity >= STRONG
        tongue = place.slots.get("tongue", "")
        dialect = tongue if tongue in DIALECTS else ""
        language = "zh" if dialect else "en" if tongue == "en" else visit.language
        return v.Need(service=chosen, language=language, dialect=dialect, sign=tongue == "sign", calm=upset)

    def facts(self, visit: Visit) -> dict[str, str]:
        """What the conversation may know: that there are tellers, and between which languages a visitor may choose."""
        offered = self._site.tellers
        tongues = [*offered.dialects, *(["sign"] if offered.sign else [])]
        found = {"tellers": "yes", **{f"tongue_{one}": "yes" for one in tongues}}
        if tongues and not self._presses(visit):
            found["tongues"] = "yes"
        return found

    @staticmethod
    def _presses(visit: Visit) -> bool:
        """Whether a question before the call would be one too many: somebody is angry, afraid, or in danger."""
        mood = visit.story.mood
        upset = mood is not None and mood.emotion in ("anger", "fear") and mood.intensity >= STRONG
        return upset or visit.concern.risk == "high" or bool(visit.concern.danger)
