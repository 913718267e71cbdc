"""What is committed is on disk, what is rolled back is nowhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.records import Acl, Guest, Pool, Snapshot, Task
from simulator.state import Datacenter, World
from simulator.store import STATE, VERSION, StateError, decode, encode

_TEXTS = st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4)
_GUESTS = st.builds(
    Guest,
    vmid=st.integers(100, 999),
    type=st.sampled_from(["qemu", "lxc"]),
    node=st.text(max_size=5),
    config=_TEXTS,
    pending_delete=st.dictionaries(st.text(max_size=5), st.booleans(), max_size=3),
    snapshots=st.dictionaries(st.text(max_size=5), st.builds(Snapshot, config=_TEXTS), max_size=3),
    started=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    pid=st.none() | st.integers(1, 9999),
)
_POOLS = st.builds(
    Pool, poolid=st.text(max_size=9), vms=st.frozensets(st.integers(1, 9)), storages=st.frozensets(st.text(max_size=4))
)


@given(_GUESTS | _POOLS)
def test_a_record_reads_back_as_it_was_written(record: Guest | Pool) -> None:
    assert decode(type(record), encode(record)) == record


def test_nested_mappings_and_tuples_read_back() -> None:
    acl = Acl(path="/", entries={"user/a@pve": {"PVEAdmin": True}})
    task = Task(upid="u", node="n", type="t", id="", user="r", pid=1, pstart=2, starttime=3, log=("a", "b"))
    assert decode(Acl, encode(acl)) == acl
    assert decode(Task, encode(task)) == task


def _world(path: Path) -> tuple[World, Datacenter]:
    world = World(path / STATE)
    return world, world.add("pve")


def test_a_committed_change_is_there_after_opening_the_file_again(tmp_path: Path) -> None:
    world, datacenter = _world(tmp_path)
    with world.database.transaction():
        datacenter.pools.put(Pool(poolid="a"))
        datacenter.pools.put(Pool(poolid="b"))
    with world.database.transaction():
        datacenter.pools.delete("a")
        datacenter.pools.put(replace(datacenter.pools["b"], comment="changed"))
    world.database.close()
    again, reopened = _world(tmp_path)
    assert list(reopened.pools) == [Pool(poolid="b", comment="changed")]
    again.database.close()


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    world, datacenter = _world(tmp_path)
    with world.database.transaction():
        datacenter.pools.put(Pool(poolid="a"))
    world.database.close()
    _edit(tmp_path, "UPDATE records SET body = replace(body, 'poolid', 'id')")
    with pytest.raises(StateError, match=r"^\S+ has a record in pve/pools of another version: KeyError\('id'\)$"):
        _world(tmp_path)
    _edit(tmp_path, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StateError, match=rf" is a state of version {VERSION + 1}, and this is version {VERSION}$"):
        _world(tmp_path)
    (tmp_path / STATE).write_bytes(b"no database, but long enough to have been one" * 100)
    with pytest.raises(StateError, match=r"^\S+ cannot be read: [^\n]+$"):
        _world(tmp_path)


def _edit(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path / STATE, isolation_level=None)) as state:
        state.execute(statement)


def test_a_failed_transaction_leaves_memory_indexes_and_disk_as_they_were(tmp_path: Path) -> None:
    world, datacenter = _world(tmp_path)
    with world.database.transaction():
        datacenter.guests.put(Guest(vmid=100, type="qemu", node="pve1"))

    def fail() -> None:
        with world.database.transaction():
            datacenter.guests.put(Guest(vmid=100, type="qemu", node="pve2"))
            datacenter.guests.put(Guest(vmid=101, type="lxc", node="pve2"))
            datacenter.guests.delete(100)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [guest.vmid for guest in datacenter.guests.by("place", ("qemu", "pve1"))] == [100]
    assert datacenter.guests.by("place", ("lxc", "pve2")) == []
    world.database.close()
    again, reopened = _world(tmp_path)
    assert list(reopened.guests) == [Guest(vmid=100, type="qemu", node="pve1")]
    again.database.close()


def test_an_index_follows_a_record_that_moves(tmp_path: Path) -> None:
    world, datacenter = _world(tmp_path)
    with world.database.transaction():
        guest = datacenter.guests.put(Guest(vmid=100, type="qemu", node="pve1"))
        datacenter.guests.put(replace(guest, node="pve2"))
    assert datacenter.guests.by("place", ("qemu", "pve1")) == []
    assert datacenter.guests.by("place", ("qemu", "pve2"))[0].vmid == 100
    world.database.close()
