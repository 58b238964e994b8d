"""The simulated core bank as a process, asked over HTTP by the terminal's adapter."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from bench.dialogues.corebank import CoreBankProcess
from bench.dialogues.visit import customer_numbers
from contracts import corebank as c
from kiosk.adapters.card_reader import SimulatedCardReader
from kiosk.adapters.corebank import HttpCoreBank
from kiosk.banking.ports import BankTrouble, Held

pytestmark = pytest.mark.contract

PIN = "246810"


@pytest.fixture(scope="module")
def process() -> Iterator[CoreBankProcess]:
    with CoreBankProcess(date(2026, 11, 20)) as running:
        yield running


@pytest.fixture
def bank(process: CoreBankProcess) -> HttpCoreBank:
    process.begin_anew()
    return HttpCoreBank(process.url, timeout_s=1.0)


async def opened(bank: HttpCoreBank, number: int = 0) -> str:
    card, _ = customer_numbers(number)
    return (await bank.call("open_card", c.OpenByCard(card, PIN), c.Opened)).session


async def trouble_of(work: object) -> str:
    with pytest.raises(BankTrouble) as told:
        await work  # type: ignore[misc]
    return told.value.code


async def test_a_balance_needs_a_session_that_a_card_and_its_pin_opened(bank: HttpCoreBank) -> None:
    assert await trouble_of(bank.call("balance", c.Asked("nonsense"), c.Balance)) == "session_over"
    _, document = customer_numbers(0)
    by_document = await bank.call("open_document", c.OpenByDocument(document, "0000"), c.Opened)
    assert await trouble_of(bank.call("balance", c.Asked(by_document.session), c.Balance)) == "not_sure_enough"
    found = await bank.call("balance", c.Asked(await opened(bank)), c.Balance)
    assert found.balance_fen == 8_652_040


async def test_three_wrong_pins_lock_the_card_and_the_tries_are_told(bank: HttpCoreBank) -> None:
    card, _ = customer_numbers(0)
    left = []
    for _ in range(2):
        with pytest.raises(BankTrouble) as told:
            await bank.call("open_card", c.OpenByCard(card, "000001"), c.Opened)
        left.append(told.value.left)
    assert left == [2, 1]
    assert await trouble_of(bank.call("open_card", c.OpenByCard(card, "000001"), c.Opened)) == "pin_locked"
    assert await trouble_of(bank.call("open_card", c.OpenByCard(card, PIN), c.Opened)) == "pin_locked"


async def test_a_transfer_whose_answer_is_lost_is_carried_out_once(
    bank: HttpCoreBank, process: CoreBankProcess
) -> None:
    session = await opened(bank)
    order = c.OrderTransfer(session, "one-order-key", "1234", 10_000)
    process.behave(lose_share=1.0, latency_ms=0, jitter_ms=0)
    assert await trouble_of(bank.call("transfer", order, c.Carried)) == "down"
    process.behave(latency_ms=0, jitter_ms=0)
    await bank.call("transfer", order, c.Carried)
    found = await bank.call("balance", c.Asked(session), c.Balance)
    assert found.balance_fen == 8_652_040 - 10_000


async def test_a_slow_bank_is_given_up_after_two_bounded_tries(bank: HttpCoreBank, process: CoreBankProcess) -> None:
    process.behave(latency_ms=5000, jitter_ms=0)
    quick = HttpCoreBank(process.url, timeout_s=0.3)
    began_s = time.monotonic()
    assert await trouble_of(quick.call("balance", c.Asked("x"), c.Balance)) == "slow"
    assert time.monotonic() - began_s < 4
    assert quick.tally["balance slow"] == 2


async def test_a_bank_that_is_not_there_is_down_and_one_that_fails_is_too(
    bank: HttpCoreBank, process: CoreBankProcess
) -> None:
    nobody = HttpCoreBank("http://127.0.0.1:1", timeout_s=0.5)
    assert await trouble_of(nobody.call("balance", c.Asked("x"), c.Balance)) == "down"
    process.behave(fail_share=1.0, latency_ms=0, jitter_ms=0)
    assert await trouble_of(bank.call("balance", c.Asked("x"), c.Balance)) == "down"


async def test_what_is_malformed_or_unknown_is_refused_and_said_to_be_strange(bank: HttpCoreBank) -> None:
    assert await trouble_of(bank.call("open_safe", c.Asked("x"), c.Balance)) == "strange"
    assert await trouble_of(bank.call("balance", c.Asked("x" * 200), c.Balance)) == "strange"
    assert await trouble_of(bank.call("statement", c.AskStatement("x", 99), c.Statement)) == "strange"


async def test_an_answer_that_is_no_answer_is_strange() -> None:
    class Odd(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"balance_fen": "a lot"}')

        def log_message(self, *_: object) -> None:
            return None

    server = http.server.HTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        odd = HttpCoreBank(f"http://127.0.0.1:{server.server_port}", timeout_s=2)
        assert await trouble_of(odd.call("balance", c.Asked("x"), c.Balance)) == "strange"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("url", ["", "ftp://x", "127.0.0.1:80", "http://"])
def test_a_wrong_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        HttpCoreBank(url)


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"kind":"coin","number":"1"}', b"x" * 5000])
def test_a_reader_s_file_that_makes_no_sense_holds_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "reader.json"
    path.write_bytes(content)
    assert SimulatedCardReader(path).holding() is None


def test_a_reader_holds_what_was_put_in_until_it_is_taken(tmp_path: Path) -> None:
    reader = SimulatedCardReader(tmp_path / "reader.json")
    assert reader.holding() is None
    reader.insert(Held("card", "9900000000001000"))
    assert reader.holding() == Held("card", "9900000000001000")
    assert "9900000000001000" not in repr(reader.holding())
    reader.remove()
    assert reader.holding() is None
