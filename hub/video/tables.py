"""The tables of remote tellers: the pool, who is on duty, cases with their history, decisions, what was left."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from hub.store import UtcTime, tables

_Id: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
POOL: Final = "all"  # one pool a hub

pools = sa.Table(  # whoever changes anything of a pool holds its row; terminals order what they hear by its revision
    "pools",
    tables,
    sa.Column("pool", sa.String(40), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
)

tellers = sa.Table(
    "tellers",
    tables,
    sa.Column("person", sa.String(80), primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),  # a change counts only on the version that was read
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("since", UtcTime, nullable=False),  # in this state
    sa.Column("seen", UtcTime, nullable=False),  # the desk was heard
    sa.Column("deadline", UtcTime),  # of the account
    sa.Column("video_case", sa.String(40), nullable=False),  # held now; '' : none
    sa.Column("then_break", sa.Boolean, nullable=False),  # a break is wanted after this one
    sa.Column("branches", sa.JSON, nullable=False),  # where this person may serve
    sa.Column("services", sa.JSON, nullable=False),
    sa.Column("languages", sa.JSON, nullable=False),
    sa.Column("dialects", sa.JSON, nullable=False),
    sa.Column("sign", sa.Boolean, nullable=False),
    sa.Column("calm", sa.Boolean, nullable=False),
    sa.Column("licence", sa.Boolean, nullable=False),
    sa.Column("level", sa.Integer, nullable=False),
)

cases = sa.Table(
    "video_cases",
    tables,
    sa.Column("video_case", sa.String(40), primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("log", sa.String(40), nullable=False),
    sa.Column("packet", sa.BigInteger),  # the hand-over's number in `log`
    sa.Column("visit", sa.String(40), nullable=False),
    sa.Column("alias", sa.String(32), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),  # of the last change
    sa.Column("outcome", sa.String(10), nullable=False),  # 'full', where it was told so when it came
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("language", sa.String(4), nullable=False),
    sa.Column("dialect", sa.String(40), nullable=False),
    sa.Column("sign", sa.Boolean, nullable=False),
    sa.Column("calm", sa.Boolean, nullable=False),
    sa.Column("licence", sa.Boolean, nullable=False),
    sa.Column("level", sa.String(10), nullable=False),
    sa.Column("risk", sa.String(10), nullable=False),
    sa.Column("priority", sa.String(10), nullable=False),
    sa.Column("came", UtcTime, nullable=False),
    sa.Column("place_at", UtcTime, nullable=False),  # `came` less the head start
    sa.Column("passed", sa.Integer, nullable=False),
    sa.Column("refused", sa.JSON, nullable=False),  # teller → until when, ISO
    sa.Column("teller", sa.String(80), nullable=False),
    sa.Column("note", sa.String(300), nullable=False),  # from the teller before, to the next one
    sa.Column("seen", UtcTime, nullable=False),  # the terminal was heard
    sa.Column("media", sa.String(8), nullable=False),
    sa.Column("deadline", UtcTime),  # what must have happened by then is decided otherwise
    sa.Column("since", UtcTime, nullable=False),  # in this state
    sa.Column("accepted_at", UtcTime),
    sa.Column("talk_at", UtcTime),
    sa.Column("talk_s", sa.Integer, nullable=False),
    sa.Column("over_at", UtcTime),
    sa.Column("wrap_code", sa.String(20), nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("score", sa.Integer),  # the visitor's opinion
    sa.Index("cases_by_state", "state", "place_at"),
    sa.Index("cases_of_device", "branch", "device", "state"),
    sa.Index("cases_of_teller", "teller", "over_at"),
    sa.Index("cases_of_alias", "alias"),
    sa.Index("cases_of_visit", "branch", "visit"),
)

case_changes = sa.Table(
    "video_changes",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("video_case", sa.String(40), nullable=False),
    sa.Column("event", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index("changes_of_case", "video_case", "id"),
)

decisions = sa.Table(  # why this visitor went to that teller
    "video_decisions",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("video_case", sa.String(40), nullable=False),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("teller", sa.String(80), nullable=False),
    sa.Column("how", sa.String(10), nullable=False),
    sa.Column("terms", sa.JSON, nullable=False),
    sa.Column("passed_over", sa.Integer, nullable=False),
    sa.Column("waited_s", sa.Float, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index("decisions_of_case", "video_case"),
)

call_backs = sa.Table(
    "call_backs",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("log", sa.String(40), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("code", sa.String(6), nullable=False),
    sa.Column("visit", sa.String(40), nullable=False),
    sa.Column("packet", sa.BigInteger),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("asked_at", UtcTime, nullable=False),
    sa.Column("need", sa.JSON, nullable=False),
    sa.Column("taken_by", sa.String(40), nullable=False),  # the case that took it up; '': none yet
    sa.Index("call_backs_by_time", "at"),
    sa.Index("call_backs_by_code", "code", "at"),
)

left_messages = sa.Table(  # what a visitor said is in them: tellers only, and deleted soon
    "left_messages",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("log", sa.String(40), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("visit", sa.String(40), nullable=False),
    sa.Column("packet", sa.BigInteger),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("read_by", sa.String(80), nullable=False),
    sa.Index("left_messages_by_time", "at"),
)
