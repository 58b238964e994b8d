"""`python -m hub serve` runs the hub, `python -m hub broker` a broker beside it."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

# each command imports what it needs: a broker should not wait for a web server's second of imports

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def logs(verbose: Annotated[bool, typer.Option(help="Say more on standard error.")] = False) -> None:
    """The hub of the branches: the queue, the terminals, a page that shows them."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


@app.command("serve")
def serve_command(
    broker: Annotated[str, typer.Option(help="HOST:PORT of the MQTT broker.")] = "127.0.0.1:1883",
    database: Annotated[str, typer.Option(help="sqlite:///PATH or a PostgreSQL URL.")] = "sqlite:///hub.db",
    http: Annotated[str, typer.Option(help="HOST:PORT to listen on; port 0 takes a free one.")] = "127.0.0.1:8600",
    site: Annotated[Path | None, typer.Option(help="A site file, for the names on the page.")] = None,
) -> None:
    """Run the hub until it is told to stop; one JSON line says when it is ready."""
    import sqlalchemy as sa

    from config.load import ConfigError
    from hub.serve import ServeOptions, serve

    options = ServeOptions(broker=_address(broker), database=database, http=_address(http), site=site)
    try:
        asyncio.run(serve(options))
    except ConfigError as err:
        raise _failure(str(err)) from err
    except sa.exc.SQLAlchemyError as err:
        raise _failure(f"the database cannot be opened: {err}") from err
    except ImportError as err:
        raise _failure(f"the database cannot be opened: its driver is not installed ({err.name})") from err
    except OSError as err:
        raise _failure(f"cannot listen on {http}: {err.strerror or err}") from err


@app.command("broker")
def broker_command(
    folder: Annotated[Path, typer.Option("--dir", help="Its configuration and what it keeps.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    engine: Annotated[str, typer.Option(help="auto, mosquitto or embedded.")] = "auto",
) -> None:
    """Run an MQTT broker on this machine until it is told to stop; one JSON line says where it listens."""
    from hub.broker import BrokerError, run_broker

    if engine not in ("auto", "mosquitto", "embedded"):
        raise typer.BadParameter("auto, mosquitto or embedded", param_hint="--engine")
    try:
        status = run_broker(folder, port, engine)  # type: ignore[arg-type]  # checked above
    except OSError as err:  # BrokerError among them
        raise _failure(str(err) if isinstance(err, BrokerError) else f"{folder}: {err.strerror or err}") from err
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
