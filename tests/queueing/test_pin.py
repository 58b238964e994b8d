"""The hash of the staff's PIN: what is made, what is taken, and what is refused with a reason."""

from __future__ import annotations

import base64
import hashlib
import tomllib

import pytest
from typer.testing import CliRunner

from config.schema import Staff
from kiosk.__main__ import app
from kiosk.queueing.pin import check_hash, hash_pin, verify

pytestmark = pytest.mark.unit


def scrypt(pin: str, ln: int = 14) -> str:
    salt = b"sixteen bytes..."
    made = hashlib.scrypt(pin.encode(), salt=salt, n=1 << ln, r=8, p=1, maxmem=1 << 28, dklen=32)
    told = [base64.b64encode(part).decode().rstrip("=") for part in (salt, made)]
    return f"$scrypt$ln={ln},r=8,p=1${told[0]}${told[1]}"


def test_the_right_pin_fits_its_hash_and_no_other_one_does() -> None:
    for made in (hash_pin("730194"), scrypt("730194")):
        check_hash(made)
        assert verify("730194", made)
        assert not verify("730195", made) and not verify("", made)
    assert hash_pin("730194") != hash_pin("730194")  # each with a salt of its own


def test_a_hash_of_another_program_is_taken() -> None:
    made = "$argon2id$v=19$m=65536,t=3,p=1$s7crofv6d7nK7D0RKvoYpA$ZaIlG/Q51yNfGhg4pnrsrPFSleeHtGJwQDFfLQr46C0"
    check_hash(made)
    assert verify("246810", made)


@pytest.mark.parametrize(
    "pin", ["12345", "1234567890123", "12a456", "111111", "123456", "987654", "890123", "１２３４５７"]
)
def test_a_pin_that_is_too_short_too_long_or_too_plain_is_refused(pin: str) -> None:
    with pytest.raises(ValueError, match="PIN"):
        hash_pin(pin)


def test_the_command_asks_twice_and_prints_a_line_that_the_configuration_takes() -> None:
    ran = CliRunner().invoke(app, ["staff-pin"], input="730194\n730194\n")
    made = tomllib.loads(ran.output[ran.output.index("[staff]") :])
    told = Staff.model_validate(made["staff"])
    check_hash(told.pin_hash)
    assert verify("730194", told.pin_hash) and "730194" not in ran.output
    assert CliRunner().invoke(app, ["staff-pin"], input="111111\n111111\n").exit_code == 2


@pytest.mark.parametrize(
    "made",
    [
        "246810",
        "$argon2i$v=19$m=65536,t=3,p=1$c29tZXNhbHRzb21l$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "$argon2id$v=19$m=9999999,t=3,p=1$c29tZXNhbHRzb21l$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "$argon2id$v=19$m=65536,t=99,p=1$c29tZXNhbHRzb21l$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "$scrypt$ln=30,r=8,p=1$c29tZXNhbHRzb21l$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ],
)
def test_what_is_no_hash_or_asks_too_much_of_the_terminal_is_refused(made: str) -> None:
    with pytest.raises(ValueError, match=r"staff\.pin_hash"):
        check_hash(made)
