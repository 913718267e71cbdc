"""The keys with which backups on a backup server are encrypted: the storage's configuration only names them."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from simulator.errors import ApiError


def take_keys(options: dict[str, str], now: int) -> dict[str, str]:
    """Put a name in the place of each key among new options; return the key that was made here, to be shown once."""
    shown: dict[str, str] = {}
    if options.get("encryption-key") == "autogen":
        shown["encryption-key"] = options["encryption-key"] = _new_key(now)
    if "encryption-key" in options:
        options["encryption-key"] = str(_parsed(options["encryption-key"]).get("fingerprint") or 1)
    if "master-pubkey" in options:
        options["master-pubkey"] = "1"
    return shown


def _new_key(now: int) -> str:
    key = secrets.token_bytes(32)
    fingerprint = hashlib.sha256(key).hexdigest()[:16]
    moment = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S+00:00}"
    return json.dumps(
        {
            "kdf": None, "created": moment, "modified": moment, "data": base64.b64encode(key).decode(),
            "fingerprint": ":".join(fingerprint[place : place + 2] for place in range(0, 16, 2)),
        }
    )  # fmt: skip


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ApiError("Value does not look like a valid, JSON formatted encryption key!")
    return found
