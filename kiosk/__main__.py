"""`python -m kiosk`: run the terminal, show a recorded visit, look at the devices."""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before anything imports onnxruntime
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # a missing camera is said by us, not by OpenCV's backends

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from config.load import ConfigError
from config.schema import SITE_VARIABLE, Site, load_site

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
OUT = Path("out/demo")
SAID_EVERY = 50  # sentences, where there is no terminal to draw on
# A thread that computes in Python (the entries' index, for ten seconds after the start) is asked so often to let the
# others go on. At the usual 5 ms hearing, which waits for it some ten times in each 20 ms of sound, fell 0.8 s behind.
SWITCH_S = 0.0005


def _fail(message: object) -> typer.Exit:
    typer.echo(str(message), err=True)
    return typer.Exit(2)


def _site(path: Path | None) -> Site:
    try:
        return load_site(path)
    except ConfigError as err:
        raise _fail(err) from err


@app.callback()
def logs(verbose: Annotated[bool, typer.Option(help="Say more on standard error.")] = False) -> None:
    """The terminal of a bank branch's lobby."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


@app.command()
def demo(
    scenario: Annotated[str, typer.Option(help="Id of a scenario, or a YAML file.")] = "withdraw_zh",
    headless: Annotated[bool, typer.Option(help="Draw off-screen even if there is a display.")] = False,
    out: Annotated[Path, typer.Option(help="Film, contact sheet, tickets and logs go here.")] = OUT,
    as_json: Annotated[str, typer.Option("--json", help="'-': one JSON object on standard output.")] = "",
    film: Annotated[bool, typer.Option(help="Record the screen.")] = True,
    site: Annotated[Path | None, typer.Option(help="Site file.")] = None,
) -> None:
    """A recorded visitor walks up, speaks, takes a ticket and leaves; real models, broker, hub and screen."""
    from rich.console import Console

    from config.scenario import find_scenario, load_scenario
    from kiosk.runtime.supervisor import ChildFailed
    from kiosk.scenario.demo import DemoFailed, DemoOptions, has_display, run_demo
    from kiosk.scenario.table import show
    from models.store import StoreError

    console = Console(stderr=True)
    loaded = _site(site)
    try:
        options = DemoOptions(
            scenario=load_scenario(find_scenario(scenario)),
            site=loaded,
            out=out,
            headless=headless or not has_display(),
            film=film,
        )
        account = asyncio.run(run_demo(options, lambda line: console.print(f"[dim]· {line}[/]")))
    except (ConfigError, StoreError, DemoFailed, ChildFailed) as err:
        raise _fail(err) from err
    if as_json:
        sys.stdout.write(json.dumps(account, ensure_ascii=False) + "\n")
    else:
        show(account, Console())
        Console().print(f"Film: {account['video']}   Sheet: {account.get('contact_sheet')}")
    raise typer.Exit(0 if account["ok"] else 1)


@app.command()
def run(
    site: Annotated[Path | None, typer.Option(help="Site file.")] = None,
    state: Annotated[Path | None, typer.Option(help="Outbox, hub's database and logs.")] = None,
    headless: Annotated[bool, typer.Option(help="Draw off-screen even if there is a display.")] = False,
    fullscreen: Annotated[bool, typer.Option(help="The whole display.")] = False,
    size: Annotated[str, typer.Option(help="Of the window.")] = "1080x1920",
) -> None:
    """The terminal on this machine's own camera, microphone, loudspeaker and display, until Ctrl-C."""
    from kiosk.live import LiveOptions, run_live, state_root
    from kiosk.runtime.supervisor import ChildFailed
    from kiosk.scenario.demo import has_display

    if site:
        os.environ[SITE_VARIABLE] = str(site)
    options = LiveOptions(
        site=_site(site),
        state=state or state_root(),
        headless=headless or not has_display(),
        fullscreen=fullscreen,
        size=size,
    )
    try:
        status = asyncio.run(run_live(options, lambda line: typer.echo(line, err=True)))
    except ChildFailed as err:
        raise _fail(err) from err
    raise typer.Exit(status)


@app.command()
def doctor(
    site: Annotated[Path | None, typer.Option(help="Site file.")] = None,
    as_json: Annotated[str, typer.Option("--json", help="'-': one JSON object on standard output.")] = "",
) -> None:
    """For each device, model, broker and display: whether it works, what was found, what to do if not."""
    from rich.console import Console

    from kiosk.doctor import as_dict, examine, show

    findings = asyncio.run(examine(_site(site)))
    if as_json:
        sys.stdout.write(json.dumps(as_dict(findings), ensure_ascii=False) + "\n")
    else:
        show(findings, Console())
    raise typer.Exit(0 if all(finding.works for finding in findings) else 1)


@app.command()
def prepare(
    site: Annotated[Path | None, typer.Option(help="Site file.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Approved answers too, and the most needed at an elder's pace.")
    ] = False,
) -> None:
    """Render the receptionist's fixed sentences ahead, so that she speaks them at once. Skips what is there."""
    from rich.console import Console
    from rich.progress import Progress

    from config.intents import load_intents
    from kiosk.networks import finds_entries, knowledge_memory
    from kiosk.rendered import RenderingError, missing_sentences, render
    from models.store import Store, StoreError

    loaded = _site(site)
    console = Console(stderr=True)
    try:
        if not knowledge_memory(loaded).exists():  # half a minute that the first start need not take
            finds_entries(loaded, load_intents())
        missing = missing_sentences(loaded, everything=everything)
        if missing:
            Store().open("kokoro")  # what is not there is named here, once
        with Progress(console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("rendering her sentences", total=len(missing))
            said = 0
            for done in render(loaded, missing):
                progress.update(task, completed=done)
                if not console.is_terminal and done >= said:
                    console.print(f"rendering her sentences: {done} of {len(missing)}")
                    said = done + SAID_EVERY
    except (ConfigError, StoreError, RenderingError) as err:
        raise _fail(err) from err


@app.command()
def record(scenario: Annotated[str, typer.Option(help="Id of a scenario, or a YAML file.")]) -> None:
    """Record the visitor of a scenario: sentences in a simulated room, noise, portrait. The demo starts this."""
    from config.scenario import find_scenario, load_scenario
    from kiosk.scenario.prepare import prepare
    from models.store import StoreError

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the half-made folder is removed
    try:
        typer.echo(prepare(load_scenario(find_scenario(scenario)), lambda line: typer.echo(line, err=True)))
    except (ConfigError, StoreError) as err:
        raise _fail(err) from err


@app.command()
def scene(
    kind: Annotated[
        str, typer.Argument(help="What happens before the camera; see kiosk/scenario/scenes.py.")
    ] = "stops",
    portraits: Annotated[Path | None, typer.Option(help="A folder of portraits, person_number.jpg.")] = None,
    seed: Annotated[int, typer.Option(help="Another one of that kind.")] = 1,
) -> None:
    """Serve a made-up scene as a camera on this machine, again and again; its address is what `ports.camera` takes."""
    from kiosk.scenario.people import PortraitError
    from kiosk.scenario.served import serve_scene
    from models.store import StoreError

    try:
        serve_scene(kind, seed, portraits, typer.echo)
    except (PortraitError, StoreError, ValueError) as err:
        raise _fail(err) from err


@app.command()
def staff(
    act: Annotated[str, typer.Argument(help="list, call, recall, serve, finish, miss, requeue or park.")] = "list",
    number: Annotated[str, typer.Argument(help="The ticket; not for list and call.")] = "",
    counter: Annotated[str, typer.Option(help="Where the visitor is called to.")] = "1",
    service: Annotated[list[str] | None, typer.Option(help="Which services to call; all when not given.")] = None,
    state: Annotated[Path | None, typer.Option(help="Where this terminal keeps its outbox.")] = None,
    site: Annotated[Path | None, typer.Option(help="Site file.")] = None,
) -> None:
    """Call and serve this terminal's own tickets while the hub is away; the hub is told when it is back."""
    from kiosk.live import state_root
    from kiosk.queueing.own_line import NotHere, NotNow
    from kiosk.queueing.staff import EVENTS, HubIsThere, open_staff_desk
    from kiosk.sync.outbox import OutboxFull

    loaded = _site(site)
    try:
        with open_staff_desk(loaded, state or state_root()) as desk:
            if act == "list":
                for ticket in desk.waiting():
                    typer.echo(
                        f"{ticket.number}  {ticket.state}  {ticket.service}  {ticket.priority}  {ticket.counter}"
                    )
            elif act == "call":
                services = service or [each.id for each in loaded.services]
                called = desk.call(services, counter)
                typer.echo(called or "nobody of this terminal waits")
            elif act in EVENTS:
                typer.echo(desk.act(act, number, counter))
            else:
                raise _fail(f"{act!r} is none of list, call, {', '.join(EVENTS)}")
    except (HubIsThere, NotNow, OutboxFull, OSError) as err:
        raise _fail(err) from err
    except NotHere as err:
        raise _fail(f"this terminal has given no ticket {number!r} today") from err


@app.command("staff-pin")
def staff_pin() -> None:
    """Ask for a PIN twice and print the line of the site's configuration that opens the staff's page with it."""
    from kiosk.queueing.pin import hash_pin

    pin = typer.prompt("PIN, 6 to 12 digits", hide_input=True, confirmation_prompt=True)
    try:
        typer.echo(f'[staff]\npin_hash = "{hash_pin(pin)}"')
    except ValueError as err:
        raise _fail(err) from err


@app.command()
def core(
    state: Annotated[Path, typer.Option(help="Where the outbox is kept.")],
    socket: Annotated[Path, typer.Option(help="The screen connects here.")],
    tickets: Annotated[Path, typer.Option(help="Paper, where the printer is a folder.")] = Path("out/tickets"),
    hub: Annotated[str, typer.Option(help="HOST:PORT of the broker, instead of the site's.")] = "",
    public_url: Annotated[str, typer.Option(help="Where phones reach the hub; with --hub.")] = "",
    site: Annotated[Path | None, typer.Option(help="Site file.")] = None,
    scenario: Annotated[str, typer.Option(help="A recorded visitor instead of devices.")] = "",
    recording: Annotated[Path | None, typer.Option(help="Folder of the recorded visitor.")] = None,
    report: Annotated[Path | None, typer.Option(help="Where the account of the visit goes.")] = None,
    sound: Annotated[Path | None, typer.Option(help="Where the sound of the visit goes.")] = None,
    again_for_s: Annotated[float, typer.Option(help="The same visitor comes again and again for so long.")] = 0.0,
    status: Annotated[Path | None, typer.Option(help="Where the updater reads how it is.")] = None,
    logs: Annotated[Path | None, typer.Option(help="Where the other processes' logs lie, for diagnostics.")] = None,
    identity: Annotated[Path | None, typer.Option(help="Key and certificate; otherwise in the state's folder.")] = None,
) -> None:
    """The core process: devices, models, dialogue, sync. Started by the supervisor."""
    from config.scenario import find_scenario, load_scenario
    from kiosk.adapters.files import SoundFileError
    from kiosk.app import Places
    from kiosk.equipment import Recording
    from kiosk.join_system import serve
    from kiosk.joining.identity import AuthorityMissing
    from kiosk.networks import Models
    from models.sherpa import EngineError
    from models.store import StoreError

    loaded = _site(site)
    if hub:
        host, _, port = hub.rpartition(":")
        there = {"host": host, "port": int(port), **({"public_url": public_url} if public_url else {})}
        loaded = loaded.model_copy(update={"hub": loaded.hub.model_copy(update=there)})
    try:
        recorded = None
        if scenario and recording and report and sound:
            recorded = Recording(
                scenario=load_scenario(find_scenario(scenario)),
                folder=recording,
                report=report,
                sound=sound,
                again_for_s=again_for_s,
            )
        places = Places(
            state=state, socket=socket, call_socket=socket.with_name("call.sock"), tickets=tickets, status=status,
            logs=logs,
        )  # fmt: skip
        folder = identity or state / "identity"
        sys.setswitchinterval(SWITCH_S)
        ended = asyncio.run(serve(loaded, places, folder, recorded, lambda: Models.load(loaded.hearing.engine)))
    except (ConfigError, StoreError, EngineError, SoundFileError) as err:
        raise _fail(err) from err
    except AuthorityMissing as err:
        raise _fail(f"fleet.authority: {err}") from err
    _leave(ended)


@app.command()
def rejoin(
    identity: Annotated[Path, typer.Option(help="Where key and certificate lie.")],
) -> None:
    """Forget the terminal's key and certificate: at its next start it shows a new code and joins anew."""
    from kiosk.joining.identity import forget

    typer.echo("it joins anew at its next start" if forget(identity) else "it had not joined")


def _leave(status: int) -> NoReturn:
    """End the process at once. Everything of ours is closed; the threads that libraries keep would call into an
    interpreter that is being taken down, which aborts a process that ended well (seen of the echo canceller's)."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    app()
