"""Renders many sentences into the cache at once: each core makes its own, which is half as quick again as all on one.

Mandarin is made by the small voice too, which takes a sixth of the time: where her own is too slow it speaks.

For set-up and benches, while no terminal runs here; a terminal renders ahead by itself when nobody is there.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from config.schema import Site
from contracts.screen import Language
from kiosk.dialogue.manner import Manner
from kiosk.dialogue.voice import Voice
from kiosk.networks import make_voice, quick_of, sentences_ahead
from kiosk.runtime.worker import ModelThread
from models.kokoro import Kokoro
from models.store import Store

MOST: Final = 4  # processes, each with 0.5 GB
LOOK_S: Final = 2.0


class Sentence(NamedTuple):
    """A clause to be made; `small`: by the small voice, in the usual manner."""

    text: str
    language: Language
    manner: Manner = Manner()
    small: bool = False


class RenderingError(Exception):
    """A process that rendered ended before its sentences did; its own message is on stderr."""


def missing_sentences(site: Site, *, everything: bool) -> list[Sentence]:
    """What is worth rendering ahead and is not there, what takes least first, then what is needed most.

    Raises `ConfigError`, `StoreError`.
    """
    voice = make_voice(site, None, ModelThread("speak"), quick_of(Store()))
    wanted = sentences_ahead(site, everything=everything)
    usual = [clause for some, manner in wanted if manner == Manner() for clause in some]
    small = [Sentence(*clause, small=True) for clause in voice.missing_small(usual)]
    return small + [Sentence(*clause, manner) for some, manner in wanted for clause in voice.missing(some, manner)]


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
    voice = make_voice(site, None, ModelThread("speak"), quick_of(Store()))
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
    return sum(
        not (voice.missing_small([(one.text, one.language)]) if one.small
             else voice.missing([(one.text, one.language)], one.manner))
        for one in sentences
    )  # fmt: skip


def _render(site: Site, share: Sequence[Sentence], end_s: float) -> None:
    """A process's own work: until its share is there, the time is up, or nobody waits for it any more."""
    parent = multiprocessing.parent_process()
    if time.monotonic() >= end_s:  # before the networks are opened, which takes seconds
        return
    store = Store()
    voice = make_voice(site, Kokoro(store.open("kokoro"), threads=1), ModelThread("speak"), quick_of(store))
    for one in share:
        if time.monotonic() >= end_s or (parent and not parent.is_alive()):
            return
        if one.small:
            voice.prepare_small(one.text, one.language)
        else:
            voice.prepare(one.text, one.language, one.manner)
