"""From sentences that nobody answered to a pack that answers them: heaped, decided by an editor, built, and refused by
itself where the new pack answers worse than the old one.

The hub runs no model: heaping, building and judging are the terminal's own programs, as processes. The regression is
`bench knowledge` on the development questions, old source against new: no right answer fewer, no wrong one more, no
figure said wrongly. What passes is offered as any pack is, and waits for a second person.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import sqlalchemy as sa

from hub.accounts import record
from hub.accounts.rights import Person, Right, require
from hub.desk.acts import Acts
from hub.knowledge import SUFFIX, Knowledge, PackProblem
from hub.opinions.tables import candidates, lessons, unheard
from hub.service import Hub
from hub.store import packs

ROOT: Final = Path(__file__).parents[2]
QUESTIONS: Final = ROOT / "bench" / "data" / "knowledge_dev.tsv"
GROUP_S: Final = 300.0
JUDGE_S: Final = 900.0
MAX_SENTENCES: Final = 2_000
MAX_OPEN: Final = 60  # proposals shown to an editor; the largest heaps first
LEAST: Final = 2  # sentences of a heap that is worth an editor's time
SHOWN: Final = 20
FIGURES: Final = ("top1", "answered_right", "answered_wrong", "answered_anyway", "wrong_figures")
NOISE: Final = 1e-9
Kind = Literal["asks", "entry"]
_ENTRY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class LessonProblem(ValueError):
    """Why it cannot be done; `str()` says it to the person."""


@dataclass(frozen=True, slots=True)
class Teaching:
    """What packs are made from: the source's folder, and the private key that signs (both of this machine)."""

    source: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an editor makes of a proposal."""

    kind: Kind
    entry: str
    zh: str = ""
    en: str = ""
    asks_zh: str = ""
    asks_en: str = ""


class LessonActs:
    """Everything about lessons that a person may see or do. Raises `Refused`, `SignedOut`, `LessonProblem`."""

    def __init__(self, hub: Hub, acts: Acts, knowledge: Knowledge, teaching: Teaching | None) -> None:
        self._hub, self._acts, self._knowledge, self.teaching = hub, acts, knowledge, teaching
        self._one_at_a_time = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether sentences are being heaped or a pack is being judged."""
        return self._one_at_a_time.locked()

    def look(self, person: Person, branch: str) -> dict[str, Any]:
        """Proposals, what was accepted, packs that were made, and how many sentences wait to be heaped."""
        require(self._acts.still(person), Right.TEACH, branch)
        store = self._hub.store
        mine = sa.select(lessons).where(lessons.c.branch == branch)
        proposed = mine.where(lessons.c.state == "proposed").order_by(lessons.c.count.desc(), lessons.c.id)
        accepted = mine.where(lessons.c.state == "accepted").order_by(lessons.c.id.desc())
        made = sa.select(candidates).where(candidates.c.branch == branch).order_by(candidates.c.id.desc())
        waiting = sa.select(sa.func.count().label("n")).where(unheard.c.branch == branch, unheard.c.lesson.is_(None))
        return {
            "branch": branch,
            "proposed": store.rows(proposed.limit(MAX_OPEN)),
            "accepted": store.rows(accepted.limit(MAX_OPEN)),
            "made": store.rows(made.limit(SHOWN)),
            "alone": int(store.rows(waiting)[0]["n"]),
            "can_make": self.teaching is not None,
            "busy": self.is_busy,
        }

    def propose(self, person: Person, branch: str) -> int:
        """Heap what nobody decided on anew; how many proposals there are then. Takes half a minute."""
        person = self._acts.still(person)
        require(person, Right.TEACH, branch)
        if self.teaching is None:
            raise LessonProblem("this hub has no source of a pack: start it with --teach-source and --teach-key")
        if not self._one_at_a_time.acquire(blocking=False):
            raise LessonProblem("somebody is at it already")
        try:
            return self._propose(person, branch, self.teaching)
        finally:
            self._one_at_a_time.release()

    def _propose(self, person: Person, branch: str, teaching: Teaching) -> int:
        undecided = sa.select(lessons.c.id).where(lessons.c.branch == branch, lessons.c.state == "proposed")
        free = sa.or_(unheard.c.lesson.is_(None), unheard.c.lesson.in_(undecided))
        wanted = sa.select(unheard).where(unheard.c.branch == branch, free).order_by(unheard.c.id.desc())
        rows = self._hub.store.rows(wanted.limit(MAX_SENTENCES))
        given = [{"id": row["id"], "text": row["text"], "language": row["language"]} for row in rows]
        heaps = (
            json.loads(_run(["kiosk.content", "group", str(teaching.source)], json.dumps(given), GROUP_S))
            if given
            else []
        )
        worth = [heap for heap in heaps if len(heap["ids"]) >= LEAST][:MAX_OPEN]
        with self._hub.store.write() as db:
            old = [row.id for row in db.execute(undecided)]
            db.execute(sa.update(unheard).where(unheard.c.lesson.in_(old)).values(lesson=None))
            db.execute(sa.delete(lessons).where(lessons.c.id.in_(old)))
            for heap in worth:
                made = db.execute(
                    sa.insert(lessons).values(
                        branch=branch, at=datetime.now(UTC), language=heap["language"], lines=heap["lines"],
                        count=len(heap["ids"]), near=heap["near"], state="proposed", kind="", entry="", zh="", en="",
                        asks_zh="", asks_en="", decided_by="",
                    ).returning(lessons.c.id)
                ).scalar_one()  # fmt: skip
                db.execute(sa.update(unheard).where(unheard.c.id.in_(heap["ids"])).values(lesson=made))
            record.note(db, person.name, "lessons_proposed", branch=branch, subject=str(len(worth)))
        return len(worth)

    def decide(self, person: Person, branch: str, lesson: int, wish: Wish | None) -> None:
        """Accept a proposal as `wish` says, or refuse it (None); what was accepted can be refused again."""
        person = self._acts.still(person)
        require(person, Right.TEACH, branch)
        values: dict[str, Any] = {"state": "refused"}
        if wish is not None:
            if not _ENTRY.fullmatch(wish.entry):
                raise LessonProblem(f"{wish.entry[:40]!r} is no name of an entry: small letters, figures and _")
            if wish.kind == "entry" and not all((wish.zh, wish.en, wish.asks_zh, wish.asks_en)):
                raise LessonProblem("a new entry wants an answer and a question in both languages")
            if len(wish.zh) > 240 or len(wish.en) > 400 or max(len(wish.asks_zh), len(wish.asks_en)) > 160:
                raise LessonProblem("too long: an answer has 240 characters, 400 in English; a question 160")
            texts = {name: " ".join(getattr(wish, name).split()) for name in ("zh", "en", "asks_zh", "asks_en")}
            values = {"state": "accepted", "kind": wish.kind, "entry": wish.entry} | texts
        open_for = ("proposed",) if wish is not None else ("proposed", "accepted")
        this = sa.and_(lessons.c.id == lesson, lessons.c.branch == branch, lessons.c.state.in_(open_for))
        with self._hub.store.write() as db:
            decided = {"decided_by": person.name[:80], "decided_at": datetime.now(UTC)}
            if db.execute(sa.update(lessons).where(this).values(values | decided)).rowcount != 1:
                raise LessonProblem("this one was decided already")
            record.note(db, person.name, f"lesson_{values['state']}", branch=branch, subject=str(lesson))

    def make(self, person: Person, branch: str) -> dict[str, Any]:
        """Make a pack of the source and everything accepted, judge it against the source, offer it if it is no worse.

        Returns the row of the attempt. Takes minutes.
        """
        person = self._acts.still(person)
        require(person, Right.TEACH, branch)
        require(person, Right.OFFER_KNOWLEDGE, branch)
        if self.teaching is None:
            raise LessonProblem("this hub has no source of a pack: start it with --teach-source and --teach-key")
        taught = sa.select(lessons).where(lessons.c.branch == branch, lessons.c.state == "accepted")
        rows = self._hub.store.rows(taught.order_by(lessons.c.id))
        if not rows:
            raise LessonProblem("nothing was accepted yet")
        if not self._one_at_a_time.acquire(blocking=False):
            raise LessonProblem("somebody is at it already")
        try:
            return self._make(person, branch, self.teaching, rows)
        finally:
            self._one_at_a_time.release()

    def _make(self, person: Person, branch: str, teaching: Teaching, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        version = self._next_version(branch)
        figures: dict[str, Any] = {}
        reason, pack = "", None
        with tempfile.TemporaryDirectory(prefix="yingbin-teach-") as folder:
            source, file = Path(folder) / "source", Path(folder) / f"taught{SUFFIX}"
            try:
                named = ("kind", "entry", "language", "lines", "zh", "en", "asks_zh", "asks_en")
                given = json.dumps([{name: row[name] for name in named} for row in rows])
                teach = [
                    "kiosk.content",
                    "teach",
                    str(teaching.source),
                    "--out",
                    str(source),
                    "--version",
                    str(version),
                ]
                figures["taught"] = json.loads(_run(teach, given, GROUP_S))
                figures["before"], figures["after"] = _judged(teaching.source), _judged(source)
                reason = worse(figures["before"], figures["after"])
                if not reason:
                    _run(["kiosk.content", "build", str(source), "--key", str(teaching.key), "--out", str(file),
                          *self._previous(branch, Path(folder))], "", GROUP_S)  # fmt: skip
                    pack = self._knowledge.offer(person, branch, file.read_bytes()).id
            except (LessonProblem, PackProblem) as err:
                reason = str(err)
        row = {
            "branch": branch, "at": datetime.now(UTC), "person": person.name[:80], "version": version,
            "lessons": [row["id"] for row in rows], "state": "offered" if pack is not None else "refused",
            "reason": reason[:300], "figures": figures, "pack": pack,
        }  # fmt: skip
        with self._hub.store.write() as db:
            db.execute(sa.insert(candidates).values(row))
            record.note(db, person.name, f"taught_pack_{row['state']}", branch=branch, subject=str(version))
        return row

    def _next_version(self, branch: str) -> int:
        """One above whatever was offered or made for this branch, and above the source."""
        assert self.teaching is not None
        known = [_version_of(self.teaching.source)]
        for table in (packs, candidates):
            newest = sa.select(sa.func.max(table.c.version).label("n")).where(table.c.branch == branch)
            known.append(int(self._hub.store.rows(newest)[0]["n"] or 0))
        return max(known) + 1

    def _previous(self, branch: str, folder: Path) -> list[str]:
        """The published pack, which the new one follows, where one was signed with the same key."""
        data = self._knowledge.published(branch)
        if data is None:
            return []
        (folder / f"before{SUFFIX}").write_bytes(data)
        return ["--previous", str(folder / f"before{SUFFIX}")]


def worse(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """In what the new source is worse than the old one; '' where in nothing."""
    fewer = [name for name in ("top1", "answered_right") if after[name] < before[name] - NOISE]
    more = [name for name in ("answered_wrong", "answered_anyway") if after[name] > before[name] + NOISE]
    if after["wrong_figures"]:
        more.append("wrong_figures")
    found = [f"{name} {before[name]:.4f} → {after[name]:.4f}" for name in fewer + more]
    return f"the new pack answers worse: {', '.join(found)}" if found else ""


def _judged(source: Path) -> dict[str, Any]:
    """What `bench knowledge` says of a source, on the development questions."""
    command = ["bench", "knowledge", "--source", str(source), "--data", str(QUESTIONS), "--json", "-"]
    found = json.loads(_run(command, "", JUDGE_S))
    return {name: found[name] for name in (*FIGURES, "questions", "unanswerable", "entries")}


def _run(command: Sequence[str], given: str, seconds: float) -> str:
    """What a program of ours writes. Raises `LessonProblem` with its last line where it did not work."""
    try:
        ended = subprocess.run(
            [sys.executable, "-m", *command], input=given, cwd=ROOT, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired as err:
        raise LessonProblem(f"{' '.join(command[:2])} took too long") from err
    if ended.returncode:
        lines = ended.stderr.strip().splitlines()
        raise LessonProblem(f"{' '.join(command[:2])}: {lines[-1][:200] if lines else 'no reason given'}")
    return ended.stdout


def _version_of(source: Path) -> int:
    """The version in a source's `pack.yaml`; 0 where it cannot be read."""
    try:
        lines = (source / "pack.yaml").read_text("utf-8").splitlines()
        return int(next(line.partition(":")[2] for line in lines if line.startswith("version:")))
    except (OSError, StopIteration, ValueError):
        return 0
