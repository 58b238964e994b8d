"""A branch's fleet for tests: a broker behind certificates, a hub that signs orders, two operators, and their tool."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from hub import ctl
from hub.accounts.accounts import Accounts
from hub.accounts.rights import Grant, Role
from hub.ctl import Hub
from hub.store import Store
from tests.hub.wirekit import SITE, Running, start, start_hub

PASSWORD = "correct horse battery"
STOP_S = 60.0  # a busy machine
OPERATORS = ("zhou", "chen")


@dataclass
class House:
    """`ctl` runs yingbinctl as whoever signed in last."""

    folder: Path
    broker: Running
    hub: Running
    more: list[Running] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.hub.ready["http"])

    @property
    def authority(self) -> Path:
        return self.folder / "trust" / "ca.pem"

    def ctl(self, *words: str, status: int = 0, text: str | None = None) -> Any:
        """Its JSON."""
        done = CliRunner().invoke(ctl.app, ["--hub", self.address, "--json", *words], input=text)
        assert done.exit_code == status, f"{words}: {done.output}"
        return json.loads(done.stdout) if done.stdout.strip().startswith("{") else done.output

    def login(self, name: str) -> None:
        self.ctl("login", name, text=PASSWORD + "\n")

    def api(self) -> Hub:
        """The API as whoever signed in last."""
        return Hub(self.address, True)

    def site(self, **more: str) -> Path:
        """A site file whose terminal joins here. `more`: tables of TOML by their names."""
        ports = self.broker.ready
        fleet = f'certificates = true\nauthority = "{self.authority}"\njoin_port = {ports["join_port"]}'
        text = SITE.read_text("utf-8") + f"\n[hub]\nport = {ports['port']}\n[fleet]\n{fleet}\n"
        for name, lines in more.items():
            text += f"[{name}]\n{lines}\n"
        path = self.folder / "site.toml"
        path.write_text(text, "utf-8")
        return path

    def stop(self) -> None:
        for running in (*reversed(self.more), self.hub, self.broker):
            running.process.send_signal(signal.SIGTERM)
        for running in (*self.more, self.hub, self.broker):
            running.process.wait(STOP_S)
            running._close()


def open_house(folder: Path) -> House:
    """Start it; `ctl.SESSION` should point somewhere of the test's own."""
    database = f"sqlite:///{folder}/hub.db"
    trust = str(folder / "trust")
    broker = start("hub", "broker", "--dir", str(folder / "broker"), "--authority", trust, "--database", database)
    hub = start_hub(broker.ready["hub_port"], database, "--sign-in", "--authority", trust)
    store = Store(database)
    for name in OPERATORS:
        Accounts(store).add(name, PASSWORD, [Grant(Role.FIELD_OPERATOR, "*")], by="test")
    store.close()
    return House(folder, broker, hub)
