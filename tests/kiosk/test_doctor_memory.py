"""The doctor says whether the core's allocator is installed: without it the core works, and rises for hours."""

from __future__ import annotations

import pytest

from kiosk.doctor import _memory

pytestmark = pytest.mark.contract


def test_the_allocator_that_set_up_installs_is_found() -> None:
    assert _memory().works


def test_a_missing_allocator_is_named_with_what_mends_it() -> None:
    finding = _memory("libnosuchallocator.so.9")
    assert not finding.works and "libnosuchallocator" in finding.found
    assert "apt-get install libjemalloc2" in finding.advice
