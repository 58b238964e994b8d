"""Set-up: done once, skipped afterwards, and through the operator's own mirror."""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.contract

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bootstrap.py")
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_a_step_is_done_once_and_again_when_its_files_or_words_change(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path / "stamps")
    file = tmp_path / "requirements.lock"
    file.write_text("a==1")

    def todo(*words: str) -> bool:
        with bootstrap.stamp("python", [file], *words) as needed:
            return bool(needed)

    assert [todo("3.11"), todo("3.11"), todo("3.12"), todo("3.12")] == [True, False, True, False]
    file.write_text("a==2")
    assert todo("3.12") is True


def test_a_step_that_fails_is_done_again(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path / "stamps")
    with pytest.raises(OSError, match="full"), bootstrap.stamp("models", []):
        raise OSError("disk full")
    with bootstrap.stamp("models", []) as needed:
        assert needed


def test_the_mirror_that_pip_is_told_of_is_handed_to_uv(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_CERT", "/etc/ssl/branch.pem")
    for name in ("UV_DEFAULT_INDEX", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    given = bootstrap.uv_environment()
    assert given["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert given["SSL_CERT_FILE"] == "/etc/ssl/branch.pem"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://chosen.example/simple")
    assert bootstrap.uv_environment()["UV_DEFAULT_INDEX"] == "https://chosen.example/simple"


def test_a_second_set_up_takes_less_than_five_seconds() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run([sys.executable, str(ROOT / "bootstrap.py"), "--tests"], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ran.returncode == 0, ran.stderr
    # its own processor time: it waits for nothing, and what else the machine does is not its fault
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5, ran.stderr
