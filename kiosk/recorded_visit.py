"""A recorded visitor at the running terminal: one visit or many, then the account of the last."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Final

from kiosk.adapters.files import read_wav_16k
from kiosk.adapters.screen_socket import SocketScreen
from kiosk.equipment import RecordedEquipment, Recording
from kiosk.ports import Clock
from kiosk.scenario.report import report
from kiosk.scenario.runner import Outcome, RecordedVisitor, Saying
from kiosk.session.session import Session
from kiosk.session.trace import Trace
from kiosk.sync.ledger import DiskLedger
from kiosk.sync.outbox import Outbox

SCREEN_DRAWS_S: Final = 20.0
HUB_CATCHES_UP_S: Final = 5.0
FAULTS_TOLD: Final = 8  # of many visits: which steps failed most often


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Of the terminal: what the visitor meets, and what keeps what came of it."""

    session: Session
    trace: Trace
    clock: Clock
    screen: SocketScreen
    ledger: DiskLedger
    outbox: Outbox


async def recorded_visit(recording: Recording, equipment: RecordedEquipment, parts: Parts) -> Outcome:
    """Wait for the screen, let the visitor visit, wait for the hub, write the account."""
    trace, clock = parts.trace, parts.clock
    ends = json.loads((recording.folder / "ends.json").read_text("utf-8"))
    sounds = [Saying(read_wav_16k(recording.folder / f"say{i}.wav"), end) for i, end in enumerate(ends)]
    await trace.until(lambda noted: noted.kind == "drawn", after=0, within_s=SCREEN_DRAWS_S)
    until_ns = clock.now_ns() + int(recording.again_for_s * 1e9)
    visits = failed = 0
    faults: Counter[str] = Counter()
    while True:
        visitor = RecordedVisitor(
            recording.scenario, sounds, equipment.room, equipment.portrait, parts.session, trace, clock,
            parts.screen.send,
        )  # fmt: skip
        outcome = await visitor.visit()
        visits += 1
        failed += not outcome.ok
        faults.update(fault.partition(":")[0] for fault in outcome.failures)
        if clock.now_ns() >= until_ns:
            break
        trace.moments.clear()  # of many visits only the last is told
    await _hub_knows(parts)
    tallies = {
        "microphone_dropped": equipment.room.frames.tally_dropped,
        "room_late": equipment.room.tally_late,
        "owed_to_hub": parts.outbox.tallies().pending,
        "moments_lost": parts.ledger.tally_lost,
        "screen_faults": parts.screen.tally_faults,
        "visits": visits,
        "visits_failed": failed,
        **{f"failed_{step.replace(' ', '_')}": times for step, times in faults.most_common(FAULTS_TOLD)},
    }
    account = report(recording.scenario, outcome, trace, tallies)
    account["sound_began_ns"] = equipment.room.started_ns
    account["trace_began_ns"] = trace.began_ns
    whole = recording.report.with_suffix(".part")
    whole.write_text(json.dumps(account, ensure_ascii=False, indent=1), "utf-8")
    whole.replace(recording.report)
    return outcome


async def _hub_knows(parts: Parts) -> None:
    """What is owed to the hub has gone there, or HUB_CATCHES_UP_S are over."""
    await parts.ledger.flush()
    waited_s = 0.0
    while parts.outbox.tallies().pending and waited_s < HUB_CATCHES_UP_S:
        await parts.clock.sleep(0.1)
        waited_s += 0.1
