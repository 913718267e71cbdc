"""Tickets, CSRF tokens, and hashes of passwords and token secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

LIFETIME = 2 * 60 * 60
_ITERATIONS = 1000
_SHORT_LIFETIME = 40


class Signer:
    """Signs with a key that is made once per datacenter."""

    def __init__(self, key: str) -> None:
        """Keep the key."""
        self._key = key.encode()

    def _sign(self, text: str) -> str:
        digest = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode().rstrip("=")

    def ticket(self, authid: str, now: float) -> str:
        """Return a ticket for a user: `PVE:user@realm:hextime::signature`."""
        plain = f"PVE:{authid}:{int(now):08X}"
        return f"{plain}::{self._sign(plain)}"

    def verify_ticket(self, ticket: str, now: float) -> str | None:
        """Return the user of a valid ticket, or None."""
        plain, _, signature = ticket.partition("::")
        if not _same(self._sign(plain), signature):
            return None
        prefix, _, rest = plain.partition(":")
        authid, _, stamp = rest.rpartition(":")
        return authid if prefix == "PVE" and _fresh(stamp, now) else None

    def short_ticket(self, prefix: str, authid: str, path: str, now: float) -> str:
        """Return a ticket for one path, good for less than a minute, that doesn't name its user."""
        plain = f"{prefix}:{int(now):08X}"
        return f"{plain}::{self._sign(f'{plain}:{authid}:{path}')}"

    def verify_short_ticket(self, prefix: str, ticket: str, authid: str, path: str, now: float) -> bool:
        """Tell whether a ticket is this user's for this path."""
        plain, _, signature = ticket.partition("::")
        kind, _, stamp = plain.partition(":")
        if kind != prefix or not _same(self._sign(f"{plain}:{authid}:{path}"), signature):
            return False
        return -20 < now - int(stamp, 16) < _SHORT_LIFETIME  # noqa: PLR2004 - clocks may differ by so much

    def csrf(self, authid: str, now: float) -> str:
        """Return the CSRF prevention token that belongs to a user's ticket."""
        stamp = f"{int(now):08X}"
        return f"{stamp}:{self._sign(f'{stamp}:{authid}')}"

    def verify_csrf(self, token: str, authid: str, now: float) -> bool:
        """Tell whether a CSRF prevention token is this user's."""
        stamp, _, signature = token.partition(":")
        return _same(self._sign(f"{stamp}:{authid}"), signature) and _fresh(stamp, now)


def _same(one: str, other: str) -> bool:
    """Compare two texts in a time that tells nothing about them."""
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "surrogateescape"))


def _fresh(stamp: str, now: float) -> bool:
    age = now - int(stamp, 16)
    return -300 < age < LIFETIME  # noqa: PLR2004 - Proxmox lets a ticket be five minutes ahead


def hash_password(password: str) -> str:
    """Return a salted hash."""
    salt = secrets.token_hex(8)
    return f"{salt}${_derive(password, salt)}"


def verify_password(password: str, stored: str | None) -> bool:
    """Tell whether this is the password of a stored hash."""
    if stored is None:
        return False
    salt, _, digest = stored.partition("$")
    return _same(_derive(password, salt), digest)


def _derive(password: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), _ITERATIONS).hex()


def hash_secret(secret: str) -> str:
    """Return the hash of a token's secret, which is random enough to need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()
