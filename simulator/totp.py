"""One-time codes by time (RFC 6238), as authenticator apps make them."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from simulator.records import SecondFactor
from simulator.state import Datacenter

PERIOD = 30
_DIGITS = 6
_TOLERATED_STEPS = 1


def secret_of(uri: str) -> str:
    """Return the secret of an `otpauth://totp/...` URI; raise ValueError when it is none."""
    parts = urlsplit(uri)
    secret = parse_qs(parts.query).get("secret", [""])[0]
    if parts.scheme != "otpauth" or parts.netloc != "totp" or not secret:
        raise ValueError("invalid totp uri")
    _key(secret)
    return secret


def _key(secret: str) -> bytes:
    try:
        return base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    except binascii.Error:
        raise ValueError("invalid totp secret") from None


def code(secret: str, step: int) -> str:
    """Return the code of a time step."""
    digest = hmac.digest(_key(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def factors(datacenter: Datacenter, userid: str) -> list[SecondFactor]:
    """Return a user's generators that are in use."""
    found: list[SecondFactor] = datacenter.second_factors.by("userid", userid)
    return [factor for factor in found if factor.enable]


def accept(datacenter: Datacenter, factor: SecondFactor, given: str, now: float) -> bool:
    """Tell whether a code is good now, and use it up: each is good once."""
    current = int(now) // PERIOD
    for step in range(current - _TOLERATED_STEPS, current + _TOLERATED_STEPS + 1):
        if step > factor.last_step and hmac.compare_digest(code(factor.secret, step).encode(), given.encode()):
            datacenter.second_factors.put(replace(factor, last_step=step))
            return True
    return False
