"""What a run notes on its own machine while it changes the network, so that the next one can go on after a kill.

Proxmox tells nobody who holds its lock or who has staged a change, and the engine keeps nothing of an operation that
did not come to its end. So the lock's token and the names of what is staged stand in a small file, from before the
first change until all is applied or taken back. A run that lives holds a file lock on it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from providers._runtime.connection import Connection
from providers._sdn.objects import Key


def _folder() -> Path:
    """Beside Pulumi's own files, so that it is the same for all programs of a user."""
    return Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "proxmox"


class Journal:
    """The notes of one connection; `open` of a died run's says what it left."""

    def __init__(self, connection: Connection) -> None:
        name = hashlib.sha256(" ".join(sorted(connection.endpoints)).encode()).hexdigest()[:16]
        self._path = _folder() / f"sdn-{name}.json"
        self._file: IO[str] | None = None
        self.token: str | None = None
        self.left: frozenset[Key] = frozenset()
        """What a died run has staged."""
        self._staged: set[Key] = set()

    def open(self) -> bool:
        """Take the file and read what a died run has left; False while another run on this machine has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        if not self._path.exists() or self._path.stat().st_ino != os.fstat(file.fileno()).st_ino:
            file.close()  # its last holder took it away in between
            return False
        self._file = file
        notes = _parsed(file.read())
        self.token = notes.get("token")
        self.left = frozenset((str(kind), str(id_)) for kind, id_ in notes.get("staged", ()))
        return True

    def note(self, token: str | None, staged: Iterable[Key] = ()) -> None:
        """Write down under which lock what else is about to be changed."""
        self.token = token
        self._staged |= {*staged, *self.left}
        assert self._file is not None  # noqa: S101 - told to mypy; `open` comes first
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"token": token, "staged": sorted(self._staged)}))
        self._file.flush()

    def finish(self) -> None:
        """Nothing is staged any more."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let the file go; what it says stays."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _parsed(text: str) -> dict[str, Any]:
    """The notes; none where a kill in the middle of writing left half of them."""
    try:
        notes = json.loads(text)
    except ValueError:
        return {}
    return notes if isinstance(notes, dict) else {}
