"""Typed tables in memory, written through to SQLite, so that killing the process loses nothing.

Records are frozen dataclasses. A change is `table.put(replace(record, ...))` or `table.delete(key)`; the
journal remembers what was there before, so a failed call is undone in memory and never reaches the disk,
and a good one is on disk, in one SQLite transaction, before its answer leaves.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import sqlite3
import types
import typing
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

STATE = "state.sqlite"
"""The name of the file in a simulator's home; SQLite has more beside it."""
VERSION = 1
"""Of the state on the disk: one more as soon as records of today would mean something else than they used to.

A field that is added with a default value needs none.
"""


class StateError(Exception):
    """The state on the disk is none that can be gone on with; the text is one line."""


class Record(Protocol):
    """Any dataclass instance."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


K = TypeVar("K", str, int)
R = TypeVar("R", bound=Record)


def encode(record: Record) -> str:
    """Write a record as JSON."""
    return json.dumps(_plain(record), default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def decode(record_type: type[R], text: str) -> R:
    """Read a record back from what `encode` wrote."""
    result: R = _reader(record_type)(json.loads(text))
    return result


@functools.cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return the function that turns JSON back into a value of this type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(hint)}
        construct: Callable[..., Any] = typing.cast("type", hint)
        return lambda data: construct(**{key: readers[key](value) for key, value in data.items()})
    if origin in (tuple, frozenset):
        read, make = _reader(arguments[0]), typing.cast("type", origin)
        return lambda data: make(read(item) for item in data)
    if origin in (dict, Mapping):
        read = _reader(arguments[1])
        return lambda data: {key: read(value) for key, value in data.items()}
    if origin in (types.UnionType, typing.Union):
        read = _reader(next(option for option in arguments if option is not type(None)))
        return lambda data: None if data is None else read(data)
    return lambda data: data


class Journal:
    """What changed since the last commit: per row its value before, which is what a rollback needs."""

    def __init__(self) -> None:
        """Begin with no change."""
        self.before: dict[tuple[Table[Any, Any], Any], Any] = {}

    def note(self, table: Table[Any, Any], key: object, old: object) -> None:
        """Remember the value before the first change of a row."""
        self.before.setdefault((table, key), old)


class Table(Generic[K, R]):
    """A set of records with a key, optional indexes, and a place on disk."""

    def __init__(
        self,
        journal: Journal,
        name: str,
        record_type: type[R],
        key: Callable[[R], K],
        size: Callable[[R], int] = lambda _record: 0,
        **indexes: Callable[[R], object],
    ) -> None:
        """Make an empty table; `indexes` names functions of a record by which `by` can look up and `total` add up."""
        self.name = name
        self.record_type = record_type
        self.key: Callable[[R], K] = key
        self._journal = journal
        self._rows: dict[K, R] = {}
        self._indexes: dict[str, tuple[Callable[[R], object], dict[object, dict[K, None]]]] = {
            index: (function, {}) for index, function in indexes.items()
        }
        self._size = size
        self._totals: dict[tuple[str, object], int] = defaultdict(int)

    def __getitem__(self, key: K) -> R:
        return self._rows[key]

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._rows.values()))

    def get(self, key: K) -> R | None:
        """Return the record of this key, or None."""
        return self._rows.get(key)

    def keys(self) -> list[K]:
        """Return all keys, oldest first."""
        return list(self._rows)

    def by(self, index: str, value: object) -> list[R]:
        """Return the records whose indexed value is this one."""
        return [self._rows[key] for key in self._indexes[index][1].get(value, ())]

    def total(self, index: str, value: object) -> int:
        """Return the sum of the sizes of the records whose indexed value is this one."""
        return self._totals.get((index, value), 0)

    def put(self, record: R) -> R:
        """Insert a record or replace the one with its key."""
        key = self.key(record)
        self._journal.note(self, key, self._rows.get(key))
        self.restore(key, record)
        return record

    def delete(self, key: K) -> None:
        """Remove a record; one that is not there is no error."""
        if key in self._rows:
            self._journal.note(self, key, self._rows[key])
            self.restore(key, None)

    def restore(self, key: K, record: R | None) -> None:
        """Set a row without noting it: for loading, rollback, and `put` and `delete` themselves."""
        old = self._rows.get(key)
        for name, (function, index) in self._indexes.items():
            if old is not None:
                index[function(old)].pop(key, None)
                self._totals[name, function(old)] -= self._size(old)
            if record is not None:
                index.setdefault(function(record), {})[key] = None
                self._totals[name, function(record)] += self._size(record)
        if record is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = record


Changes = list[tuple[Table[Any, Any], Any]]
"""Tables and keys of the rows that a transaction has put or deleted."""


class Database:
    """The SQLite file behind the tables."""

    def __init__(self, path: Path, journal: Journal) -> None:
        """Open or create the file."""
        self._path, self._journal = path, journal
        self.listeners: list[Callable[[Changes], None]] = []
        """Who is told of every transaction that is on the disk."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            raise StateError(f"{path} cannot be read: {error}") from None

    def _prepare(self) -> None:
        """Make the table where it is not there yet, and look at the version of what is in it."""
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS records (name TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (name, key))"
        )
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if self._connection.execute("SELECT 1 FROM records LIMIT 1").fetchone() is None:
            version = VERSION
        elif version == 0:  # written when there were no versions yet
            version = 1
        if version != VERSION:
            raise StateError(f"{self._path} is a state of version {version}, and this is version {VERSION}")
        self._connection.execute(f"PRAGMA user_version = {version:d}")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def load(self, table: Table[Any, Any]) -> None:
        """Fill a table from the disk, in the order in which its rows were first written."""
        rows = self._connection.execute("SELECT body FROM records WHERE name = ? ORDER BY rowid", (table.name,))
        for (body,) in rows:
            try:
                record = decode(table.record_type, body)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise StateError(f"{self._path} has a record in {table.name} of another version: {error!r}") from None
            table.restore(table.key(record), record)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the changes made inside, or undo them all when an exception leaves the block."""
        try:
            yield
            self._write()
        except BaseException:
            for (table, key), old in reversed(self._journal.before.items()):
                table.restore(key, old)
            raise
        finally:
            self._journal.before.clear()

    def _write(self) -> None:
        changed = [(table, key) for (table, key), old in self._journal.before.items() if table.get(key) is not old]
        if not changed:
            return
        upserts = [(table.name, str(key), encode(table[key])) for table, key in changed if key in table]
        removals = [(table.name, str(key)) for table, key in changed if key not in table]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany("DELETE FROM records WHERE name = ? AND key = ?", removals)
            self._connection.executemany(
                "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (name, key) DO UPDATE SET body = excluded.body",
                upserts,
            )
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        for listener in self.listeners:
            listener(changed)
