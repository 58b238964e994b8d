"""`python -m hub.release`: builds a release, signs and publishes it, checks it as a terminal would, serves it.

keys OUT --repository DIR           the first keys; root keys belong on media that lie in safes
build software=DIR … --version V --out DIR
publish --repository DIR --keys KEYS --release V
verify --repository DIR --root FILE --release V
refresh --repository DIR --keys KEYS        daily
serve --repository DIR --broker HOST:PORT
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.release import ReleaseRefused, join_manifest, open_chunk, read_index, target_of
from contracts.repository import chunk_path, metadata_for
from contracts.trust import Untrusted, check, root_version
from hub.release.build import BUILT, build
from hub.release.signing import (
    ONLINE,
    Keys,
    Repository,
    SigningRefused,
    first_root,
    new_key,
    next_root,
    now_utc,
    read_key,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
SEND_S: Final = 1.0
Folder = Annotated[Path, typer.Option("--repository", help="The folder of published releases.")]
KeyFolder = Annotated[Path, typer.Option("--keys", help="Where the online roles' keys lie.")]


@app.callback()
def logs(verbose: Annotated[bool, typer.Option(help="Say more on standard error.")] = False) -> None:
    """Releases of the terminal: software, models, content and persona as one signed set."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if verbose else logging.WARNING)


@app.command("keys")
def keys_command(
    out: Annotated[Path, typer.Argument(help="Made here: root-1.pem …, targets.pem, snapshot.pem, timestamp.pem, …")],
    repository: Folder,
    root_keys: Annotated[int, typer.Option(min=1, max=9, help="How many people hold a root key.")] = 3,
    threshold: Annotated[int, typer.Option(min=1, max=9, help="How many of them must agree.")] = 2,
) -> None:
    """Make the first keys and the first root. Take the root keys away from this machine afterwards."""

    def work() -> str:
        if threshold > root_keys:
            raise SigningRefused(f"a threshold of {threshold} with {root_keys} root keys")
        roots = tuple(new_key(out / f"root-{number}.pem") for number in range(1, root_keys + 1))
        keys = Keys(roots, {role: new_key(out / f"{role}.pem") for role in ONLINE})
        root = first_root(keys, threshold, now_utc())
        Repository(repository).begin(root)
        Repository(repository).publish(keys.online, now_utc())
        (repository / "root.json").write_bytes(root)
        told = repository / "root.json"
        return f"{out}: {root_keys} root keys, {threshold} of which must agree; {told} goes to terminals"

    _said(work)


@app.command("rotate")
def rotate_command(
    repository: Folder,
    sign: Annotated[list[Path], typer.Option(help="A root key; as often as the threshold asks for.")],
    role: Annotated[str, typer.Option(help="Whose key is replaced: targets, snapshot or timestamp.")] = "",
    key: Annotated[Path | None, typer.Option(help="The new key of that role; made when it is not there.")] = None,
) -> None:
    """Publish the next root: with another key for a role, or only with a later last day."""

    def work() -> str:
        replaced = {}
        if role:
            if role not in ("targets", "snapshot", "timestamp") or key is None:
                raise SigningRefused("--role targets, snapshot or timestamp, with --key")
            replaced[role] = read_key(key) if key.exists() else new_key(key)
        place = Repository(repository)
        place.rotate(next_root(place.root(), [read_key(path) for path in sign], now_utc(), replaced=replaced))
        return "the next root is published; publish or refresh with the new keys now"

    _said(work)


@app.command("build")
def build_command(
    source: Annotated[list[str], typer.Argument(help="software=DIR, models=DIR, content=FILE, persona=DIR.")],
    version: Annotated[str, typer.Option(help="Lower case letters, digits, . + -")],
    out: Annotated[Path, typer.Option(help="The folder of releases.")],
    content: Annotated[str, typer.Option(help="The signed target that the content pack must be: content/NAME.")] = "",
    leave_out: Annotated[list[str] | None, typer.Option(help="A name or pattern; may be repeated.")] = None,
) -> None:
    """Cut a release into chunks. Building the same again gives the same bytes; nothing is signed."""

    def work() -> str:
        parts = {part: path for part, _, path in (one.partition("=") for one in source)}
        if len(parts) != len(source) or "" in parts.values():
            raise SigningRefused("each SOURCE is PART=PATH, each part once")
        built = build(
            {part: Path(path) for part, path in parts.items()}, version, out, content=content,
            leave_out=leave_out or (),
        )  # fmt: skip
        index = built.index
        return json.dumps(
            {"version": version, "files": index.files, "bytes": index.size, "chunks": built.chunks,
             "stored_bytes": built.stored_bytes, "new_bytes": built.new_bytes, "manifest": index.manifest_sha}
        )  # fmt: skip

    _said(work)


@app.command("publish")
def publish_command(
    repository: Folder,
    keys: KeyFolder,
    release: Annotated[list[str] | None, typer.Option(help="A version that was built; may be repeated.")] = None,
    pack: Annotated[list[Path] | None, typer.Option(help="A content pack to sign by the role content.")] = None,
    withdraw: Annotated[list[str] | None, typer.Option(help="A target that may no longer be run.")] = None,
) -> None:
    """Sign what was built, so that terminals may run it; or take something back."""

    def work() -> str:
        built = {target_of(one): (repository / BUILT / one).read_bytes() for one in release or []}
        packs = {f"content/{path.name}": path.read_bytes() for path in pack or []}
        signers = {role: read_key(keys / f"{role}.pem") for role in ONLINE}
        version = Repository(repository).publish(
            signers, now_utc(), releases=built, content=packs, withdrawn=withdraw or ()
        )
        return json.dumps({"timestamp": version, "targets": sorted(Repository(repository).targets())})

    _said(work)


@app.command("refresh")
def refresh_command(repository: Folder, keys: KeyFolder) -> None:
    """Sign a new timestamp. Daily: a terminal that sees none for a month takes nothing."""
    _said(lambda: str(Repository(repository).refresh({"timestamp": read_key(keys / "timestamp.pem")}, now_utc())))


@app.command("verify")
def verify_command(
    repository: Folder,
    root: Annotated[Path, typer.Option(help="The root that terminals are installed with.")],
    release: Annotated[str, typer.Option(help="A version.")],
) -> None:
    """Check a published release as a terminal would, every chunk of it."""

    def work() -> str:
        offered = metadata_for(
            repository, target_of(release), root_version(root.read_bytes()), lambda path, _: path.read_bytes()
        )
        trusted = check(release, root=root.read_bytes(), kept={}, offered=offered)
        index = read_index(trusted.raw)
        read = {chunk.sha: (repository / chunk_path(chunk.sha)).read_bytes() for chunk in index.manifest}
        manifest = join_manifest(index, read)
        for chunk in manifest.chunks:
            open_chunk((repository / chunk_path(chunk.sha)).read_bytes(), chunk)
        return json.dumps(
            {"release": release, "files": len(manifest.files), "chunks": len(manifest.chunks), "ok": True}
        )

    _said(work)


@app.command("serve")
def serve_command(
    repository: Folder,
    broker: Annotated[
        str, typer.Option(help="HOST:PORT of the MQTT broker; more, after commas, in turn.")
    ] = "127.0.0.1:1883",
    share: Annotated[bool, typer.Option(help="Share the questions with other such processes.")] = False,
    authority: Annotated[Path | None, typer.Option(help="The fleet's authority: TLS to the broker.")] = None,
) -> None:
    """Answer what updaters ask for, until it is told to stop; one JSON line says when it is ready."""
    from hub.bus import SHARED_BY
    from hub.bus_mqtt import MqttBus
    from hub.fleet.authority import client_context
    from hub.release.serve import ReleaseDesk
    from hub.service import VERSION

    addresses = [(part.rpartition(":")[0], int(part.rpartition(":")[2])) for part in broker.split(",")]
    bus = MqttBus(
        addresses, version=VERSION, shared_by=f"{SHARED_BY}-releases" if share else "", part="releases",
        tls=client_context(authority, "hub") if authority else None,
    )  # fmt: skip
    desk = ReleaseDesk(repository)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    bus.start()
    print(json.dumps({"ready": True, "releases": str(repository)}), flush=True)
    try:
        while not stop.is_set():
            batch = bus.take(256, 0.0 if desk.waits else 0.1)
            desk.hear(batch)
            bus.done(batch)
            answer = desk.next()
            while answer is not None and not bus.send_written(answer, SEND_S) and bus.is_connected:
                if stop.is_set():
                    break
    finally:
        bus.stop()


def _said(work: Callable[[], str]) -> None:
    try:
        typer.echo(work())
    except (ReleaseRefused, SigningRefused, Untrusted, OSError) as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(1) from err


if __name__ == "__main__":
    app()
