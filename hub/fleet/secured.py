"""The broker behind certificates: Mosquitto's configuration, and who keeps its list of rights and revocations.

Three listeners: terminals (a certificate, and the name in it is the user), the hub's workers (theirs), and joining (no
certificate; the contract's rights leave nothing but asking and being answered). The watch looks at the database twice a
second: a terminal whose certificate was revoked loses its rights, cannot connect again, and its connection is taken
over and ended.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
import sqlalchemy as sa
from paho.mqtt.enums import CallbackAPIVersion

from contracts import topics
from hub.fleet import joining
from hub.fleet.authority import CRL_DAYS, Authority, client_context
from hub.store import Store

log = logging.getLogger(__name__)

LOOK_S: Final = 0.5
ANEW: Final = timedelta(days=CRL_DAYS / 3)  # a list is written again long before it ends
TAKE_OVER_S: Final = 3.0
CONFIGURATION: Final = """\
per_listener_settings true
persistence true
persistence_location {folder}/
persistence_file mosquitto.db
autosave_interval 5
persistent_client_expiration 1d
max_packet_size {limit}
max_queued_messages 2000
max_inflight_messages 256
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
"""
LISTENER: Final = """
listener {port} {host}
cafile {trust}/ca.pem
certfile {trust}/broker.pem
keyfile {trust}/broker.key
tls_version tlsv1.2
acl_file {folder}/acl
"""
WITH_CERTIFICATE: Final = """\
allow_anonymous false
require_certificate true
use_identity_as_username true
crlfile {folder}/crl.pem
"""


def configuration(folder: Path, trust: Path, host: str, ports: tuple[int, int, int], limit: int) -> str:
    """Mosquitto's configuration; ports of terminals, workers and joining."""
    named = {"folder": folder, "trust": trust, "host": host, "limit": limit}
    terminals, workers, join = (LISTENER.format(port=port, **named) for port in ports)
    secured = WITH_CERTIFICATE.format(**named)
    return (
        CONFIGURATION.format(**named)
        + (terminals + secured)
        + (workers + secured)
        + (join + "allow_anonymous true\nmax_connections 200\n")
    )


class TrustWatch:
    """Keeps the broker's files as the database says; `pid` is Mosquitto's, `port` the workers' listener."""

    def __init__(self, store: Store, authority: Authority, folder: Path) -> None:
        self._store, self._authority, self._folder = store, authority, folder
        self._revision = -1
        self._written: datetime | None = None
        self._members: set[tuple[str, str]] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.tally_written = self.tally_ended = 0

    def write(self) -> set[tuple[str, str]]:
        """Write rights and revocations; who lost theirs since the last time."""
        now = datetime.now(UTC)
        number = joining.revision(self._store)
        may = set(joining.members(self._store, now))
        _put(self._folder / "acl", "\n".join(topics.fleet_rules(sorted(may))).encode() + b"\n")
        ended = joining.revoked(self._store, now)
        _put(self._folder / "crl.pem", self._authority.revocations(ended, now, int(now.timestamp() * 1_000)))
        gone, self._members = self._members - may, may
        self._revision, self._written = number, now
        self.tally_written += 1
        return gone

    def watch(self, pid: int, port: int, host: str) -> None:
        """Begin to look, in a thread."""
        end = _Ender(host, port, client_context(self._authority.folder, "hub"))
        self._thread = threading.Thread(target=self._work, args=(pid, end), name="trust-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End within a moment."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(TAKE_OVER_S)

    def _work(self, pid: int, end: Callable[[str], bool]) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                old = self._written is None or datetime.now(UTC) - self._written > ANEW
                if joining.revision(self._store) == self._revision and not old:
                    continue
                gone = self.write()
            except (sa.exc.SQLAlchemyError, OSError) as err:  # looked at again in a moment
                log.error("the broker's rights were not renewed: %s", type(err).__name__)
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)
            time.sleep(0.1)  # it reads the files before anybody is put out
            for branch, device in sorted(gone):
                for client_id in topics.client_ids(branch, device):
                    self.tally_ended += end(client_id)


class _Ender:
    """Ends a client's connection by the protocol itself: who connects under a client's name takes its place
    (MQTT 3.1.1, section 3.1.4). A terminal that called itself otherwise stays connected, without any right."""

    def __init__(self, host: str, port: int, tls: Any) -> None:
        self._host, self._port, self._tls = host, port, tls

    def __call__(self, client_id: str) -> bool:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
        client.tls_set_context(self._tls)
        taken = threading.Event()
        client.on_connect = lambda *_: taken.set()
        try:
            client.connect(self._host, self._port, keepalive=10)
            client.loop_start()
            done = taken.wait(TAKE_OVER_S)
            client.disconnect()
            client.loop_stop()
        except OSError as err:
            log.error("a revoked terminal's connection was not ended: %s", type(err).__name__)
            return False
        return done


def _put(path: Path, body: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(body)
    beside.chmod(0o600)
    beside.replace(path)
