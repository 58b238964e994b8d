"""Which pack a site uses: the signed one in force where the site trusts keys, otherwise the source, for development."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from config.intents import IntentRow
from config.load import ConfigError
from config.schema import Site
from kiosk.content.pack import Pack
from kiosk.content.sealed import PackRefused
from kiosk.content.source import CONTENT_DIR, load_source
from kiosk.content.store import PackStore

LOOK_S: Final = 30.0  # how often a new pack is looked for

log = logging.getLogger(__name__)


def store_for(site: Site, intents: Mapping[str, IntentRow]) -> PackStore | None:
    """The site's signed packs; None where it trusts no key."""
    told = site.content
    if not told.public_keys:
        return None
    return PackStore(Path(told.pack), site.bank.id, site.branch.id, told.public_keys, intents)


def pack_for(site: Site, intents: Mapping[str, IntentRow]) -> Pack:
    """The pack to begin with. Raises `ConfigError`.

    A signed pack that was damaged on disk is replaced by the one before it, so that the terminal still answers.
    """
    store = store_for(site, intents)
    if store is None:
        pack = load_source(Path(site.content.pack) if site.content.pack else CONTENT_DIR / site.bank.id, intents)
        if (pack.bank, pack.branch) != (site.bank.id, site.branch.id):
            raise ConfigError(f"the content pack is for {pack.bank}/{pack.branch}, not {site.bank.id}/{site.branch.id}")
        return pack
    try:
        active = store.active()
    except PackRefused as refused:
        log.warning("the content pack in force was refused (%s); the one before it is used", refused.reason)
        active = store.latest_whole()
    if active is None:
        raise ConfigError(f"{site.content.pack}: no signed content pack: run `python -m kiosk.content activate FILE`")
    return active.pack


async def follow(store: PackStore, swap: Callable[[Pack], Awaitable[None]], look_s: float = LOOK_S) -> None:
    """Hand over each pack that comes into force while the terminal runs; for a supervisor. Runs until cancelled.

    `swap` is to call `ApprovedKnowledge.swap` on the thread that uses the sentence encoder.
    """
    marker = await asyncio.to_thread(store.marker)
    while True:
        await asyncio.sleep(look_s)
        now = await asyncio.to_thread(store.marker)
        if now == marker:
            continue
        try:
            active = await asyncio.to_thread(store.active)
        except PackRefused as refused:
            log.warning("a new content pack was refused (%s); the old one stays", refused.reason)
        else:
            if active is not None:
                await swap(active.pack)
                log.info("content pack version %d is in force", active.pack.version)
        marker = now
