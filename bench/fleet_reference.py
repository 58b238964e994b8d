"""The reference of a roll-out: a second, plain account of its rules, against which the hub's journal is held.

It reads a journal line by line. What came from outside (an outcome, a person, time) it takes as given; what the rules
make of it (who is asked, when it stops, who goes back) it works out by itself and holds against the lines that follow.
It shares no code with the hub: dictionaries and loops, one terminal after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

GIVEN: Final = frozenset(
    {"working", "done", "failed", "retrying", "absent", "returned", "stuck", "approve", "pause", "resume", "abort",
     "late", "begin"}
)  # fmt: skip
Line = tuple[str, str]  # what, whom


class Differs(AssertionError):
    """The journal says something else than the rules."""


class Reference:
    """One roll-out: `plan` and `waves` as the hub shows them, `order`: the terminals by place, `sizes`: of waves."""

    def __init__(self, plan: Mapping[str, Any], waves: Sequence[Mapping[str, Any]], order: Sequence[str],
                 sizes: Sequence[int]) -> None:  # fmt: skip
        self.limits, self.pace = plan.get("limits", {}), plan.get("pace", {})
        self.back = plan.get("on_stop", "return") == "return"
        self.waves, self.order = list(waves), list(order)
        self.wave_of = dict(zip(order, (w for w, size in enumerate(sizes) for _ in range(size)), strict=True))
        self.state = dict.fromkeys(order, "queued")
        self.status, self.wave, self.why = "running", 0, ""
        self.due: list[Line] = []  # what must come next
        self.stopped_at: int | None = None  # outcomes (done and failed) when a limit was reached
        self.most_in_hand = 0

    def read(self, lines: Sequence[Line]) -> None:
        """Follow a whole journal. Raises `Differs` at the first line that is not what the rules make."""
        for number, line in enumerate(lines, 1):
            if self.due:
                expected = self.due.pop(0)
                if expected != line:
                    raise Differs(f"line {number}: {line}, the rules say {expected}")
                continue
            self._take(number, line)
            in_hand = sum(state in ("asked", "working") for state in self.state.values())
            self.most_in_hand = max(self.most_in_hand, in_hand)
        if self.due:
            raise Differs(f"the journal ends; the rules say {self.due[0]}")

    def _take(self, number: int, line: Line) -> None:
        what, whom = line
        if what == "begin":
            self.due.append(("wave", ""))
            self._ask()
        elif self.status == "soaking" and what in ("wave", "wait", "finish"):
            self._judged(number, line)
        elif what == "asked" and self.state.get(whom) == "retrying":
            self._again(number, whom)
        elif what in GIVEN:
            self._given(what, whom)
            self._go_on()
        else:
            raise Differs(f"line {number}: {line} came from nowhere")

    def _given(self, what: str, whom: str) -> None:
        if what == "late":
            self.order.append(whom)
            self.wave_of[whom], self.state[whom] = len(self.waves) - 1, "queued"
        elif what == "approve":
            if self.wave + 1 < len(self.waves):
                self.wave, self.status = self.wave + 1, "running"
                self.due.append(("wave", ""))
            else:
                self.status = "finished"
                self.due.append(("finish", ""))
        elif what == "pause":
            self.status = "paused"
        elif what == "resume":
            self.status = "running"
        elif what == "abort":
            self._stop()
        else:
            self.state[whom] = what

    def _count(self, *states: str, wave: int | None = None) -> int:
        return sum(
            state in states and (wave is None or self.wave_of[whom] == wave) for whom, state in self.state.items()
        )

    def _limit(self) -> bool:
        failed, finished = self._count("failed"), self._count("failed", "done")
        if self.limits.get("failed") is not None and failed >= self.limits["failed"]:
            return True
        share = self.limits.get("failed_share")
        enough = finished >= self.limits.get("judged_from", 1)
        return share is not None and enough and Fraction(failed, max(finished, 1)) > Fraction(str(share))

    def _go_on(self) -> None:
        if self.status in ("stopped", "returned"):
            return
        if self.status == "returning":
            self._close()
            return
        if self.status == "finished":
            self._ask()
            return
        if self._limit():
            self._stop()
            return
        if self.status != "running":
            return
        if self._count("queued", "asked", "working", "retrying", wave=self.wave):
            self._ask()
            return
        done, failed = self._count("done", wave=self.wave), self._count("failed", wave=self.wave)
        if done + failed == 0:
            self.status = "waiting"
            self.due.append(("wait", ""))
        elif Fraction(done, done + failed) < Fraction(str(self.limits.get("done_share", 0.0))):
            self._stop()
        else:
            self.status = "soaking"
            self.due.append(("soak", ""))

    def _ask(self) -> None:
        """New ones by place, as many as there is room for; a pause that is over comes as a line of its own."""
        room = self.pace.get("at_once", 500) - self._count("asked", "working")
        for whom in self.order:
            if room <= 0:
                return
            if self.state[whom] == "queued" and self.wave_of[whom] == self.wave:
                self.state[whom] = "asked"
                self.due.append(("asked", whom))
                room -= 1

    def _again(self, number: int, whom: str) -> None:
        if self.status not in ("running", "finished") or self._count("asked", "working") >= self.pace["at_once"]:
            raise Differs(f"line {number}: {whom} was asked again while {self.status}")
        self.state[whom] = "asked"

    def _judged(self, number: int, line: Line) -> None:
        last = self.wave + 1 >= len(self.waves)
        right = "finish" if last else "wait" if self.waves[self.wave].get("approve") else "wave"
        if line[0] != right:
            raise Differs(f"line {number}: {line}, the rules say {right}")
        self.status = {"finish": "finished", "wait": "waiting", "wave": "running"}[right]
        if right == "wave":
            self.wave += 1
            self._go_on()
        elif right == "finish":
            self._ask()

    def _stop(self) -> None:
        if self.stopped_at is None:
            self.stopped_at = self._count("done", "failed")
        self.status = "returning"
        self.due += [("stop", ""), ("left_out", "")]
        back = {"asked", "absent", "working", "done"} if self.back else {"asked", "absent"}
        for whom, state in self.state.items():
            if state == "queued":
                self.state[whom] = "left_out"
        for whom in sorted(self.order, key=lambda one: (self.state[one] != "retrying", self.order.index(one))):
            if self.state[whom] == "retrying":
                self.state[whom] = "failed"
                self.due.append(("failed", whom))
            elif self.state[whom] in back:
                self.state[whom] = "returning"
                self.due.append(("returning", whom))
        self._close()

    def _close(self) -> None:
        if not self._count("returning"):
            self.status = "returned" if self.back else "stopped"
            self.due.append(("close", ""))
