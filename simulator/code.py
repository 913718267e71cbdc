"""Which code a simulator runs: one that was started before an update is replaced by one of today."""

from __future__ import annotations

import hashlib
from pathlib import Path


def version() -> str:
    """Return a hash of the package's files, by name, size and time of change."""
    package = Path(__file__).parent
    found = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        status = file.stat()
        found.update(f"{file.relative_to(package)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return found.hexdigest()[:16]
