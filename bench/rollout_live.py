"""A release over a real broker: Mosquitto, the hub's release desk and the updater as processes, each killed on the way.

The wish comes as a retained message, as the hub sends it; the report says when it is done.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.rollout_payload import PROGRAM
from bench.rollout_world import NEW, World, standing
from bench.sync_servers import ROOT, Server, broker
from contracts import fleet as f
from contracts import topics

BRANCH: Final = "binjiang"
DEVICE: Final = "kiosk-1"
WITHIN_S: Final = 300.0
SITE: Final = ROOT / "config" / "sites" / "qinghe-binjiang.toml"


class _Hub:
    """Wishes, and hears what comes of it. Simulated: the hub's campaigns do this."""

    def __init__(self, port: int) -> None:
        self.reports: queue.Queue[f.RolloutReport] = queue.Queue(10_000)
        self.chunk_bytes = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-hub", protocol=paho.MQTTv311)
        self._client.on_message = self._heard
        self._client.on_connect = self._connected
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port, 20)
        self._client.loop_start()

    def wish(self, release: str, generation: int) -> None:
        row = topics.ROLLOUT_WANTED
        said = f.RolloutWanted(
            id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), branch=BRANCH, device=DEVICE,
            generation=generation, version=release, campaign="bench",
        )  # fmt: skip
        self._client.publish(row.at(BRANCH, DEVICE), row.encode(said), row.qos, row.retain).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: paho.Client, *_: object) -> None:
        client.subscribe([(topics.ROLLOUT_REPORT.everywhere, 1), (topics.ROLLOUT_CHUNK.everywhere, 0)])

    def _heard(self, _client: paho.Client, _told: object, message: paho.MQTTMessage) -> None:
        row, _ = topics.find(message.topic)
        said = row.decode(bytes(message.payload))
        if isinstance(said, f.RolloutReport):
            with suppress(queue.Full):
                self.reports.put_nowait(said)
        else:
            self.chunk_bytes += len(said.body)


def _updater(place: Path, root: Path, site: Path, port: int) -> subprocess.Popen[bytes]:
    options = ["--place", str(place), "--root", str(root), "--hub", f"127.0.0.1:{port}", "--child", PROGRAM]
    return subprocess.Popen(
        [sys.executable, "-m", "kiosk.rollout", *options, "--site", str(site)], cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=(place.parent / "updater.log").open("ab"),
    )  # fmt: skip


def over_the_broker(world: World, *, kills: int, seed: int) -> dict[str, Any]:
    """One update; meanwhile broker, desk and updater are killed in turn, `kills` times."""
    chance = random.Random(seed)
    place = world.fresh("live")
    root = world.folder / "root.json"
    root.write_bytes(world.root)
    site = world.folder / "site.toml"
    text = SITE.read_text("utf-8")
    site.write_text(
        text + "\n[updates]\nbegins = 00:00:00\nends = 23:59:59.999999\nquiet_s = 0\ntrial_s = 1\n", "utf-8"
    )
    message_broker = broker(world.folder / "broker")
    port = message_broker.ready["port"]
    desk = Server("hub.release", "serve", "--repository", str(world.repository), "--broker", f"127.0.0.1:{port}")
    desk.start()
    hub = _Hub(port)
    updater = _updater(place, root, site, port)
    killed: list[str] = []
    shares: list[float] = []
    began_s = time.monotonic()
    last: f.RolloutReport | None = None
    try:
        hub.wish(NEW, 1)
        next_kill = 0.15
        while time.monotonic() - began_s < WITHIN_S:
            with suppress(queue.Empty):
                last = hub.reports.get(timeout=0.2)
                shares.append(last.share)
                if last.state in ("done", "failed"):
                    break
            if len(killed) < kills and last is not None and last.share >= next_kill:
                what = ("updater", "desk", "broker")[len(killed) % 3]
                killed.append(what)
                next_kill = min(0.9, next_kill + chance.uniform(0.08, 0.15))
                if what == "updater":
                    os.kill(updater.pid, signal.SIGKILL)
                    updater.wait()
                    updater = _updater(place, root, site, port)
                elif what == "desk":
                    desk.kill()
                    desk.start()
                else:
                    message_broker.kill()
                    message_broker.start()
    finally:
        updater.terminate()
        updater.wait(20)
        hub.close()
        desk.stop()
        message_broker.kill()
    needed = world.needed_bytes(NEW)
    return {
        "arrived": last is not None and last.state == "done" and standing(place) == NEW,
        "seconds": round(time.monotonic() - began_s, 1),
        "needed_bytes": needed,
        "fetched_over_needed": round(hub.chunk_bytes / needed, 4),
        "killed": killed,
        "last_report": json.loads(topics.ROLLOUT_REPORT.encode(last))["state"] if last else "none",
        "condition": f"Mosquitto, release desk and updater as processes on this machine; SIGKILL; seed {seed}",
    }
