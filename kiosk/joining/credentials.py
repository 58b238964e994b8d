"""The certificate as a second process of the terminal sees it: the core asks for it and renews it, the updater reads.

A terminal that has not joined, or was revoked, has none; whoever uses this begins anew when that changes.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from kiosk.joining.identity import IDENTITY_FILE, REVOKED_FILE, name_of
from kiosk.joining.member import check_dates
from kiosk.joining.trust import context

log = logging.getLogger(__name__)


class Credentials:
    """In `folder`. `name` is (branch, device), None while there is none. Raises OSError for a missing authority."""

    def __init__(self, folder: Path, authority: Path) -> None:
        self._pair, self._revoked = folder / IDENTITY_FILE, folder / REVOKED_FILE
        self.name = self._name()
        self.tls: ssl.SSLContext = context(authority, self._pair if self.name else None, time_known=False)
        self._read_ns = self._written_ns()
        self._strict = False

    def changed(self) -> bool:
        """Whether the terminal has another name than before, or none any more."""
        return self._name() != self.name

    def refresh(self) -> None:
        """Show a renewed certificate from the next connection on."""
        written_ns = self._written_ns()
        if self.name is None or written_ns == self._read_ns:
            return
        try:
            self.tls.load_cert_chain(self._pair)
        except (OSError, ssl.SSLError) as err:  # looked at again in a moment
            log.warning("the renewed certificate cannot be read: %s", type(err).__name__)
            return
        self._read_ns = written_ns

    def check_dates(self) -> bool:
        """The time is known: dates count. Whether that is new."""
        if self._strict:
            return False
        check_dates(self.tls)
        self._strict = True
        return True

    def _name(self) -> tuple[str, str] | None:
        if self._revoked.exists() or not self._pair.exists():
            return None
        try:
            branch, _, device = name_of(self._pair).partition("/")
        except (OSError, ValueError) as err:
            log.warning("the certificate cannot be read: %s", type(err).__name__)
            return None
        return branch, device

    def _written_ns(self) -> int:
        try:
            return self._pair.stat().st_mtime_ns
        except OSError:
            return 0
