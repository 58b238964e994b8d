"""All scripted conversations by text, with the terminal's own understanding, flows, knowledge and simulated bank.

They guard each other: what is added to one flow is felt in another. Their sound is the bench's (`bench dialogue`).
"""

from __future__ import annotations

import pytest

from bench.dialogue import main

pytestmark = pytest.mark.e2e


def test_no_scripted_conversation_goes_another_way() -> None:
    found = main(["--text"])
    assert found["failed"] == 0, found["failures"]
    assert found["passed"] >= 250 and found["intents_expected"] >= 80
