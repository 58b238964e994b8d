"""`python -m hub serve` runs the hub, `python -m hub broker` a broker beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hub.worker import BusOptions

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# each command imports what it needs: a broker should not wait for a web server's second of imports

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def logs(verbose: Annotated[bool, typer.Option(help="Say more on standard error.")] = False) -> None:
    """The hub of the branches: the queue, the terminals, a page that shows them."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


Broker = Annotated[str, typer.Option(help="HOST:PORT of the MQTT broker; more, after commas, in turn.")]
Database = Annotated[str, typer.Option(help="sqlite:///PATH or a PostgreSQL URL.")]
Nats = Annotated[str, typer.Option(help="nats://HOST:PORT,…: take messages from JetStream; --broker is its MQTT port.")]
Trust = Annotated[
    Path | None,
    typer.Option("--authority", help="The fleet's authority: TLS to the broker, joining, renewing, signed orders."),
]
Hook = Annotated[str, typer.Option("--alarm-hook", help="https address that new alarms of terminals are posted to.")]
Replicas = Annotated[int, typer.Option(min=1, max=5, help="Copies of the stream in a NATS cluster.")]


@app.command("serve")
def serve_command(
    broker: Broker = "127.0.0.1:1883",
    database: Database = "sqlite:///hub.db",
    http: Annotated[str, typer.Option(help="HOST:PORT to listen on; port 0 takes a free one.")] = "127.0.0.1:8600",
    site: Annotated[Path | None, typer.Option(help="A site file, for the names on the page.")] = None,
    nats: Nats = "",
    replicas: Replicas = 1,
    share: Annotated[bool, typer.Option(help="Share what comes with workers, over an MQTT broker.")] = False,
    ingest: Annotated[bool, typer.Option(help="Also apply what kiosks send; otherwise workers do.")] = True,
    sign_in: Annotated[bool, typer.Option(help="Without, whoever reaches this machine's loopback may do all.")] = True,
    oidc_issuer: Annotated[str, typer.Option(help="The bank's sign-in (OpenID Connect): its URL.")] = "",
    oidc_client: Annotated[str, typer.Option(help="This hub's name there; secret in YINGBIN_OIDC_SECRET.")] = "yingbin",
    pack_key: Annotated[list[str] | None, typer.Option(help="Public key of packs of answers; may be repeated.")] = None,
    teach_source: Annotated[
        Path | None, typer.Option(help="Source folder of the pack that accepted lessons are added to.")
    ] = None,
    teach_key: Annotated[Path | None, typer.Option(help="Private key that signs packs made of lessons.")] = None,
    turn: Annotated[str, typer.Option(help="TURN servers of calls, UDP first; secret in YINGBIN_TURN_SECRET.")] = "",
    authority: Trust = None,
    alarm_hook: Hook = "",
) -> None:
    """Run the hub until it is told to stop; one JSON line says when it is ready."""
    from config.load import ConfigError
    from hub.accounts.pages import Oidc
    from hub.calls.turn import TurnProblem, read_turn
    from hub.opinions.lessons import Teaching
    from hub.serve import ServeOptions, serve

    try:
        turns = read_turn(turn)
    except TurnProblem as err:
        raise typer.BadParameter(str(err), param_hint="--turn") from err
    if (teach_source is None) != (teach_key is None):
        raise typer.BadParameter("both or neither", param_hint="--teach-source, --teach-key")
    teaching = None if teach_source is None or teach_key is None else Teaching(teach_source, teach_key)
    options = ServeOptions(
        bus=_bus(broker, nats, replicas, share, authority), database=database, http=_address(http), site=site,
        ingest=ingest, sign_in=sign_in, oidc=Oidc(oidc_issuer, oidc_client) if oidc_issuer else None,
        pack_keys=tuple(pack_key or ()), turn=turns, alarm_hook=_hook(alarm_hook), teaching=teaching,
    )  # fmt: skip
    if not sign_in and options.http[0] not in LOOPBACK:
        raise typer.BadParameter("only on loopback: 127.0.0.1 or localhost", param_hint="--no-sign-in")
    try:
        with _database_errors():
            asyncio.run(serve(options))
    except ConfigError as err:
        raise _failure(str(err)) from err
    except OSError as err:
        raise _failure(f"cannot listen on {http}: {err.strerror or err}") from err


@app.command("worker")
def worker_command(
    broker: Broker = "127.0.0.1:1883",
    database: Database = "sqlite:///hub.db",
    nats: Nats = "",
    replicas: Replicas = 1,
    share: Annotated[bool, typer.Option(help="Share what comes with other workers, over an MQTT broker.")] = True,
    authority: Trust = None,
    alarm_hook: Hook = "",
) -> None:
    """Apply what kiosks send, beside other workers, until it is told to stop."""
    from hub.worker import work

    with _database_errors():
        asyncio.run(work(_bus(broker, nats, replicas, share, authority), database, alarm_hook=_hook(alarm_hook)))


@app.command("account")
def account_command(
    act: Annotated[str, typer.Argument(help="add, password, grant, disable or list.")],
    name: Annotated[str, typer.Argument(help="The account.")] = "",
    grant: Annotated[list[str] | None, typer.Option(help="ROLE:BRANCH, or ROLE:* for all; may be repeated.")] = None,
    database: Database = "sqlite:///hub.db",
) -> None:
    """Accounts of people. A password is asked for, or read from standard input where that is no terminal."""
    from hub.accounts.commands import account

    with _database_errors():
        _said(lambda: account(database, act, name, grant or []))


@app.command("teller")
def teller_command(
    name: Annotated[str, typer.Argument(help="The account of a person with the role teller.")],
    service: Annotated[list[str] | None, typer.Option(help="May be repeated; '*' for all.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="zh, en; may be repeated.")] = None,
    dialect: Annotated[list[str] | None, typer.Option(help="Such as yue, wu; may be repeated.")] = None,
    sign: Annotated[bool | None, typer.Option(help="Signs.")] = None,
    calm: Annotated[bool | None, typer.Option(help="Good with the angry and afraid.")] = None,
    licence: Annotated[bool | None, typer.Option(help="Licensed to advise on investments.")] = None,
    level: Annotated[int | None, typer.Option(min=1, max=5, help="How senior.")] = None,
    database: Database = "sqlite:///hub.db",
) -> None:
    """What a teller on video can do; what is not given stays as it is."""
    from hub.accounts.commands import teller

    given = {"services": service, "languages": language, "dialects": dialect, "sign": sign, "calm": calm,
             "licence": licence, "level": level}  # fmt: skip
    with _database_errors():
        _said(lambda: teller(database, name, {key: value for key, value in given.items() if value is not None}))


@app.command("record")
def record_command(
    act: Annotated[str, typer.Argument(help="verify or heads.")],
    heads: Annotated[Path | None, typer.Option(help="With verify: a file that `heads` wrote earlier.")] = None,
    database: Database = "sqlite:///hub.db",
) -> None:
    """The record of who did what: `verify` walks its chains (exit 1 where one does not hold)."""
    from hub.accounts.commands import check_record

    with _database_errors():
        _said(lambda: check_record(database, act, heads))


@app.command("signed")
def signed_command(
    act: Annotated[str, typer.Argument(help="verify or list.")],
    case: Annotated[str, typer.Option(help="Only of this case.")] = "",
    days: Annotated[int, typer.Option(min=1, max=400, help="With list: how far back.")] = 31,
    database: Database = "sqlite:///hub.db",
) -> None:
    """What visitors signed: `verify` looks at every document, hand and row of the record (exit 1: one is broken)."""
    from datetime import UTC, datetime, timedelta

    from hub.accounts.commands import check_signed

    with _database_errors():
        _said(lambda: check_signed(database, act, case, datetime.now(UTC) - timedelta(days=days)))


@app.command("pack")
def pack_command(
    branch: Annotated[str, typer.Option(help="Whose.")],
    out: Annotated[Path, typer.Option(help="Where to write the newest published pack.")],
    database: Database = "sqlite:///hub.db",
) -> None:
    """Write the newest published pack of a branch to a file, for its terminals."""
    from hub.accounts.commands import write_pack

    with _database_errors():
        _said(lambda: write_pack(database, branch, out))


@app.command("appointments")
def appointments_command(
    branch: Annotated[str, typer.Option(help="Whose.")],
    file: Annotated[Path, typer.Option(help="CSV: ref, code (6 digits), tail (of the ID), service, due (ISO, zone).")],
    broker: Broker = "127.0.0.1:1883",
) -> None:
    """Tell a branch's terminals the appointments of the days to come; the list replaces the one before."""
    from hub.appointments import tell

    def work() -> int:
        typer.echo(f"{tell(_address(broker.split(',')[0]), branch, file)} appointments told")
        return 0

    _said(work)


@app.command("turn")
def turn_command(
    listen: Annotated[str, typer.Option(help="The address that coturn listens on and relays from.")],
    realm: Annotated[str, typer.Option(help="The bank's domain.")],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3478,
    external: Annotated[str, typer.Option(help="Its address as seen from outside, where it is behind a NAT.")] = "",
    private_peers: Annotated[bool, typer.Option(help="Terminals are in the bank's own network.")] = False,
    calls: Annotated[int, typer.Option(min=1, max=100_000, help="How many calls at once.")] = 500,
) -> None:
    """Print coturn's configuration; the secret is read from YINGBIN_TURN_SECRET and stands in what is printed."""
    import os

    from hub.calls.turn import LEAST_SECRET, SECRET, coturn_configuration

    secret = os.environ.get(SECRET, "")
    if len(secret) < LEAST_SECRET:
        raise _failure(f"{SECRET} must hold at least {LEAST_SECRET} characters; the hub is given the same")
    typer.echo(
        coturn_configuration(listen=listen, port=port, realm=realm, secret=secret, external=external,
                             private_peers=private_peers, calls=calls),
        nl=False,
    )  # fmt: skip


@app.command("broker")
def broker_command(
    folder: Annotated[Path, typer.Option("--dir", help="Its configuration and what it keeps.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    engine: Annotated[str, typer.Option(help="auto, mosquitto or embedded.")] = "auto",
    authority: Annotated[
        Path | None, typer.Option(help="The fleet's authority: behind certificates, over TLS.")
    ] = None,
    database: Annotated[str, typer.Option(help="With --authority: whose terminals may speak.")] = "sqlite:///hub.db",
    hub_port: Annotated[int, typer.Option(min=0, max=65535, help="With --authority: for workers.")] = 0,
    join_port: Annotated[int, typer.Option(min=0, max=65535, help="With --authority: for new terminals.")] = 0,
) -> None:
    """Run an MQTT broker on this machine until it is told to stop; one JSON line says where it listens."""
    from hub.broker import BrokerError, run_broker, run_secured

    if engine not in ("auto", "mosquitto", "embedded"):
        raise typer.BadParameter("auto, mosquitto or embedded", param_hint="--engine")
    try:
        if authority is not None:
            with _database_errors():
                status = run_secured(folder, authority, database, (port, hub_port, join_port))
        else:
            status = run_broker(folder, port, engine)  # type: ignore[arg-type]  # checked above
    except OSError as err:  # BrokerError among them
        raise _failure(str(err) if isinstance(err, BrokerError) else f"{folder}: {err.strerror or err}") from err
    raise typer.Exit(status)


def _hook(url: str) -> str:
    from hub.fleet.alarms import checked_hook

    try:
        return checked_hook(url) if url else ""
    except ValueError as err:
        raise typer.BadParameter(str(err), param_hint="--alarm-hook") from err


def _bus(broker: str, nats: str, replicas: int, share: bool, authority: Path | None = None) -> BusOptions:
    from hub.worker import BusOptions

    servers = tuple(part for part in nats.split(",") if part)
    brokers = tuple(_address(part) for part in broker.split(","))
    return BusOptions(brokers=brokers, nats=servers, replicas=replicas, shared=share, authority=authority)


@contextlib.contextmanager
def _database_errors() -> Iterator[None]:
    """A database that cannot be opened ends the command with a sentence; its URL may hold a password: never shown."""
    import sqlalchemy as sa

    try:
        yield
    except sa.exc.SQLAlchemyError as err:
        raise _failure(f"the database cannot be opened: {str(err).splitlines()[0]}") from err
    except ImportError as err:
        raise _failure(f"the database cannot be opened: its driver is not installed ({err.name})") from err


def _said(work: Callable[[], int]) -> None:
    try:
        status = work()
    except (ValueError, OSError) as err:
        raise _failure(str(err)) from err
    if status:
        raise typer.Exit(status)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT")
    return host, int(port)


def _failure(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)


if __name__ == "__main__":
    app()
