"""yingbinctl: the field operator's tool, `python -m hub.ctl`. It speaks to the hub's API, and decides nothing.

Sign in once (`login`); the session lies in a file for its owner alone and ends as a browser's does. `--json` prints one
JSON object and nothing else. `--install-completion` teaches the shell the words.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from hub.ctl_views import alarms_table, rollout_table, rollouts_table, terminal_table, terminals_table

TIMEOUT_S: Final = 20.0
WATCH_S: Final = 1.0
SESSION: Final = Path(os.environ.get("YINGBIN_CTL", Path.home() / ".config" / "yingbin" / "ctl.json"))
ACTS: Final = ("restart_part", "self_test", "out_of_service", "screenshot", "diagnostics", "live_tail")
OVER: Final = 3  # the exit status of a watched roll-out that did not finish

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Look after the bank's terminals.")
rollout = typer.Typer(no_args_is_help=True, help="Roll-outs of releases.")
app.add_typer(rollout, name="rollout")
Terminal = Annotated[str, typer.Argument(help="BRANCH/DEVICE")]
Campaign = Annotated[str, typer.Argument(help="The roll-out.")]


class Hub:
    """The API as this person. Ends the program with a sentence where something is refused."""

    def __init__(self, address: str, as_json: bool) -> None:
        self.address, self.as_json, self._csrf = address.rstrip("/"), as_json, ""
        self._client = httpx.Client(base_url=self.address, timeout=TIMEOUT_S)
        kept = _read_session().get(self.address)
        if kept:
            self._client.cookies.set("yb_session", kept)

    def sign_in(self, name: str, password: str) -> None:
        """Begin a session and keep it."""
        self._client.cookies.clear()  # of a session before this one
        answer = self._client.post("/sign-in", data={"name": name, "password": password, "next": "/"})
        token = self._client.cookies.get("yb_session")
        if answer.status_code != 303 or not token:
            raise _end("name or password is wrong, or too many tries")
        kept = _read_session() | {self.address: token}
        SESSION.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(SESSION, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(kept, file)

    def get(self, path: str, **query: Any) -> Any:
        """Read."""
        return self._answer(self._client.get(path, params=query))

    def post(self, path: str, body: Any = None) -> Any:
        """Change something, with the session's token."""
        if not self._csrf:
            self._csrf = self.get("/api/v1/me")["csrf"]
        return self._answer(self._client.post(path, json=body or {}, headers={"X-CSRF-Token": self._csrf}))

    def fetch(self, path: str) -> bytes:
        """A file."""
        answer = self._client.get(path)
        if answer.is_success:
            return answer.content
        self._answer(answer)
        return b""

    def _answer(self, answer: httpx.Response) -> Any:
        if answer.status_code == 401:
            raise _end(f"sign in first: yingbinctl --hub {self.address} login NAME")
        if not answer.is_success:
            try:
                said = answer.json()["detail"]
            except (ValueError, KeyError):
                said = f"the hub answered {answer.status_code}"
            raise _end(str(said))
        return answer.json()

    def say(self, found: Any, table: Table | str) -> None:
        """The answer as JSON, or for people."""
        if self.as_json:
            typer.echo(json.dumps(found, ensure_ascii=False))
        else:
            Console().print(table)


def _end(text: str) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(1)


def _read_session() -> dict[str, str]:
    try:
        return dict(json.loads(SESSION.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _hub(context: typer.Context) -> Hub:
    hub: Hub = context.find_root().obj
    return hub


def _path(terminal: str) -> str:
    branch, _, device = terminal.partition("/")
    if not branch or not device:
        raise typer.BadParameter(f"{terminal!r} is not BRANCH/DEVICE")
    return f"/api/v1/branches/{branch}/devices/{device}"


@app.callback()
def main(
    context: typer.Context,
    hub: Annotated[str, typer.Option(envvar="YINGBIN_HUB", help="The hub's address.")] = "http://127.0.0.1:8600",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Look after the bank's terminals."""
    context.obj = Hub(hub, as_json)


@app.command()
def login(context: typer.Context, name: Annotated[str, typer.Argument(help="Your account.")]) -> None:
    """Sign in; the password is asked for, or read from standard input where that is no terminal."""
    password = (
        typer.prompt("password", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    )
    _hub(context).sign_in(name, password)
    _hub(context).say({"ok": True}, f"signed in as {name}")


@app.command("list")
def list_command(
    context: typer.Context, words: Annotated[list[str] | None, typer.Argument(help="All must occur.")] = None
) -> None:
    """Terminals; those with alarms and those that are offline first."""
    found = _hub(context).get("/api/v1/fleet/terminals", words=" ".join(words or []))
    _hub(context).say(found, terminals_table(found["terminals"]))


@app.command()
def show(context: typer.Context, terminal: Terminal) -> None:
    """One terminal: health, release, history, orders."""
    found = _hub(context).get(f"{_path(terminal)}/fleet")
    _hub(context).say(found, terminal_table(found))


@app.command()
def note(
    context: typer.Context, terminal: Terminal, region: Annotated[str, typer.Option()] = "",
    tag: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
) -> None:  # fmt: skip
    """Region and tags, by which roll-outs find it."""
    found = _hub(context).post(f"{_path(terminal)}/note", {"region": region, "tags": tag or []})
    _hub(context).say(found, "noted")


@app.command()
def join(
    context: typer.Context, terminal: Terminal, code: Annotated[str, typer.Option(help="What its screen shows.")],
    region: Annotated[str, typer.Option()] = "", tag: Annotated[list[str] | None, typer.Option()] = None,
    replaces: Annotated[bool, typer.Option(help="It takes the place of the one that stands there.")] = False,
) -> None:  # fmt: skip
    """Claim a new terminal by the code that it shows."""
    wish = {"code": code, "region": region, "tags": tag or [], "replaces": replaces}
    found = _hub(context).post(f"{_path(terminal)}/claim", wish)
    _hub(context).say(found, f"{terminal} has joined")


@app.command()
def revoke(
    context: typer.Context, terminal: Terminal, reason: Annotated[str, typer.Option(help="Such as stolen.")]
) -> None:
    """End a terminal's certificate: it is out within seconds."""
    found = _hub(context).post(f"{_path(terminal)}/revoke", {"reason": reason})
    _hub(context).say(found, f"{terminal} is out")


@app.command()
def order(
    context: typer.Context, terminal: Terminal, act: Annotated[str, typer.Argument(help=", ".join(ACTS))],
    reason: Annotated[str, typer.Option(help="Why; it stands in the record.")],
    part: Annotated[str, typer.Option(help="restart_part: core, screen, call or updater.")] = "",
    on: Annotated[bool | None, typer.Option("--on/--off", help="out_of_service.")] = None,
    hours: Annotated[int, typer.Option(help="diagnostics.")] = 0,
    seconds: Annotated[int, typer.Option(help="live_tail.")] = 0,
) -> None:  # fmt: skip
    """Order something of a terminal; what is dangerous waits for a second person (`agree`)."""
    if act not in ACTS:
        raise typer.BadParameter(f"one of {', '.join(ACTS)}", param_hint="ACT")
    given = {"part": part, "on": on, "hours": hours, "seconds": seconds}
    left_out = ("", None, 0)
    stated = {"kind": act} | {name: value for name, value in given.items() if value is False or value not in left_out}
    found = _hub(context).post(f"{_path(terminal)}/orders", {"act": stated, "reason": reason})
    said = "is sent" if found["state"] == "sent" else "waits for a second person"
    _hub(context).say(found, f"order {found['order']} {said}")


@app.command()
def orders(context: typer.Context) -> None:
    """Orders that wait for a second person."""
    found = _hub(context).get("/api/v1/fleet/orders")
    table = Table("order", "terminal", "what", "why", "by")
    for one in found["orders"]:
        what = " ".join(str(value) for value in one["act"].values())
        table.add_row(str(one["id"]), f"{one['branch']}/{one['device']}", what, one["reason"], one["asked_by"])
    _hub(context).say(found, table)


@app.command()
def agree(context: typer.Context, branch: str, order: int) -> None:
    """Be the second person of an order."""
    found = _hub(context).post(f"/api/v1/branches/{branch}/orders/{order}/agree")
    _hub(context).say(found, f"order {order} is sent")


@app.command()
def fetch(
    context: typer.Context, terminal: Terminal, number: int,
    out: Annotated[Path, typer.Option(help="Where to write it.")],
) -> None:  # fmt: skip
    """What a terminal sent for an order."""
    body = _hub(context).fetch(f"{_path(terminal)}/orders/{number}/result")
    out.write_bytes(body)
    _hub(context).say({"bytes": len(body), "file": str(out)}, f"{len(body)} bytes in {out}")


@app.command()
def alarms(context: typer.Context) -> None:
    """What is wrong now."""
    found = _hub(context).get("/api/v1/fleet/alarms")
    _hub(context).say(found, alarms_table(found["alarms"]))


@app.command()
def silence(
    context: typer.Context, hours: Annotated[float, typer.Option()], reason: Annotated[str, typer.Option()],
    branch: Annotated[str, typer.Option()] = "", device: Annotated[str, typer.Option()] = "",
    kind: Annotated[str, typer.Option()] = "",
) -> None:  # fmt: skip
    """Say nothing of these alarms for a while."""
    wish = {"hours": hours, "reason": reason, "branch": branch, "device": device, "kind": kind}
    _hub(context).say(_hub(context).post("/api/v1/fleet/silences", wish), "silent")


# --- roll-outs --------------------------------------------------------------------------------------


@rollout.command("list")
def rollout_list(context: typer.Context) -> None:
    """The roll-outs, newest first."""
    found = _hub(context).get("/api/v1/fleet/rollouts")
    _hub(context).say(found, rollouts_table(found["rollouts"]))


@rollout.command("create")
def rollout_create(
    context: typer.Context, plan: Annotated[Path, typer.Argument(help="The plan, JSON; - is standard input.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
) -> None:  # fmt: skip
    """Begin a roll-out as a plan states it."""
    try:
        stated = json.loads(sys.stdin.read() if str(plan) == "-" else plan.read_text("utf-8"))
    except (OSError, ValueError) as err:
        raise _end(f"{plan}: {err}") from err
    found = _hub(context).post("/api/v1/fleet/rollouts", {"name": name, "plan": stated})
    _hub(context).say(found, f"{found['campaign']} has begun")


@rollout.command("show")
def rollout_show(context: typer.Context, campaign: Campaign) -> None:
    """One roll-out by waves."""
    found = _hub(context).get(f"/api/v1/fleet/rollouts/{campaign}")
    _hub(context).say(found, rollout_table(found))


@rollout.command("watch")
def rollout_watch(
    context: typer.Context, campaign: Campaign,
    most_s: Annotated[float, typer.Option(help="Give up after this.")] = 7 * 86_400.0,
) -> None:  # fmt: skip
    """Follow a roll-out until it is over; exit 3 where it did not finish."""
    hub, deadline_s = _hub(context), time.monotonic() + most_s
    found = hub.get(f"/api/v1/fleet/rollouts/{campaign}")
    if hub.as_json:
        while not found["over"] and time.monotonic() < deadline_s:
            time.sleep(WATCH_S)
            found = hub.get(f"/api/v1/fleet/rollouts/{campaign}")
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        with Live(rollout_table(found), console=Console(), refresh_per_second=4) as live:
            while not found["over"] and time.monotonic() < deadline_s:
                time.sleep(WATCH_S)
                found = hub.get(f"/api/v1/fleet/rollouts/{campaign}")
                live.update(rollout_table(found))
    if found["status"] != "finished":
        raise typer.Exit(OVER)


def _add(act: str, meaning: str) -> None:
    @rollout.command(act, help=meaning)
    def command(context: typer.Context, campaign: Campaign) -> None:
        found = _hub(context).post(f"/api/v1/fleet/rollouts/{campaign}/{act}")
        _hub(context).say(found, rollout_table(found))


for _act, _meaning in (
    ("approve", "Let the next wave begin: somebody else than who made the plan."),
    ("pause", "Ask nobody new for now."),
    ("resume", "Go on."),
    ("abort", "Stop; what was done goes back where the plan says so."),
):
    _add(_act, _meaning)


if __name__ == "__main__":
    app(prog_name="yingbinctl")
