"""The way round firewalls with a real coturn: names that end, a secret that is not shared, TCP where UDP is blocked."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.call_house import coturn
from contracts.call import IceServer
from hub.calls.turn import PRIVATE, TurnProblem, coturn_configuration, credentials, read_turn

pytest.importorskip("aioice")
import aioice

from kiosk.adapters.turn_choice import answers_udp, choose_servers

pytestmark = pytest.mark.e2e
HOST = "127.0.0.1"
if shutil.which("turnserver") is None:
    pytest.skip("coturn is not installed: apt-get install coturn", allow_module_level=True)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[int, str]]:
    async with coturn(tmp_path) as found:
        yield found


class _Nothing(asyncio.DatagramProtocol):
    pass


async def allocated(port: int, name: str, password: str, way: str = "udp") -> bool:
    """Whether coturn gives these credentials an address."""
    try:
        async with asyncio.timeout(20):
            transport, _ = await aioice.turn.create_turn_endpoint(
                _Nothing, server_addr=(HOST, port), username=name, password=password, transport=way
            )
    except (aioice.stun.TransactionError, ConnectionError, OSError):
        return False
    given = transport.get_extra_info("related_address") is not None
    transport.close()
    await asyncio.sleep(0.1)  # the address is given back
    return given


async def test_credentials_of_now_are_taken_and_those_that_ended_or_were_changed_are_refused(
    server: tuple[int, str],
) -> None:
    port, secret = server
    now = datetime.now(UTC)
    name, password = credentials(secret, "page-case-0001", now)
    assert await allocated(port, name, password)
    assert not await allocated(port, *credentials(secret, "page-case-0001", now - timedelta(hours=3)))
    assert not await allocated(port, *credentials("another secret of theirs", "page-case-0001", now))
    longer = f"{int(name.split(':')[0]) + 86_400}:page-case-0001"  # the end moved, the password not
    assert not await allocated(port, longer, password)


async def test_where_udp_is_blocked_the_terminal_takes_the_server_over_tcp(tmp_path: Path) -> None:
    async with coturn(tmp_path, udp=False) as (port, secret):
        assert not await answers_udp(HOST, port)
        name, password = credentials(secret, "kiosk-case-0001", datetime.now(UTC))
        urls = tuple(f"turn:{HOST}:{port}?transport={way}" for way in ("udp", "tcp"))
        chosen = await choose_servers([IceServer(urls=urls, username=name, credential=password)])
        assert [one.urls for one in chosen] == [urls[1]]
        assert await allocated(port, name, password, "tcp")


async def test_where_udp_passes_it_is_taken(server: tuple[int, str]) -> None:
    port, _ = server
    urls = tuple(f"turn:{HOST}:{port}?transport={way}" for way in ("udp", "tcp"))
    chosen = await choose_servers([IceServer(urls=urls), IceServer(urls=(f"stun:{HOST}:{port}",))])
    assert [one.urls for one in chosen] == [f"stun:{HOST}:{port}", urls[0]]


def test_a_stranger_with_a_name_cannot_reach_into_the_banks_network() -> None:
    text = coturn_configuration(listen="10.1.2.3", port=3478, realm="bank.example", secret="x" * 20)
    lines = text.splitlines()
    assert all(f"denied-peer-ip={span}" in lines for span in PRIVATE)
    assert "use-auth-secret" in lines and "no-cli" in lines and "no-multicast-peers" in lines
    assert not any(line.startswith(("user=", "allow-loopback")) for line in lines)


def test_the_hubs_setting_is_refused_with_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YINGBIN_TURN_SECRET", "short")
    with pytest.raises(TurnProblem, match="YINGBIN_TURN_SECRET"):
        read_turn("turn:turn.example:3478")
    monkeypatch.setenv("YINGBIN_TURN_SECRET", "long enough a secret")
    with pytest.raises(TurnProblem, match=r"turn\.example"):
        read_turn("turn.example:3478")
    assert read_turn("turn:a:1,turn:b:2?transport=tcp").urls == ("turn:a:1", "turn:b:2?transport=tcp")
    assert read_turn("").servers("kiosk") == ()
