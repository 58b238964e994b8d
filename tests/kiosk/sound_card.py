"""A sound card for tests: PulseAudio with a null sink whose monitor is the microphone, so what is played is heard."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

ALSA_CONFIG = """</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
"""
COMES_UP_S = 10
QUIET_VOLUME = 6000  # of 65536, cubed: uniform noise (-5 dBFS) becomes -67 dBFS


class SoundCard:
    """A private PulseAudio. Only processes with `environment` see it."""

    def __init__(self, folder: Path, *, lobby: bool = False, noise: bool = True) -> None:
        """`noise` False: a lobby in which nobody speaks gives nothing but zeros, as a muted microphone does."""
        self._folder, self._lobby, self._noise = folder, lobby, noise and lobby
        self._floor: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "asound.conf").write_text(ALSA_CONFIG)
        self.environment = {
            "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
            "PULSE_SERVER": f"unix:{folder}/native",
            "PULSE_RUNTIME_PATH": str(folder / "run"),
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_COOKIE": str(folder / "cookie"),
        }

    def plug_in(self) -> None:
        """Start the server with one card in it; with `lobby`, its microphone hears the lobby and not the card."""
        modules = (
            f"module-native-protocol-unix socket={self._folder}/native auth-anonymous=1",
            "module-null-sink sink_name=card",
            "module-null-sink sink_name=lobby",
            f"module-remap-source master={'lobby' if self._lobby else 'card'}.monitor source_name=microphone",
        )
        self._server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no",
             *(f"--load={module}" for module in modules)],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "pulse.log").open("ab"),
        )  # fmt: skip
        deadline = time.monotonic() + COMES_UP_S
        while time.monotonic() < deadline:
            if self._tell("set-default-source", "microphone") and self._tell("set-default-sink", "card"):
                self._make_noise()
                return
            time.sleep(0.1)
        raise RuntimeError(f"PulseAudio did not come up: {(self._folder / 'pulse.log').read_text()[-500:]}")

    def _make_noise(self) -> None:
        """A real microphone is never without noise: -66 dBFS of it in the lobby, for ever."""
        if self._noise:
            command = ["pacat", "--playback", "--device=lobby", "--raw", "--format=s16le", "--rate=16000"]
            environment = {**os.environ, **self.environment}
            with Path("/dev/urandom").open("rb") as noise:
                self._floor = subprocess.Popen(
                    [*command, "--channels=1", f"--volume={QUIET_VOLUME}"],
                    env=environment,
                    stdin=noise,
                    stderr=subprocess.DEVNULL,
                )

    def freeze(self) -> None:
        """The card hangs: it neither gives nor takes sound, says nothing, and lets nobody open it."""
        if self._server:
            self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._server:
            self._server.send_signal(signal.SIGCONT)

    def _tell(self, *words: str) -> bool:
        environment = {**os.environ, **self.environment}
        return subprocess.run(["pactl", *words], env=environment, capture_output=True).returncode == 0

    def play(self, wav: Path) -> None:
        """Say something in the lobby; returns when it was said."""
        environment = {**os.environ, **self.environment}
        subprocess.run(["paplay", "--device=lobby", str(wav)], env=environment, check=True, timeout=30)

    def record(self, wav: Path) -> subprocess.Popen[bytes]:
        """Record what the card's loudspeaker plays, until the process is ended."""
        environment = {**os.environ, **self.environment}
        command = ["parecord", "--device=card.monitor", "--file-format=wav", str(wav)]
        return subprocess.Popen(command, env=environment)

    def unplug(self) -> None:
        """End the server: to its clients the card is gone."""
        if self._floor:
            self._floor.kill()
            self._floor.wait()
            self._floor = None
        if self._server:
            self._server.kill()
            self._server.wait()
            self._server = None
        (self._folder / "native").unlink(missing_ok=True)


class TwoPlugs:
    """A microphone and a loudspeaker with a plug each: two servers, of which each may be ended alone.

    PortAudio knows them as MICROPHONE and LOUDSPEAKER.
    """

    MICROPHONE = "counter_microphone"
    LOUDSPEAKER = "counter_loudspeaker"

    def __init__(self, folder: Path) -> None:
        self.plugs = {name: SoundCard(folder / name) for name in (self.MICROPHONE, self.LOUDSPEAKER)}
        config = "</usr/share/alsa/alsa.conf>\n" + "".join(
            f'pcm.{name} {{ type pulse server "unix:{folder}/{name}/native"\n'
            f'hint {{ show on description "{name}" }} }}\n'
            for name in self.plugs
        )
        (folder / "asound.conf").write_text(config)
        self.environment = {**SoundCard(folder / "none").environment, "ALSA_CONFIG_PATH": str(folder / "asound.conf")}
