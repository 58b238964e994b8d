"""A form between a desk and a terminal, on the hub: who may, what is sent, the second person, and what was signed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from contracts import together as t
from contracts import topics
from contracts import video_messages as v
from hub.accounts import record
from hub.accounts.accounts import Accounts
from hub.accounts.commands import check_signed
from hub.accounts.rights import Person, Refused, read_grant
from hub.accounts.tables import audit
from hub.bus import Arrived, Outgoing
from hub.bus_mqtt import MqttBus
from hub.desk.acts import Acts
from hub.desk.together_acts import TogetherActs
from hub.desk.together_view import errands_html, page_html, signed_html
from hub.desk.video_acts import VideoActs
from hub.service import Hub
from hub.store import Store
from hub.together import signed
from hub.together.tables import seconds, signed_documents, together
from hub.video.pool import NotNow
from tests.hub.wirekit import BRANCH, DEVICE, Sender

pytestmark = pytest.mark.contract
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PASSWORD = "correct horse battery"
NEED = v.Need(service="personal", language="zh")
PEOPLE = {"li": f"teller:{BRANCH}", "wang": f"teller:{BRANCH}", "zhou": f"branch-manager:{BRANCH}",
          "sun": "branch-manager:jiefang"}  # fmt: skip


class SentBus(MqttBus):
    """Never connected; keeps what it was given."""

    def __init__(self) -> None:
        super().__init__([("127.0.0.1", 1)], version="0")
        self.sent: list[t.TogetherAsked] = []

    def send(self, message: Outgoing) -> None:
        row, _ = topics.find(message.topic)
        if row is topics.TOGETHER_ASKED:
            assert not message.retain
            self.sent.append(row.decode(message.payload))


class House:
    """A hub with two tellers, two managers, and one terminal that talks with the first teller."""

    def __init__(self, url: str) -> None:
        self.url, self.bus = url, SentBus()
        self.hub = Hub(Store(url), self.bus)
        self.accounts = Accounts(self.hub.store, hasher=QUICK)
        for name, granted in PEOPLE.items():
            self.accounts.add(name, PASSWORD, [read_grant(granted)], by="test")
        desk = Acts(self.hub, self.accounts)
        self.video, self.acts = VideoActs(self.hub, desk), TogetherActs(self.hub, desk)
        self.people = {name: self._signed_in(name) for name in PEOPLE}
        self.sender, self.revision, self.session = Sender(), 0, "session-000001"
        self.case = f"case-{uuid.uuid4().hex[:10]}"

    def _signed_in(self, name: str) -> Person:
        found = self.accounts.find(self.accounts.open_session(name))
        assert found is not None
        return found

    def numbered(self, row: topics.Topic[Any], kind: type[Any], body: Any, sender: Sender | None = None) -> None:
        sender = sender or self.sender
        sender.seq += 1
        message = kind(
            id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), log=sender.log, seq=sender.seq,
            follows=sender.seq - 1, body=body,
        )  # fmt: skip
        self.hub.ingest.take([Arrived(row.at(BRANCH, sender.device), row.encode(message))])

    def talk(self) -> None:
        li = self.people["li"]
        self.video.heard(li)
        self.video.ready(li)
        asked = v.TellerAsked(case=self.case, visit="visit-1", packet=None, need=NEED)
        self.numbered(topics.CASE_OP, v.CaseOp, asked)
        self.video.accept(li, self.case)
        self.video.begin(li, self.case)

    def stands(self, form: t.FormStands | None, *, device: str = DEVICE, case: str = "", **more: Any) -> None:
        self.revision += 1
        message = t.TogetherStands(
            id="1", at=datetime.now(UTC), mono_ns=0, case=case or self.case, revision=self.revision, form=form,
            page=t.PageStands(page="form", language="zh", mode="standard", title="表格",
                              targets=(t.Offered(target="x", label="<b>下一项"),)), **more,
        )  # fmt: skip
        row = topics.TOGETHER_STANDS
        self.hub.ingest.take([Arrived(row.at(BRANCH, device), row.encode(message))])

    def form(self, limit: str = "50000") -> t.FormStands:
        fields = (
            t.FieldStands(field="name", value="王<小明", given=True, by="teller"),
            t.FieldStands(field="limit", value=limit, given=True, by="visitor"),
            t.FieldStands(field="pin", given=True, by="visitor"),
        )
        return t.FormStands(form="limits", session=self.session, language="zh", state="filling", step="fill",
                            fields=fields, touched="limit", at="name")  # fmt: skip

    def paper(self, document: str = '{"limit":"50,000"}', **more: Any) -> t.SignedPaper:
        digest, strokes = t.sha256(document), "[[[1,2,3]]]"
        values: dict[str, Any] = {
            "case": self.case, "session": self.session, "form": "limits", "document": document,
            "document_sha256": digest, "strokes": strokes, "seal": t.seal_of(digest, strokes),
            "signed_at": datetime.now(UTC), **more,
        }  # fmt: skip
        return t.SignedPaper(**values)

    def sign(self, paper: t.SignedPaper, sender: Sender | None = None) -> None:
        self.numbered(topics.SIGNED, t.DocumentSigned, paper, sender)

    def acts_of(self, name: str) -> list[tuple[str, str]]:
        mine = sa.select(audit.c.act, audit.c.outcome).where(audit.c.person == name).order_by(audit.c.n)
        return [(row["act"], row["outcome"]) for row in self.hub.store.rows(mine)]


@pytest.fixture
def house(database: str) -> Iterator[House]:
    made = House(database)
    made.talk()
    yield made
    made.hub.store.close()


def test_only_the_teller_in_the_talk_asks_the_terminal_and_never_for_what_is_masked(house: House) -> None:
    li, case = house.people["li"], house.case
    house.acts.open_form(li, case, "limits")
    house.acts.touch(li, case, house.session, "limit")
    assert house.acts.fill(li, case, "limits", house.session, "limit", "50000") == 3
    for field in ("pin", "nothing"):
        with pytest.raises(NotNow, match="cannot"):
            house.acts.fill(li, case, "limits", house.session, field, "246810")
    with pytest.raises(NotNow, match="unknown"):
        house.acts.open_form(li, case, "nothing")
    for name in ("wang", "zhou"):
        with pytest.raises((NotNow, Refused)):
            house.acts.open_form(house.people[name], case, "limits")
        with pytest.raises((NotNow, Refused)):
            house.acts.look(house.people[name], case)
    assert [type(one.body) for one in house.bus.sent] == [t.OpenForm, t.TouchField, t.FillField]
    assert [one.said for one in house.bus.sent] == [1, 2, 3]
    assert ("form_opened", "limits") in house.acts_of("li") and "form_opened" not in str(house.acts_of("wang"))
    house.video.hang_up(li, case)
    with pytest.raises(NotNow, match="transition"):
        house.acts.open_form(li, case, "limits")


def test_what_the_terminal_says_is_believed_of_its_own_case_only_and_goes_with_the_talk(house: House) -> None:
    li, case, refused = house.people["li"], house.case, house.hub.ingest.tallies.refused
    house.stands(house.form())
    told = house.acts.look(li, case).stands
    assert told is not None and told.form == house.form()
    house.stands(house.form("1"), device="kiosk-2")
    house.stands(house.form("2"), case="case-of-nobody")
    house.revision = 0
    house.stands(house.form("3"))
    assert (refused["together_device"], refused["together_case"], refused["together_old"]) == (1, 1, 1)
    assert house.acts.look(li, case).stands == told
    shown = page_html(told, house.acts.forms)
    assert "王&lt;小明" in shown and "密码" not in shown and "&lt;b&gt;下一项" in shown  # of the step that is open
    house.acts.ask_second(li, case, "sign")
    house.video.hang_up(li, case)
    assert house.hub.store.rows(sa.select(together)) == []  # what was typed is gone before the account is written
    assert [row["outcome"] for row in house.hub.store.rows(sa.select(seconds))] == ["refused"]
    house.stands(house.form(), case=case)
    assert refused["together_old"] + refused["together_over"] == 2


def test_a_risky_step_waits_for_somebody_else_who_saw_the_form_as_it_is(house: House) -> None:
    li, zhou, case = house.people["li"], house.people["zhou"], house.case
    house.stands(house.form())

    def go_on() -> None:
        house.acts.open_step(li, case, "limits", house.session, "sign")

    with pytest.raises(NotNow, match="second"):
        go_on()
    house.acts.ask_second(li, case, "sign")
    house.acts.ask_second(li, case, "sign")  # asked twice is asked once
    ((asked, told),) = house.acts.asked(zhou)
    assert told is not None and asked["asked_by"] == "li"
    for name in ("li", "wang", "sun"):
        with pytest.raises((Refused, NotNow)):
            house.acts.decide(house.people[name], asked["id"], approved=True)
    house.stands(house.form("200000"))  # a value changed since it was asked
    with pytest.raises(NotNow, match="raced"):
        house.acts.decide(zhou, asked["id"], approved=True)
    house.stands(house.form())
    house.acts.decide(zhou, asked["id"], approved=True)
    house.stands(house.form("200000"))  # and one after it was given
    with pytest.raises(NotNow, match="second"):
        go_on()
    house.stands(house.form())
    go_on()
    body = house.bus.sent[-1].body
    assert isinstance(body, t.OpenStep) and body.second == t.draft_digest(house.form())
    assert ("second_given", "sign") in house.acts_of("zhou") and ("second_asked", "sign") in house.acts_of("li")
    assert record.verify(house.hub.store) == []


def test_a_manager_who_talks_with_the_visitor_does_not_approve_the_own_step(house: House) -> None:
    house.accounts.add("both", PASSWORD, [read_grant(f"teller:{BRANCH}"), read_grant(f"branch-manager:{BRANCH}")],
                       by="test")  # fmt: skip
    both = house._signed_in("both")
    house.stands(house.form())
    house.acts.ask_second(house.people["li"], house.case, "sign")
    with house.hub.store.write() as db:
        db.execute(sa.update(seconds).values(asked_by="both"))
    ((asked, _),) = house.acts.asked(both)
    with pytest.raises(NotNow, match="oneself"):
        house.acts.decide(both, asked["id"], approved=True)
    house.acts.decide(house.people["zhou"], asked["id"], approved=False)
    with pytest.raises(NotNow, match="second"):
        house.acts.open_step(house.people["li"], house.case, "limits", house.session, "sign")


def test_a_signature_is_kept_with_who_when_and_case_and_one_changed_character_shows(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    store = house.hub.store
    house.sign(house.paper())
    house.hub.ingest.take([])  # nothing: a batch may be empty
    (row,) = store.rows(sa.select(signed_documents))
    assert (row["teller"], row["video_case"], row["form"]) == ("li", house.case, "limits")
    assert signed.verify(store) == (1, [])
    house.stands(house.form())
    look = house.acts.look(house.people["li"], house.case)
    assert look.signed is not None and row["document_sha256"][:8] in signed_html(look)

    def change(**values: str) -> list[str]:
        with store.write() as db:
            db.execute(sa.update(signed_documents).values(**values))
        found = [one.why for one in signed.verify(store)[1]]
        with store.write() as db:
            back = {name: row[name] for name in values}
            db.execute(sa.update(signed_documents).values(**back))
        return found

    other = row["document"].replace("50,000", "50,001")
    assert change(document=other) == ["document"]
    assert change(document=other, document_sha256=t.sha256(other)) == ["seal"]
    assert change(strokes="[[[1,2,4]]]") == ["seal"]
    forged = {"document": other, "document_sha256": t.sha256(other)}
    assert change(**forged, seal=t.seal_of(t.sha256(other), row["strokes"])) == ["record"]
    assert signed.verify(store) == (1, [])
    assert check_signed(house.url, "verify", "", datetime.now(UTC)) == 0
    with store.write() as db:
        db.execute(sa.update(signed_documents).values(document=other))
    assert check_signed(house.url, "verify", house.case, datetime.now(UTC)) == 1
    assert "the document does not hold" in capsys.readouterr().out
    assert check_signed(house.url, "list", "", datetime.fromtimestamp(0, UTC)) == 0
    assert "50,00" not in capsys.readouterr().out  # who, when and which; not what


def test_what_does_not_fit_is_refused_when_it_comes_and_does_not_stop_the_rest(house: House) -> None:
    refused = house.hub.ingest.tallies.refused
    house.sign(house.paper(document_sha256="0" * 64))
    house.sign(house.paper(case="case-of-nobody"))
    house.sign(house.paper(), Sender(device="kiosk-2"))  # another terminal signs in this case
    house.sign(house.paper())
    assert refused["hash"] == 1 and refused["case"] == 2
    assert len(house.hub.store.rows(sa.select(signed_documents))) == 1
    assert "list" not in errands_html(None) and errands_html(None) == ""
