"""The self-test of a release, whole: a recorded visitor is served by this checkout's own core and screen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.scenario import find_scenario, load_scenario
from config.schema import load_site
from kiosk.rollout import verifies
from kiosk.rollout.self_test import SCENARIO, run_test
from kiosk.scenario.prepare import prepare
from tests.hub.wirekit import Running, start_broker

pytestmark = pytest.mark.e2e


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Running]:
    made = start_broker(tmp_path / "broker")
    yield made
    made.stop()


def test_a_release_that_works_hears_understands_verifies_speaks_prints_and_reaches_the_hub(
    broker: Running, tmp_path: Path
) -> None:
    site = load_site(None)
    hub = site.hub.model_copy(update={"port": broker.ready["port"]})
    site = site.model_copy(update={"hub": hub, "identity": site.identity.model_copy(update={"face": True})})
    assert asyncio.run(run_test(site, load_scenario(find_scenario(SCENARIO)), tmp_path)) == ()


def test_networks_that_take_everybody_for_the_same_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    portrait = prepare(load_scenario(find_scenario(SCENARIO)), lambda said: None) / "portrait.png"
    assert verifies.tells_faces(portrait)
    monkeypatch.setattr(verifies.SFace, "template", lambda self, bgr, face: np.full(128, 128**-0.5, np.float32))
    assert not verifies.tells_faces(portrait)
