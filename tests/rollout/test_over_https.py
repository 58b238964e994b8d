"""A release over https from a server with the bank's own certificate; http and endless answers are refused."""

from __future__ import annotations

import datetime
import functools
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bench.rollout_world import NEW, World, make_world
from contracts.release import Chunk, read_index, target_of
from contracts.repository import chunk_path
from contracts.trust import check
from kiosk.adapters.release_https import HttpsSource
from kiosk.rollout.ports import SourceLost

pytestmark = pytest.mark.contract


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("https"), {NEW: "good"}, seed=1, ballast_bytes=200_000)


@pytest.fixture(scope="module")
def served(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    certificate = _certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Quiet, directory=str(world.repository))
    )
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}/", certificate
    server.shutdown()
    server.server_close()
    thread.join()


def _certificate(folder: Path) -> Path:
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "releases")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, None)
    )  # fmt: skip
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    return path


async def test_metadata_and_chunks_come_and_are_what_was_signed(world: World, served: tuple[str, Path]) -> None:
    source = HttpsSource(*served)
    offered = await source.metadata(NEW, 1)
    assert target_of(NEW).split("/")[0] + "/" in " ".join(offered)
    index = check(NEW, root=world.root, kept={}, offered=offered).index
    found = [chunk async for chunk, _ in source.chunks(index.manifest)]
    assert tuple(found) == index.manifest


async def test_a_chunk_longer_than_it_was_signed_is_not_read_to_its_end(world: World, served: tuple[str, Path]) -> None:
    chunk = read_index((world.repository / "built" / NEW).read_bytes()).manifest[0]
    path = world.repository / chunk_path(chunk.sha)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(1_000_000))
    try:
        with pytest.raises(SourceLost, match="larger"):
            _ = [one async for one in HttpsSource(*served).chunks([chunk])]
    finally:
        path.write_bytes(whole)


async def test_what_is_not_there_and_who_is_not_trusted_is_no_source(served: tuple[str, Path]) -> None:
    with pytest.raises(SourceLost):
        _ = [one async for one in HttpsSource(*served).chunks([Chunk("0" * 64, 1, 1)])]
    with pytest.raises(SourceLost):
        await HttpsSource(served[0]).metadata(NEW, 1)
    for url in ("http://127.0.0.1/", "https://", "file:///etc", "https://user@host/"):
        with pytest.raises(ValueError, match="https"):
            HttpsSource(url)
