"""SSH keys, made at the first start and kept: a host key for each node, and a pair for the client."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_public_key,
)

from simulator.certificates import write_private


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key in OpenSSH's format, and beside it the public one in `.pub`."""

    private: Path

    @classmethod
    def at(cls, path: Path) -> KeyPair:
        """Return the pair of this file; make it when it is not there yet."""
        pair = cls(path)
        if not path.exists() or not pair.public.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            key = Ed25519PrivateKey.generate()
            public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
            pair.public.write_text(f"{public} simulator\n", encoding="utf-8")
            write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode())
        return pair

    @property
    def public(self) -> Path:
        """Return the file of the public key."""
        return self.private.with_name(f"{self.private.name}.pub")

    def fingerprint(self) -> str:
        """Return the fingerprint as `ssh-keygen -l` prints it: `SHA256:...`."""
        line = self.public.read_bytes()
        load_ssh_public_key(line)
        digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
