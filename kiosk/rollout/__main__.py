"""`python -m kiosk.rollout`: the updater's process. Mends what a cut left, says that it is ready, and goes on.

It is started before the terminal's other processes, from the slot that has proved itself (`proved`), never from one on
trial. `--folder` takes a release from a stick or folder instead of MQTT, with the same trust; `--wanted` says which.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import sdnotify

from config.load import ConfigError
from config.schema import Site, load_site
from contracts.trust import Untrusted, root_version
from kiosk.adapters.mqtt import PahoBus
from kiosk.adapters.release_https import HttpsSource
from kiosk.adapters.terminal_child import ChildTerminal
from kiosk.adapters.terminal_units import UnitTerminal
from kiosk.joining.credentials import Credentials
from kiosk.rollout.disk import Disk
from kiosk.rollout.over_folder import FolderSource
from kiosk.rollout.over_mqtt import MqttSource
from kiosk.rollout.ports import Source
from kiosk.rollout.slots import Place
from kiosk.rollout.status import read_status
from kiosk.rollout.trial import LOOK_S, SETTLE_S, TrialLimits
from kiosk.rollout.updater import Rules, Said, Update
from kiosk.rollout.window import WIDEST
from kiosk.runtime.clock import SystemClock

ROOT_MOST_BYTES: Final = 64 * 1024
ALIVE_EVERY_S: Final = 5.0
CREDENTIALS_EVERY_S: Final = 0.5
ANEW: Final = -1  # the terminal has joined, or was revoked, since this run began
DAY_WIDEST: Final = 2
PYTHON: Final = ".venv/bin/python"


def parse(argv: Sequence[str]) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m kiosk.rollout", description=__doc__)
    options.add_argument("--place", type=Path, required=True, help="where slots, chunks and records lie")
    options.add_argument("--root", type=Path, required=True, help="the root of trust that came with the terminal")
    options.add_argument("--site", type=Path, default=None)
    options.add_argument("--hub", default="", help="HOST:PORT of the broker, instead of the site's")
    options.add_argument("--status", type=Path, default=Path("/run/yingbin/status.json"))
    options.add_argument("--asked", type=Path, default=Path("/run/yingbin-updater/restart"))
    options.add_argument("--child", default="", help="without systemd: the program below the slot to run")
    options.add_argument("--identity", type=Path, default=Path("/var/lib/yingbin-identity"),
                         help="where the terminal's key and certificate lie, where the hub wants one")  # fmt: skip
    options.add_argument("--folder", type=Path, default=None, help="a release from here, then end")
    options.add_argument("--https", default="", help="chunks and metadata from here instead of MQTT: https://…")
    options.add_argument("--authority", type=Path, default=None, help="with --https: whose certificates are trusted")
    options.add_argument("--wanted", default="", help="with --folder: which")
    options.add_argument("--check", action="store_true", help="only say whether this updater could work here")
    return options.parse_args(argv)


class Process:
    """One run of the updater."""

    def __init__(self, told: argparse.Namespace, site: Site, root: bytes) -> None:
        self._told, self._clock = told, SystemClock()
        self._credentials: Credentials | None = None
        if site.fleet.certificates and not told.folder:
            self._credentials = Credentials(told.identity, Path(site.fleet.authority))
        branch, device = (self._credentials and self._credentials.name) or (site.branch.id, site.device.id)
        place = Place(told.place)
        self._terminal: UnitTerminal | ChildTerminal
        if told.child:
            self._terminal = ChildTerminal(place.link, told.child, alive=told.place / "alive")
        else:
            self._terminal = UnitTerminal(place.link, told.asked, told.status, python=PYTHON)
        self._line: MqttSource | None = None
        source: Source
        if told.folder:
            source = FolderSource(told.folder)
        else:
            host, port = _address(told.hub) if told.hub else (site.hub.host, site.hub.port)
            bus = PahoBus(
                host, port, client_id=f"{branch}.{device}.updater", keepalive_s=site.hub.keepalive_s,
                kept_while_away=False, tls=self._credentials.tls if self._credentials else None,
            )  # fmt: skip
            self._bus = bus
            self._line = MqttSource(bus, branch, device, wished=self._wished, clock=self._clock, widest=self._widest)
            source = HttpsSource(told.https, told.authority) if told.https else self._line
        told_s = site.updates.trial_s
        limits = TrialLimits(stay_s=told_s, settle_s=min(SETTLE_S, told_s / 4), look_s=min(LOOK_S, told_s / 20))
        self._rules = Rules(
            begins=site.updates.begins, ends=site.updates.ends, quiet_s=site.updates.quiet_s, trial=limits
        )
        self._update = Update(
            place, Disk(), source, self._terminal, root=root, clock=self._clock, rules=self._rules, said=self._say
        )

    async def run(self) -> int:
        """Until SIGTERM; with a folder until that release was decided on. The exit status, or `ANEW`."""
        self._update.recover()
        notifier = sdnotify.SystemdNotifier()
        notifier.notify("READY=1")
        if isinstance(self._terminal, ChildTerminal):
            await self._terminal.start()
        if self._told.folder:
            decided = self._update.kept.decided
            self._update.wish(self._told.wanted, decided + 1)
            while self._update.kept.decided == decided:
                await self._update.turn()
            verdict = self._update.kept.verdict
            assert verdict is not None
            print(json.dumps({"release": verdict.release, "state": verdict.state, "reason": verdict.reason}))
            return 0 if verdict.state == "done" else 1
        assert self._line is not None
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        works = [asyncio.create_task(self._alive(notifier), name="alive")]
        if self._credentials is None or self._credentials.name:
            works += [
                asyncio.create_task(self._line.run(), name="line"),
                asyncio.create_task(self._update.run(), name="update"),
            ]
        if self._credentials is not None:
            works.append(asyncio.create_task(self._follow(self._credentials), name="credentials"))
        ended = asyncio.create_task(stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait({*works, ended}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {ended}:
                task.result()  # a part that must not end did: say why
                if task.get_name() == "credentials":
                    return ANEW
        finally:
            for task in (*works, ended):
                task.cancel()
            await asyncio.gather(*works, ended, return_exceptions=True)
            if isinstance(self._terminal, ChildTerminal):
                self._terminal.stop()
        return 0

    async def _follow(self, credentials: Credentials) -> None:
        """A certificate that was renewed is shown from the next connection on; dates count once the time is known.

        Returns when the terminal has joined, or no longer belongs: the process begins anew, under its name or without.
        """
        while not credentials.changed():
            await self._clock.sleep(CREDENTIALS_EVERY_S)
            credentials.refresh()
            said = read_status(self._told.status)
            if said is not None and said.time_known and credentials.check_dates():
                self._bus.anew()

    def _widest(self) -> int:
        """Few chunks at a time while the branch works: tickets and calls have the line."""
        return WIDEST if self._rules.may_switch(datetime.now().time()) else DAY_WIDEST

    def _wished(self, release: str, generation: int) -> None:
        self._update.wish(release, generation)

    def _say(self, said: Said) -> None:
        if self._line is not None:
            self._line.say(said)

    async def _alive(self, notifier: sdnotify.SystemdNotifier) -> None:
        while True:
            notifier.notify("WATCHDOG=1")
            await self._clock.sleep(ALIVE_EVERY_S)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main(argv: Sequence[str]) -> int:
    told = parse(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    try:
        site = load_site(told.site)
        root = told.root.read_bytes()[:ROOT_MOST_BYTES]
        version = root_version(root)
        if told.check:
            print(json.dumps({"ok": True, "root": version, "release": process_release(told.place)}))
            return 0
        status = ANEW
        while status == ANEW:
            status = asyncio.run(Process(told, site, root).run())
        return status
    except (ConfigError, Untrusted, OSError, ValueError) as err:
        print(f"updater: {err}", file=sys.stderr)
        return 2


def process_release(place: Path) -> str:
    """What the link points to, for whoever looks."""
    return Place(place).pointed(Place(place).link)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
