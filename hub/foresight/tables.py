"""The tables of foresight: what counters are doing, what was promised and forecast, what is planned, what was done."""

from __future__ import annotations

import sqlalchemy as sa

from hub.store import UtcTime, tables
from hub.store import _Id as Id

posts = sa.Table(  # each counter as its clerk set it up, and what it calls besides because the floor needed it
    "counter_posts",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("counter", sa.String(20), primary_key=True),
    sa.Column("services", sa.JSON, nullable=False),
    sa.Column("extra", sa.JSON, nullable=False),
    sa.Column("doing", sa.String(8), nullable=False),  # open, pause, closed
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("back_at", UtcTime),  # of a pause
)

promises = sa.Table(  # what was foreseen for a ticket when it was taken, and what came
    "wait_promises",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("number", sa.String(12), primary_key=True),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("raw_p50_s", sa.Float, nullable=False),  # before calibration
    sa.Column("raw_p90_s", sa.Float, nullable=False),
    sa.Column("p50_s", sa.Float, nullable=False),
    sa.Column("p90_s", sa.Float, nullable=False),
    sa.Column("waited_s", sa.Float),  # NULL: not called yet, or never
    sa.Index("promises_by_time", "branch", "at"),
)

rosters = sa.Table(  # who is planned where, and when they eat: the newest of a branch counts
    "rosters",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("plan", sa.JSON, nullable=False),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

forecasts = sa.Table(  # what was expected of a quarter of an hour, and how long before
    "forecasts",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("service", sa.String(40), primary_key=True),
    sa.Column("quarter", UtcTime, primary_key=True),  # its beginning
    sa.Column("ahead_min", sa.Integer, primary_key=True),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("expected", sa.Float, nullable=False),
    sa.Column("naive", sa.Float, nullable=False),  # the same quarter a week before
    sa.Column("corrected", sa.Float),  # by a person; the model's figure stays beside it
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("came", sa.Integer),
)

corrections = sa.Table(  # a person knows better: a factor for a service's day
    "forecast_corrections",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("service", sa.String(40), primary_key=True),
    sa.Column("factor", sa.Float, nullable=False),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

known_events = sa.Table(  # what is known of a day beforehand: pay day, pension day, holiday, campaign, weather
    "known_events",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("person", sa.String(80), nullable=False),
)

dispatch_rules = sa.Table(  # one row a branch that set something; without one it advises and does nothing
    "dispatch_rules",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("watches", sa.Boolean, nullable=False),
    sa.Column("acts", sa.JSON, nullable=False),  # kinds of acts that it may do by itself
    sa.Column("most_wait_min", sa.Integer, nullable=False),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

dispatch_acts = sa.Table(  # what was advised or done, why, and what became of it
    "dispatch_acts",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("counter", sa.String(20), nullable=False),
    sa.Column("done", sa.Boolean, nullable=False),  # False: advised only
    sa.Column("why", sa.JSON, nullable=False),  # figures at the moment: what would have been broken, and when
    sa.Column("effect", sa.JSON),  # the same figures when it ended, and how many took an offer
    sa.Index("dispatch_acts_of_branch", "branch", "at"),
)
