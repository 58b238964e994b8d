"""Signalling of calls at the hub: who may speak in which call, each word once, nothing of a call that is over."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contracts import call as c
from contracts import topics
from hub.bus import Arrived, Outgoing
from hub.calls.relay import LONGEST, MOST_WORDS, NotYours, Relay, forget, open_call, standing
from hub.calls.tables import call_words, calls
from hub.calls.turn import Turn
from hub.ingest import Ingest
from hub.store import Store

pytestmark = pytest.mark.contract

BRANCH, DEVICE, TELLER, CASE = "binjiang", "kiosk-1", "chen", "case-0001"
SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"


class Place:
    """A store, an ingest, a relay and what went to the bus."""

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        self.sent: list[Outgoing] = []
        self.ingest = Ingest(
            self.store, acknowledge=self.sent.append, queue_moved=lambda _: None, changed=lambda _: None
        )
        self.relay = Relay(self.store, self.sent.append, Turn(("turn:turn.example:3478?transport=udp",), "s" * 20))
        self.open()

    def open(self, case: str = CASE, teller: str = TELLER, *, ago: timedelta = timedelta()) -> None:
        with self.store.write() as db:
            open_call(db, BRANCH, case, DEVICE, teller, now=datetime.now(UTC) - ago)

    def up(
        self, body: c.FromTerminal, said: int = 1, *, case: str = CASE, leg: int = 1, device: str = DEVICE,
        branch: str = BRANCH,
    ) -> None:  # fmt: skip
        message = c.CallUp(
            id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=1, case=case, leg=leg, said=said, body=body
        )
        self.ingest.take([Arrived(topics.CALL_UP.at(branch, device), topics.CALL_UP.encode(message))])

    def sit(self, teller: str = TELLER) -> tuple[str, int]:
        seat, _, after = self.relay.sit(BRANCH, CASE, teller)
        return seat, after

    def say(self, seat: str, body: c.FromPage, said: int = 1, *, leg: int = 1, teller: str = TELLER) -> None:
        self.relay.say(BRANCH, CASE, teller, seat, c.PageSaid(leg=leg, said=said, body=body))

    def down(self) -> list[c.CallDown]:
        return [topics.CALL_DOWN.decode(one.payload) for one in self.sent if one.topic.endswith("call/down")]

    def words(self, seat: str, after: int = 0) -> list[Any]:
        return [told.body for _, told in self.relay.words(BRANCH, CASE, seat, after)[0]]

    @property
    def refused(self) -> dict[str, int]:
        return dict(self.ingest.tallies.refused)


@pytest.fixture
def place(database: str) -> Iterator[Place]:
    made = Place(database)
    yield made
    made.ingest.close()
    made.store.close()


def test_an_offer_goes_to_the_calls_terminal_with_servers_and_an_end_and_its_answer_comes_back(place: Place) -> None:
    seat, after = place.sit()
    place.say(seat, c.Offered(sdp=SDP))
    place.say(seat, c.CandidateFound(candidate="candidate:1 1 udp 1 10.0.0.1 9 typ host", mid="0"), 2)
    offer, candidate = place.down()
    assert place.sent[-1].topic == topics.CALL_DOWN.at(BRANCH, DEVICE) and not place.sent[-1].retain
    assert isinstance(offer.body, c.Offered) and offer.body.sdp == SDP
    assert offer.body.ice[0].username.endswith(f":kiosk-{CASE}") and offer.body.ice[0].credential
    assert timedelta() < offer.expires - datetime.now(UTC) <= timedelta(seconds=c.EXPIRES_S)
    assert isinstance(candidate.body, c.CandidateFound)
    place.up(c.Answered(sdp=SDP))
    place.up(c.MediaTold(standing="up"), 2)
    assert place.words(seat, after) == [c.Answered(sdp=SDP), c.MediaTold(standing="up")]
    with place.store.read() as db:
        now = standing(db, BRANCH, CASE)
    assert now is not None and now.media == "up" and not now.ended


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"device": "kiosk-2"}, "call_device"),
        ({"branch": "jiangbei"}, "call_case"),
        ({"case": "case-0002"}, "call_case"),
        ({"leg": 7}, "call_repeated"),
    ],
)
def test_a_forged_sender_a_foreign_branch_and_another_call_are_refused_and_counted(
    place: Place, how: dict[str, Any], code: str
) -> None:
    seat, after = place.sit()
    place.up(c.Answered(sdp=SDP), **how)
    assert place.words(seat, after) == [] and place.refused == {code: 1}


def test_what_a_terminal_says_twice_is_told_once_and_an_older_leg_not_at_all(place: Place) -> None:
    seat, after = place.sit()
    place.say(seat, c.Offered(sdp=SDP), leg=3)
    place.up(c.Answered(sdp=SDP), 1, leg=3)
    place.up(c.Answered(sdp=SDP), 1, leg=3)
    place.up(c.ResumeAsked(), 9, leg=2)
    place.up(c.ResumeAsked(), 2, leg=3)
    assert place.words(seat, after) == [c.Answered(sdp=SDP), c.ResumeAsked()]
    assert place.refused == {"call_repeated": 2}


def test_nonsense_and_what_is_too_large_are_refused_and_the_next_message_is_taken(place: Place) -> None:
    topic = topics.CALL_UP.at(BRANCH, DEVICE)
    place.ingest.take([Arrived(topic, b"{"), Arrived(topic, b"x" * (c.MESSAGE_BYTES + 1)), Arrived(topic, b"[]")])
    seat, after = place.sit()
    place.up(c.Answered(sdp=SDP))
    assert place.words(seat, after) == [c.Answered(sdp=SDP)]
    assert place.refused == {"json": 1, "size": 1, "type": 1}


def test_only_the_teller_who_holds_the_case_may_sit_and_speak(place: Place) -> None:
    with pytest.raises(NotYours, match="teller"):
        place.sit("li")
    seat, _ = place.sit()
    with pytest.raises(NotYours, match="teller"):
        place.say(seat, c.Offered(sdp=SDP), teller="li")
    with pytest.raises(NotYours, match="case"):
        place.relay.sit(BRANCH, "case-9999", TELLER)
    with pytest.raises(NotYours, match="case"):
        place.relay.sit("jiangbei", CASE, TELLER)
    assert place.down() == [] and place.relay.tallies["refused_teller"] == 1


def test_a_page_that_was_loaded_anew_takes_the_seat_and_goes_on_with_the_next_leg(place: Place) -> None:
    old, _ = place.sit()
    place.say(old, c.Offered(sdp=SDP))
    seat, welcome, _ = place.relay.sit(BRANCH, CASE, TELLER)
    assert isinstance(welcome.body, c.Welcomed) and welcome.leg == 2 and welcome.body.ice[0].username
    with pytest.raises(NotYours, match="seat"):
        place.say(old, c.Offered(sdp=SDP), leg=2)
    assert place.relay.words(BRANCH, CASE, old, 0)[1] is False
    place.say(seat, c.Offered(sdp=SDP), leg=2)
    place.relay.away(BRANCH, CASE, old)  # its connection ends only now: it has no seat to leave
    assert [type(one.body) for one in place.down()] == [c.Offered, c.Offered]


@pytest.mark.parametrize(("said", "leg", "code"), [(1, 2, "repeated"), (9, 1, "leg"), (9, 2, "leg")])
def test_a_repetition_an_older_leg_and_a_second_offer_in_a_leg_are_refused(
    place: Place, said: int, leg: int, code: str
) -> None:
    seat, _ = place.sit()
    place.say(seat, c.Offered(sdp=SDP), leg=2)
    body: c.FromPage = c.CandidateFound(candidate="") if code == "repeated" else c.Offered(sdp=SDP)
    with pytest.raises(NotYours, match=code):
        place.say(seat, body, said, leg=leg)
    assert len(place.down()) == 1


def test_hanging_up_ends_it_for_both_whoever_does_and_nothing_is_taken_afterwards(place: Place) -> None:
    seat, after = place.sit()
    place.say(seat, c.Offered(sdp=SDP))
    place.up(c.HungUp(reason="left"))
    assert place.words(seat, after) == [c.HungUp(reason="left")]
    with pytest.raises(NotYours, match="over"):
        place.say(seat, c.CandidateFound(candidate=""), 2)
    place.up(c.Answered(sdp=SDP), 2)
    assert place.refused == {"call_over": 1}
    place.relay.away(BRANCH, CASE, seat)
    assert place.store.rows(sa.select(call_words)) == []
    place.open("case-0003")
    place.open()  # another teller's turn: the case goes on
    assert place.sit()[0]


def test_a_teller_who_hangs_up_is_heard_by_the_terminal(place: Place) -> None:
    seat, _ = place.sit()
    place.say(seat, c.Offered(sdp=SDP))
    place.say(seat, c.HungUp(reason="abuse"), 2)
    assert place.down()[-1].body == c.HungUp(reason="abuse")
    with place.store.read() as db:
        now = standing(db, BRANCH, CASE)
    assert now is not None and now.ended and now.reason == "abuse"


def test_a_page_that_goes_away_is_told_to_the_terminal_once(place: Place) -> None:
    seat, _ = place.sit()
    place.say(seat, c.Offered(sdp=SDP))
    place.relay.away(BRANCH, CASE, seat)
    place.relay.away(BRANCH, CASE, seat)
    assert [type(one.body) for one in place.down()] == [c.Offered, c.PageAway]
    assert [one.said for one in place.down()] == [1, 2]
    seat, _ = place.sit()
    place.say(seat, c.Offered(sdp=SDP), leg=2)
    assert place.down()[-1].leg == 2


def test_a_call_that_was_opened_too_long_ago_is_over(place: Place) -> None:
    place.open("case-0004", ago=LONGEST + timedelta(minutes=1))
    with pytest.raises(NotYours, match="over"):
        place.relay.sit(BRANCH, "case-0004", TELLER)
    place.up(c.Answered(sdp=SDP), case="case-0004")
    assert place.refused == {"call_over": 1}


def test_a_terminal_that_talks_without_end_is_bounded(place: Place) -> None:
    for at in range(MOST_WORDS + 5):
        place.up(c.ResumeAsked(), at + 1)
    assert len(place.store.rows(sa.select(call_words))) == MOST_WORDS
    assert place.refused == {"call_crowded": 5}


def test_nothing_of_a_call_that_is_over_stays_but_that_there_was_one_for_a_day(place: Place) -> None:
    place.up(c.Answered(sdp=SDP))
    place.up(c.HungUp(reason="done"), 2)
    with place.store.write() as db:
        forget(db, datetime.now(UTC))
    assert place.store.rows(sa.select(call_words)) == [] and len(place.store.rows(sa.select(calls))) == 1
    with place.store.write() as db:
        forget(db, datetime.now(UTC) + timedelta(days=2))
    assert place.store.rows(sa.select(calls)) == []


def test_a_page_whose_line_broke_can_still_hang_up(place: Place) -> None:
    seat, _ = place.sit()
    place.say(seat, c.Offered(sdp=SDP))
    place.relay.away(BRANCH, CASE, seat)
    seat, _ = place.sit()
    place.say(seat, c.HungUp(reason="done"), 2)
    assert [(type(one.body), one.said) for one in place.down()] == [(c.Offered, 1), (c.PageAway, 2), (c.HungUp, 3)]
