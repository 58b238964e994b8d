"""The contract as a table: no topic twice, names bounded, every message there and back, the page up to date."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.remote import values
from config.schema import DEFAULT_SITE, load_site
from contracts import call as c
from contracts import call_help as h
from contracts import document, topics
from contracts import fleet as f
from contracts import messages as m
from contracts import opinions as o
from contracts import rollout as r
from contracts import together as t
from contracts import video_messages as v
from contracts.handover import Mood, RiskFound, RiskReason
from contracts.queueing import Priority
from contracts.shadow import REASONS_LIMIT, Opening, Setting, ShadowReason, typed
from contracts.tickets import TicketState
from contracts.video import CaseState
from kiosk.call.captions import REASONS
from kiosk.risk.handover import Known, build

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 10, 26, tzinfo=UTC)
HEAD = {"id": "1", "at": NOW, "mono_ns": 1}
NUMBERED = {**HEAD, "log": "abc", "seq": 2, "follows": 1}
names = st.from_regex(m.NAME_PATTERN, fullmatch=True).filter(lambda name: name not in topics.RESERVED)
ISSUED = m.TicketIssued(
    number="A037", day="2026-11-21", service="personal", visit="v", language="zh", priority=Priority.ELDER,
    due=NOW, clock=m.ClockReading(offset_ms=-5, within_ms=20), zone_min=480,
)  # fmt: skip
EXAMPLES = {
    "availability": m.Availability(**HEAD, online=True, since=NOW, versions={"software": "0.1"}),
    "telemetry": m.Telemetry(**HEAD, uptime_s=1.0, pending=0, dropped=0, free_disk_bytes=1, missing=("printer",)),
    "handover": m.Handover(
        **NUMBERED, body=build(Known(visit="v", language="zh", transcript=[("visitor", "我要取钱")]))
    ),
    "events": m.Event(**NUMBERED, body=m.OpinionGiven(visit="v", score=4)),
    "tickets/op": m.TicketOp(**NUMBERED, body=m.TicketGivenBack(number="A037", day="2026-11-21")),
    "telemetry/batch": m.TelemetryBatch(
        **HEAD, thinned=3, samples=(m.Sample(1, 2, 3, 4, 0.5, 41.5, None, ("printer",)),)
    ),
    "tickets/live": m.KioskQueue(
        **HEAD,
        log="abc",
        day="2026-11-21",
        owed=1,
        tickets=(m.LiveTicket(seq=1, through=4, at=NOW, state=TicketState.CALLED, counter="2", issued=ISSUED),),
    ),
    "shadow/reported": m.ShadowReported(
        **HEAD, since=NOW, version=3, in_force=2, state="refused", hash="0" * 64, on_trial=True,
        settings={
            "voice.speed": Setting(value=1.5, origin="remote"), "voice.small": Setting(value=True, origin="local"),
            "branch.hours": Setting(value={"monday": Opening(opens="09:00", closes="17:00")}, origin="local"),
        },
        waits=("voice.persona",), reasons=(ShadowReason(why="out_of_range", what="voice.speed"),), refused={"older": 2},
    ),
    "shadow/desired": m.ShadowDesired(
        **HEAD, branch="b", device="d", version=3,
        settings={"voice.persona": "xiaohe", "hearing.pause_ms": 900, "branch.hours": {}},
    ),
    "ack": m.Ack(**HEAD, log="abc", applied=7),
    "tickets/state": m.TicketsState(
        **HEAD, branch="b", store="s", revision=1, day="2026-11-21", services=(), tickets=(), open_tickets=0, issued={}
    ),
    "announcements": m.NumberCalled(
        **HEAD,
        branch="b",
        order=1,
        day="2026-11-21",
        number="A037",
        counter="3",
        again=False,
        show_at=NOW,
        show_ms=5000,
    ),
    "appointments": m.Appointments(
        **HEAD,
        branch="b",
        revision=3,
        salt="0" * 32,
        appointments=(m.Appointment(ref="b-1", code="1" * 32, tail="", service="personal", due=NOW),),
    ),
    "call/op": v.CaseOp(
        **HEAD,
        log="abc",
        seq=3,
        follows=2,
        body=v.TellerAsked(
            case="case-0001",
            visit="v1",
            packet=2,
            need=v.Need(service="wealth", language="zh", dialect="yue", sign=True, calm=True, licence=True),
            level="urgent",
            risk="high",
            waited_s=61.5,
            ticket=m.DayNumber(day="2026-11-21", number="A037"),
            code="012345",
            alias="0123456789abcdef" * 2,
        ),
    ),
    "call/here": v.CaseHere(**HEAD, case="case-0001", media="up"),
    "call/heard": h.CaseHeard(
        **HEAD,
        case="case-0001",
        number=h.MAX_HEARD,
        text="字" * 240,
        language="zh",
        feeling=Mood(emotion="fear", intensity=0.9, rising=True),
        risk=RiskFound(
            level="high",
            reasons=(RiskReason(id="a", weight=30, zh="字" * 240, en="w" * 240, evidence="字" * 240),) * REASONS,
        ),
        suggested=(h.Suggested(entry="fee", text="字" * 400, source="字" * 160, score=0.9),) * h.MAX_SUGGESTED,
    ),
    "call/standing": v.CaseStanding(
        **HEAD,
        branch="binjiang",
        case="case-0001",
        store="s1",
        revision=9,
        state=CaseState.WAITING,
        outcome="place",
        ahead=2,
        wait_min=(4, 9),
        choices=("wait", "ticket", "call_back", "message", "self_service"),
        call_back_at=(NOW,) * v.MAX_CALL_BACK_TIMES,
    ),
    "call/up": c.CallUp(**HEAD, case="case-0001", leg=2, said=7, body=c.Answered(sdp="v=0\r\n" * 900)),
    "call/down": c.CallDown(
        **HEAD,
        case="case-0001",
        leg=2,
        said=1,
        expires=NOW,
        body=c.Offered(
            sdp="v=0\r\n" * (c.SDP_CHARS // 5),
            ice=(c.IceServer(urls=("turn:turn.example:3478?transport=udp",) * 6, username="1:k", credential="x" * 28),),
        ),
    ),
    "together/stands": t.TogetherStands(
        **HEAD,
        case="case-0001",
        revision=m.MAX_INTEGER,
        page=t.PageStands(
            page="form",
            language="zh",
            mode="standard",
            title="填" * t.WORDS_CHARS,
            targets=(t.Offered(target="form_next", label="下" * t.WORDS_CHARS),) * t.MAX_TARGETS,
        ),
        form=t.FormStands(
            form="limits",
            session="s" * 40,
            language="zh",
            state="signing",
            step="sign",
            fields=(t.FieldStands(field="f" * 40, value="王" * t.VALUE_CHARS, given=True, by="visitor"),)
            * t.MAX_FIELDS,
            document="0" * 64,
        ),
        errands=(t.ErrandStands(errand="e" * 40, kind="document", outcome="not_available", about="a" * 40),)
        * t.MAX_ERRANDS,
    ),
    "together/asked": t.TogetherAsked(
        **HEAD,
        case="case-0001",
        said=m.MAX_INTEGER,
        expires=NOW,
        body=t.FillField(session="s" * 40, field="f" * 40, value="王" * t.VALUE_CHARS),
    ),
    "together/signed": t.DocumentSigned(
        **NUMBERED,
        body=t.SignedPaper(
            case="case-0001",
            session="s" * 40,
            form="limits",
            document="王" * t.DOCUMENT_CHARS,
            document_sha256="0" * 64,
            strokes=t.canonical((((968, 520, 600_000),) * (t.MAX_POINTS // t.MAX_STROKES),) * t.MAX_STROKES),
            seal="f" * 64,
            signed_at=NOW,
        ),
    ),
    "rollout/wanted": f.RolloutWanted(
        **HEAD, branch="binjiang", device="kiosk-1", generation=3, version="1.2.0+7", campaign="spring"
    ),
    "rollout/report": f.RolloutReport(
        **HEAD, since=NOW, generation=3, version="1.1.0", state="failed", reason="selftest_understands"
    ),
    "opinion": o.OpinionTold(
        **NUMBERED,
        body=o.CommentGiven(visit="v" * 40, text="字" * o.MAX_WORDS, language="zh", feeling="anticipation",
                            subject="business", masked=300),
    ),
    "join/request": f.JoinRequest(**HEAD, code="ABCD2345", csr="c" * f.PEM_BYTES, hardware="box-1"),
    "join/answer": f.JoinAnswer(
        **HEAD, branch="b" * 40, device="d" * 40, certificate="c" * f.PEM_BYTES, authority="c" * f.PEM_BYTES,
        command_key="0" * 64, kiosk_digit=3, predecessor=True,
    ),
    "join/renew": f.RenewRequest(**HEAD, csr="c" * f.PEM_BYTES),
    "join/renewed": f.RenewAnswer(**HEAD, certificate="c" * f.PEM_BYTES, authority="c" * f.PEM_BYTES),
    "cmd": f.Command(**HEAD, order="b" * 4_096, signature="s" * 100),
    "cmd/reply": f.CommandReply(**HEAD, number=m.MAX_INTEGER, state="done", codes=("c" * 40,) * 20),
    "diag/chunk": f.DiagChunk(
        **HEAD, number=7, what="bundle", part=0, parts=f.MOST_CHUNKS, sha256="0" * 64, body="b" * f.CHUNK_BASE64
    ),
    "rollout/want": r.RolloutWant(**HEAD, release="1.2.0", root=3, chunks=("0" * 64,) * r.WINDOW_MOST),
    "rollout/metadata": r.RolloutMetadata(**HEAD, release="1.2.0", files={"timestamp.json": b"{}" * 20_000}),
    "rollout/chunk": r.RolloutChunk(**HEAD, sha="0" * 64, body=bytes(range(256)) * 400),
    "hub/presence": m.HubPresence(**HEAD, online=True, since=NOW, version="0.1"),
}  # fmt: skip


@pytest.mark.parametrize("row", topics.CONTRACT, ids=lambda row: row.key)
def test_every_message_travels_there_and_back_within_its_bound(row: topics.Topic[m.Message]) -> None:
    message = EXAMPLES[row.key]
    assert type(message) is row.message
    payload = row.encode(message)
    assert row.decode(payload) == message
    with pytest.raises(topics.WireError, match="size"):
        row.decode(payload + b" " * row.limit_bytes)


def test_a_telemetry_that_says_all_it_may_of_hearing_and_models_fits_the_wire() -> None:
    look = m.Telemetry(
        **HEAD, uptime_s=1e7, pending=50_000, dropped=50_000, free_disk_bytes=2**40, rss_bytes=2**34, cpu_share=63.99,
        frame_p95_ms=1234.5, missing=("microphone", "camera", "speaker", "printer", "screen", "card_reader"),
        temperature_c=71.5, waiting=500, clock=m.ClockReading(offset_ms=-(2**40), within_ms=2**40),
        hearing={f"{at:02d}." + "x" * 37: 2**40 for at in range(m.TALLIES_LIMIT)},
        models={f"model-{at:02d}": m.ModelTiming(calls=2**40, p50_ms=123.456, p95_ms=123.456) for at in range(24)},
        versions={f"part-{at:02d}": "0.1.0+20261121.abcdef012345" for at in range(10)},
    )  # fmt: skip
    assert topics.TELEMETRY.decode(topics.TELEMETRY.encode(look)) == look


def test_every_setting_that_there_is_fits_into_one_message_each_way() -> None:
    shown = values(load_site(DEFAULT_SITE))
    desired = m.ShadowDesired(**HEAD, branch="b" * 40, device="d" * 40, version=m.MAX_INTEGER, settings=typed(shown))
    reported = m.ShadowReported(
        **HEAD, since=NOW, version=m.MAX_INTEGER, in_force=m.MAX_INTEGER, state="applied_after_restart", hash="f" * 64,
        settings={name: Setting(value=value, origin="remote") for name, value in typed(shown).items()},
        waits=tuple(shown), reasons=tuple(ShadowReason(why="y" * 40, what="z" * 60) for _ in range(REASONS_LIMIT)),
        refused={f"{at:02d}" + "x" * 38: m.MAX_INTEGER for at in range(REASONS_LIMIT)},
    )  # fmt: skip
    assert len(topics.SHADOW_DESIRED.encode(desired)) < topics.SHADOW_DESIRED.limit_bytes // 2
    assert len(topics.SHADOW_REPORTED.encode(reported)) < topics.SHADOW_REPORTED.limit_bytes


@given(branch=names, device=names)
def test_every_topic_is_found_again_as_its_own_row_and_address(branch: str, device: str) -> None:
    for row in topics.CONTRACT:
        found, address = topics.find(row.at(branch, device))
        assert found is row
        assert address.branch in (branch, "") and address.device in (device, "")


@given(st.text(max_size=50))
def test_a_name_outside_the_pattern_never_becomes_part_of_a_topic(name: str) -> None:
    if re.fullmatch(r"[a-z0-9-]{1,40}", name) and name not in topics.RESERVED:
        assert topics.EVENTS.at(name, "kiosk-1").count("/") == 4
    else:
        with pytest.raises(topics.WireError):
            topics.EVENTS.at(name, "kiosk-1")


def test_no_two_rows_share_a_key_a_path_or_a_subscription() -> None:
    for what in ("key", "path", "everywhere"):
        values = [getattr(row, what) for row in topics.CONTRACT]
        assert len(set(values)) == len(values)


def test_only_state_is_retained_and_only_telemetry_may_be_lost() -> None:
    assert {row.key for row in topics.CONTRACT if row.retain} == {
        "availability", "shadow/desired", "shadow/reported", "tickets/state", "appointments", "call/standing",
        "hub/presence", "rollout/wanted", "rollout/report",
    }  # fmt: skip
    assert {row.key for row in topics.CONTRACT if row.qos == 0} == {
        "telemetry", "rollout/want", "rollout/metadata", "rollout/chunk",  # asked for again
    }  # fmt: skip


def test_a_fleets_rights_name_every_terminal_and_leave_the_nameless_nothing_but_asking() -> None:
    rules = topics.fleet_rules([("binjiang", "kiosk-1")])
    nameless = rules[: rules.index(f"user {topics.HUB_USER}")]
    assert [rule.split()[1:] for rule in nameless] == [
        ["write", topics.JOIN_REQUEST.everywhere], ["read", topics.JOIN_ANSWER.everywhere],
    ]  # fmt: skip
    mine = rules[rules.index("user binjiang/kiosk-1") + 1 :]
    assert all(
        "+" not in rule and "#" not in rule and "/join/" not in rule.replace("kiosk-1/join/", "") for rule in mine
    )
    assert len(mine) == sum(not row.joining for row in topics.CONTRACT)


def test_a_kiosk_may_write_and_read_only_what_is_its_own() -> None:
    rules = topics.access_rules("binjiang", "kiosk-1")
    assert rules[0] == "user kiosk-1"
    assert all("+" not in rule and "#" not in rule for rule in rules)
    writes = [rule.split()[-1] for rule in rules if rule.startswith("topic write")]
    assert all(topic.startswith("yb/v1/binjiang/kiosk-1/") for topic in writes)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "understood", "visit": "v", "turn": 1, "intent": "我要取钱", "confidence": 0.9, "decision": "act",
         "language": "zh"},
        {"kind": "touched", "visit": "v", "target": "张三"},
        {"kind": "visit_started", "visit": "6222 0210 0112", "noticed_by": "camera"},
        {"kind": "visit_ended", "visit": "v", "outcome": "said goodbye nicely", "duration_s": 1},
        {"kind": "opinion_given", "visit": "v", "score": 6},
        {"kind": "ticket_taken", "visit": "v", "number": "6222021001122334", "service": "personal"},
    ],
)  # fmt: skip
def test_a_visitors_words_names_and_numbers_do_not_fit_into_any_moment(body: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, m.Moment)


def test_the_page_about_the_wire_is_what_the_contract_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert document.main(["--check"]) == 0, "run `python -m contracts.document`"
    assert all(row.path in document.render() for row in topics.CONTRACT)


def test_a_page_that_differs_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(document, "TARGET", tmp_path / "docs" / "wire.md")
    assert document.main(["--check"]) == 1
    assert document.main([]) == 0
    assert document.main(["--check"]) == 0


def test_topics_are_written_in_one_place_only() -> None:
    root = Path(topics.__file__).parents[1]
    files = [path for name in ("kiosk", "hub", "avatar", "models", "config", "bench", "contracts") for path in
             (root / name).rglob("*.py")]  # fmt: skip
    assert [path.name for path in files if "yb/v1" in path.read_text("utf-8")] == ["topics.py"]
