"""`python -m models fetch | list | verify`: the operator's side of the catalogue."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.catalogue import CatalogueError
from models.fetch import FetchFailed, Means, fetch
from models.store import Store, StoreError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The networks that the terminal runs.")
Ids = Annotated[list[str] | None, typer.Argument(help="models by id; all where none is given")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object instead of a table")]


class _Bars:
    """Progress of every long step on the error stream; plain lines where that is no terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        self.bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._has_said_waiting = False

    def waiting(self, seconds: float) -> None:
        if not self._has_said_waiting:
            self._has_said_waiting = True
            self.console.print("another process is fetching; waiting for it")

    def downloading(self, artefact: str, have_bytes: int, total_bytes: int) -> None:
        with self._lock:
            if artefact not in self._tasks:
                self._tasks[artefact] = self.bars.add_task(artefact, total=total_bytes)
                if not self.console.is_terminal:
                    self.console.print(f"downloading {artefact} ({total_bytes / 1e6:.0f} MB)")
            self.bars.update(self._tasks[artefact], completed=have_bytes)

    def converting(self, model_id: str) -> None:
        self.console.print(f"making {model_id}")

    def ready(self, model_id: str, seconds: float) -> None:
        self.console.print(f"{model_id} is ready ({seconds:.1f} s)")


@app.command("fetch")
def fetch_command(
    ids: Ids = None,
    keep_downloads: Annotated[bool, typer.Option(help="keep the artefacts in the cache afterwards")] = False,
) -> None:
    """Download, check and convert what is not there yet; an optional model only when it is named."""
    store = Store()
    bars = _Bars(Console(stderr=True))
    with bars.bars:
        wanted = ids or store.usual
        made = fetch(store, wanted, bars, Means(keep_downloads=keep_downloads))
    print(f"{len(made)} made, {len(wanted) - len(made)} there already, in {store.root}")


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """What the catalogue holds, and which of it is there."""
    store = Store()
    rows = [
        {
            "id": model.model_id,
            "title": model.title,
            "there": store.is_stamped(model.model_id),
            "licence": model.licence,
            "licence_note": model.licence_note,
            "packages": [f"{source.registry}:{source.package}=={source.version}" for source in model.sources],
            "download_bytes": model.download_bytes,
            "size_bytes": model.result_bytes,
            "shapes": model.shapes,
            "measured": model.measured,
            "folder": str(store.folder(model.model_id)),
        }
        for model in store.catalogue.values()
    ]
    if as_json:
        print(json.dumps({"root": str(store.root), "models": rows}, ensure_ascii=False, indent=1))
        return
    table = Table("id", "what it does", "there", "licence", "MB", "speed")
    for row, model in zip(rows, store.catalogue.values(), strict=True):
        there = "yes" if row["there"] else "no"
        speed = "; ".join(model.measured.values())
        table.add_row(model.model_id, model.title, there, model.licence, f"{model.result_bytes / 1e6:.0f}", speed)
    Console().print(table)


@app.command("verify")
def verify_command(ids: Ids = None, as_json: Json = False) -> None:
    """Hash every file; ends with 1 if any model is missing or damaged."""
    store = Store()
    rows = []
    for model_id in ids or store.usual:
        try:
            folder = store.open(model_id)
        except StoreError as err:
            rows.append({"id": model_id, "ok": False, "reason": str(err)})
        else:
            rows.append({"id": model_id, "ok": True, "reason": f"every file as in the catalogue: {folder}"})
    is_ok = all(row["ok"] for row in rows)
    if as_json:
        print(json.dumps({"ok": is_ok, "models": rows}, ensure_ascii=False, indent=1))
    else:
        for row in rows:
            print(f"{'ok' if row['ok'] else 'NOT OK':7}{row['id']}: {row['reason']}")
    raise typer.Exit(0 if is_ok else 1)


def main() -> None:
    """The command line; an expected failure is one line and exit status 1."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that clients are ended too
    try:
        app(prog_name="python -m models")
    except (FetchFailed, StoreError, CatalogueError) as err:
        print(f"models: {err}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
