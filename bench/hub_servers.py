"""Real servers for benches and tests: a PostgreSQL cluster, one NATS server or three, each in a folder of its own.

Loopback and free ports only; run as an unprivileged user where we are root (PostgreSQL refuses root). Every
process is ended when its block ends, also after an error, and only those that were started here.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

HOST: Final = "127.0.0.1"
START_S: Final = 20.0
STOP_S: Final = 5.0
POLL_S: Final = 0.05
DEBIAN_POSTGRES: Final = Path("/usr/lib/postgresql")
USER: Final = "yingbin"


class ServerMissing(OSError):
    """A server's program is not installed; `str()` says what to install."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def find_postgres() -> Path:
    """The folder of `initdb` and `postgres`, the newest version. Raises `ServerMissing`."""
    for folder in sorted(DEBIAN_POSTGRES.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True):
        if (folder / "initdb").exists():
            return folder
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise ServerMissing("PostgreSQL is not installed: apt-get install postgresql")


def find_nats() -> str:
    """The program `nats-server`. Raises `ServerMissing`."""
    found = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ServerMissing("nats-server is not installed: apt-get install nats-server")
    return found


# --- PostgreSQL ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Postgres:
    """A running cluster. `database` makes an empty database and gives its URL."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    account: int | None  # None: ours
    programs: Path
    options: list[str] = field(default_factory=list)

    def url(self, name: str) -> str:
        """SQLAlchemy's URL of a database that is there."""
        return f"postgresql+psycopg://{USER}@{HOST}:{self.port}/{name}"

    def database(self, name: str) -> str:
        """Make an empty database; its URL."""
        with psycopg.connect(host=HOST, port=self.port, user=USER, dbname="postgres", autocommit=True) as db:
            db.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return self.url(name)

    def kill(self) -> None:
        """As when the machine loses power: the server and every backend at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        """Start it (again) on the same port and folder."""
        self.process = _start_postgres(self.programs, self.folder, self.port, self.account, self.options)


@contextlib.contextmanager
def postgres(*, durable: bool = True) -> Iterator[Postgres]:
    """A cluster for this block. `durable=False` leaves out fsync, for tests that kill nothing."""
    programs = find_postgres()
    account = _unprivileged() if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="yingbin-postgres-"))
    if account is not None:
        os.chown(folder, account, -1)
    server: Postgres | None = None
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync",
             "--locale=C.UTF-8"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, user=account, cwd=folder,
        )  # fmt: skip
        options = ["-c", "max_connections=80", *([] if durable else ["-c", "fsync=off"])]
        port = free_port()
        process = _start_postgres(programs, folder, port, account, options)
        server = Postgres(folder, port, process, account, programs, options)
        yield server
    finally:
        if server is not None:
            _end(server.process, signal.SIGINT)  # fast shutdown: clients are cut off
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> int:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise ServerMissing("there is no unprivileged account (postgres or nobody) to run PostgreSQL as")


def _start_postgres(
    programs: Path, folder: Path, port: int, account: int | None, options: list[str]
) -> subprocess.Popen[bytes]:
    (folder / "data" / "postmaster.pid").unlink(missing_ok=True)
    process = subprocess.Popen(
        [programs / "postgres", "-D", folder / "data", "-p", str(port), "-c", f"listen_addresses={HOST}",
         "-c", "unix_socket_directories=", *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=account, cwd=folder, start_new_session=True,
    )  # fmt: skip
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(host=HOST, port=port, user=USER, dbname="postgres", connect_timeout=1),
        ):
            return process
        time.sleep(POLL_S)
    _end(process, signal.SIGKILL)
    raise OSError("PostgreSQL did not start")


# --- NATS ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class NatsNode:
    """One NATS server with JetStream that also speaks MQTT 3.1.1."""

    name: str
    port: int
    mqtt_port: int
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it (again); returns when both ports answer."""
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for port in (self.port, self.mqtt_port):
            _wait_for_port(self.process, port)

    def kill(self) -> None:
        """SIGKILL, as a machine that loses power."""
        if self.process is not None:
            _end(self.process, signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        if self.process is not None:
            _end(self.process, signal.SIGTERM)


@contextlib.contextmanager
def nats(nodes: int = 1) -> Iterator[list[NatsNode]]:
    """One node, or a cluster of three whose streams have three replicas."""
    program = find_nats()
    folder = Path(tempfile.mkdtemp(prefix="yingbin-nats-"))
    made: list[NatsNode] = []
    cluster_ports = [free_port() for _ in range(nodes)]
    routes = ", ".join(f'"nats://{HOST}:{port}"' for port in cluster_ports)
    try:
        for index, cluster_port in enumerate(cluster_ports):
            name = f"node{index + 1}"
            port, mqtt_port = free_port(), free_port()
            text = (
                f'server_name: "{name}"\nlisten: "{HOST}:{port}"\n'
                f'jetstream {{ store_dir: "{folder}/{name}", max_memory_store: 64MB, max_file_store: 2GB }}\n'
                f'mqtt {{ listen: "{HOST}:{mqtt_port}", stream_replicas: {nodes} }}\n'
            )
            if nodes > 1:
                text += f'cluster {{ name: "yingbin", listen: "{HOST}:{cluster_port}", routes: [{routes}] }}\n'
            path = folder / f"{name}.conf"
            path.write_text(text, "utf-8")
            made.append(NatsNode(name, port, mqtt_port, [program, "-c", str(path)]))
        for node in made:
            node.start()
        yield made
    finally:
        for node in made:
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_port(process: subprocess.Popen[bytes], port: int) -> None:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(POLL_S)
    raise OSError(f"nothing answers on port {port}")


def _end(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
