"""Renders many sentences into the cache at once: each core makes its own, which is half as quick again as all on one.

For set-up and benches, while no terminal runs here; a terminal renders ahead by itself when nobody is there.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from typing import Final

from config.schema import Site
from contracts.screen import Language
from kiosk.dialogue.manner import Manner
from kiosk.dialogue.voice import Voice
from kiosk.networks import make_voice, sentences_ahead
from kiosk.runtime.worker import ModelThread
from models.kokoro import Kokoro
from models.store import Store

MOST: Final = 4  # processes, each with 0.5 GB
LOOK_S: Final = 2.0

Sentence = tuple[str, Language, Manner]


class RenderingError(Exception):
    """A process that rendered ended before its sentences did; its own message is on stderr."""


def missing_sentences(site: Site, *, everything: bool) -> list[Sentence]:
    """What is worth rendering ahead and is not there, most needed first. Raises `ConfigError`."""
    voice = make_voice(site, None, ModelThread("speak"))
    wanted = sentences_ahead(site, everything=everything)
    return [(*clause, manner) for some, manner in wanted for clause in voice.missing(some, manner)]


def render(site: Site, missing: Sequence[Sentence], *, within_s: float = float("inf")) -> Iterator[int]:
    """Make them in about this order, for `within_s` at most; how many are there, now and then and at the end.

    Raises `RenderingError`.
    """
    if not missing:
        yield 0
        return
    context = multiprocessing.get_context("spawn")
    count = min(MOST, len(os.sched_getaffinity(0)), len(missing))
    end_s = time.monotonic() + within_s
    workers = [
        context.Process(target=_render, args=(site, missing[at::count], end_s), daemon=True) for at in range(count)
    ]
    voice = make_voice(site, None, ModelThread("speak"))
    try:
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            next(worker for worker in workers if worker.is_alive()).join(LOOK_S)
            yield _there(voice, missing)
        if failed := [worker.exitcode for worker in workers if worker.exitcode]:
            raise RenderingError(f"rendering ended early: a process left with {failed[0]}")
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _there(voice: Voice, sentences: Sequence[Sentence]) -> int:
    return sum(not voice.missing([(text, language)], manner) for text, language, manner in sentences)


def _render(site: Site, share: Sequence[Sentence], end_s: float) -> None:
    """A process's own work: until its share is there, the time is up, or nobody waits for it any more."""
    parent = multiprocessing.parent_process()
    voice = make_voice(site, Kokoro(Store().open("kokoro"), threads=1), ModelThread("speak"))
    for text, language, manner in share:
        if time.monotonic() >= end_s or (parent and not parent.is_alive()):
            return
        voice.prepare(text, language, manner)
