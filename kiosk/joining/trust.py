"""Whom the terminal believes over TLS: the authority that came with it, and dates only once it knows the time.

A clock that is years off after a flat battery must not lock a terminal out: until the hub has told the time, a chain
that is right in everything but its dates is accepted. With the time known the connection is made anew, with the dates
checked. Names, signatures and the authority are checked in both cases.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

NO_CHECK_TIME: Final = 0x20_0000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME (x509_vfy.h); Python has no name for it


def context(authority: Path, pair: Path | None, *, time_known: bool) -> ssl.SSLContext:
    """How to speak to the broker; `pair`: key and certificate of our own, None while there are none."""
    made = ssl.create_default_context(cafile=str(authority))
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if pair is not None:
        made.load_cert_chain(pair)
    if not time_known:
        made.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
    return made
