"""The shadow at a start: what is on disk, what of it still fits, and the site that the terminal is built with.

Whatever is damaged or no longer valid is left out, and said: the candidate gives way to what has proved itself, that
to the local file alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from config.remote import RemoteRefused, overlay
from config.schema import Site
from contracts.shadow import REASONS_LIMIT, ShadowReason
from kiosk.runtime.sealed import Damaged
from kiosk.shadow.files import GOOD, WANTED, ShadowFiles
from kiosk.shadow.records import Good, Kept, rolled_back, started

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Opened:
    """`site` is in force and made of `local` and of `settings`, which are those of version `in_force`."""

    files: ShadowFiles
    local: Site
    kept: Kept
    good: Good
    site: Site
    settings: dict[str, Any]
    in_force: int
    notes: list[ShadowReason] = field(default_factory=list)  # what was found wrong


def plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as decoded from the wire or a file, in the form that `config.remote` takes."""
    return dict(msgspec.to_builtins(settings))


def reasons_of(err: RemoteRefused) -> tuple[ShadowReason, ...]:
    """What was wrong, as it may travel: codes and names, no values."""
    return tuple(ShadowReason(why=one.why, what=one.setting) for one in err.problems)[:REASONS_LIMIT]


def open_shadow(folder: Path, local: Site, step: Callable[[str], None] = lambda _: None) -> Opened:
    """Read what is kept in `folder`, and note that a run began. Blocking. Raises OSError for a folder of no use."""
    files, notes = ShadowFiles(folder, step), list[ShadowReason]()
    good, before = _read(files, notes)
    kept = started(before, good)
    site, settings, in_force = local, dict[str, Any](), 0
    if kept.candidate is not None:
        try:
            settings, in_force = plain(kept.candidate.settings), kept.candidate.version
            site = overlay(local, settings)
        except RemoteRefused as err:  # the local file, or the schema of a new software, has changed since
            kept, in_force = rolled_back(kept, reasons_of(err), "refused"), 0
    if not in_force:
        try:
            settings, in_force = plain(good.settings), good.version
            site = overlay(local, settings)
        except RemoteRefused as err:
            notes += [ShadowReason(why="no_longer_valid", what=one.what) for one in reasons_of(err)]
            good, settings, in_force = Good(), {}, 0
    if kept != before:
        try:
            files.write(WANTED, kept)
        except OSError:  # a full disk must not keep the terminal from its visitors
            notes.append(ShadowReason(why="disk"))
    for note in notes:
        log.error("shadow: %s %s", note.why, note.what)
    return Opened(files, local, kept, good, site, settings, in_force, notes)


def _read(files: ShadowFiles, notes: list[ShadowReason]) -> tuple[Good, Kept]:
    lost = False
    try:
        good = files.read(GOOD, Good) or Good()
    except Damaged:
        notes.append(ShadowReason(why="file_damaged", what="good"))
        good, lost = Good(), True
    try:
        kept = files.read(WANTED, Kept) or Kept(decided=good.version)
    except Damaged:
        notes.append(ShadowReason(why="file_damaged", what="wanted"))
        kept = Kept(decided=good.version)  # the hub sends the newest version again
    if lost and kept.candidate is None and kept.verdict is None:
        kept = replace(kept, decided=0)  # as well
    return good, kept
