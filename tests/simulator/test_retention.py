"""Which backups pruning keeps: the arithmetic against another way to say it, and what is seen through the API."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.backup.retention import KEEP, PROTECTED, REMOVE, RENAMED, Entry, marked
from simulator.errors import ApiError
from simulator.records import Volume
from tests.simulator.guest_bench import Bench

_UTC = ZoneInfo("UTC")
_FORMATS = {
    "keep-last": "%s", "keep-hourly": "%Y-%m-%d %H", "keep-daily": "%Y-%m-%d", "keep-weekly": "%G week %V",
    "keep-monthly": "%Y-%m", "keep-yearly": "%Y",
}  # fmt: skip
_BASE = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


def _period(rule: str, moment: int) -> str:
    return str(moment) if rule == "keep-last" else datetime.fromtimestamp(moment, UTC).strftime(_FORMATS[rule])


def _kept(moments: set[int], keep: dict[str, int]) -> set[int]:
    """Say the rules the other way round: each names, newest first, the periods from which it has one kept."""
    if not any(keep.values()):
        return moments
    kept: set[int] = set()
    dropped: set[int] = set()
    for rule in _FORMATS:
        covered = {_period(rule, moment) for moment in kept}
        open_periods = [
            period
            for period in dict.fromkeys(_period(rule, m) for m in sorted(moments - kept - dropped, reverse=True))
            if period not in covered
        ]
        for period in open_periods[: keep.get(rule, 0)]:
            members = {m for m in moments - kept - dropped if _period(rule, m) == period}
            kept.add(max(members))
            dropped |= members - {max(members)}
    return kept


def _entry(moment: int, vmid: int = 100, mark: str = "") -> Entry:
    return Entry(f"local:backup/{vmid}/{moment}", "qemu", vmid, moment, mark)


_MOMENTS = st.sets(
    st.integers(0, 3 * 366 * 24).map(lambda hours: _BASE + hours * 3600)
    | st.integers(0, 200 * 60).map(lambda minutes: _BASE + minutes * 60),
    max_size=40,
)
_KEEP = st.fixed_dictionaries({}, optional={rule: st.integers(0, 5) for rule in _FORMATS})


@given(_MOMENTS, _KEEP)
def test_the_rules_keep_the_newest_of_each_period_that_no_earlier_rule_has_covered(
    moments: set[int], keep: dict[str, int]
) -> None:
    found = {entry.ctime: entry.mark for entry in marked([_entry(moment) for moment in moments], keep, _UTC)}
    assert {moment for moment, mark in found.items() if mark == KEEP} == _kept(moments, keep)
    assert set(found.values()) <= {KEEP, REMOVE}


@given(_MOMENTS, _MOMENTS, _KEEP)
def test_what_is_protected_or_renamed_stays_and_takes_no_ones_place(
    moments: set[int], others: set[int], keep: dict[str, int]
) -> None:
    untouched = [_entry(moment, mark=PROTECTED if moment % 2 else RENAMED) for moment in others]
    plain = [_entry(moment) for moment in moments]
    found = marked([*untouched, *plain], keep, _UTC)
    assert set(untouched) <= set(found)
    assert set(found) - set(untouched) == set(marked(plain, keep, _UTC))


@given(_MOMENTS, _KEEP)
def test_each_guest_has_rules_of_its_own(moments: set[int], keep: dict[str, int]) -> None:
    both = marked([_entry(moment, vmid) for moment in moments for vmid in (100, 101)], keep, _UTC)
    alone = marked([_entry(moment) for moment in moments], keep, _UTC)
    assert {e for e in both if e.vmid == 100} == set(alone)


def test_days_are_those_of_the_nodes_time_zone() -> None:
    evening, night = (int(datetime(2026, 5, 1, hour, tzinfo=UTC).timestamp()) for hour in (21, 23))
    entries = [_entry(evening), _entry(night)]
    assert [e.mark for e in marked(entries, {"keep-daily": 5}, _UTC)] == [KEEP, REMOVE]
    assert [e.mark for e in marked(entries, {"keep-daily": 5}, ZoneInfo("Europe/Vienna"))] == [KEEP, KEEP]


def _put(bench: Bench, name: str, vmid: int | None, *, protected: bool = False) -> str:
    volume = Volume(
        storage="local", node="pve1", name=f"backup/{name}", content="backup", format="vma.zst", size=1, used=1,
        vmid=vmid, ctime=_BASE, protected=protected,
    )  # fmt: skip
    with bench.world.database.transaction():
        return bench.datacenter.volumes.put(volume).volid


@pytest.fixture
def backups(bench: Bench) -> dict[str, str]:
    """Four days of a machine's backups, one of them protected; a renamed one; and one of a container."""
    names = {f"day{day}": f"vzdump-qemu-101-2026_03_0{day}-12_00_00.vma.zst" for day in range(1, 5)}
    found = {key: _put(bench, name, 101, protected=key == "day2") for key, name in names.items()}
    found["renamed"] = _put(bench, "vzdump-qemu-101-before-upgrade.vma.zst", 101)
    found["container"] = _put(bench, "vzdump-lxc-102-2026_03_01-12_00_00.tar.zst", 102)
    return found


def test_a_preview_names_what_would_go(bench: Bench, backups: dict[str, str]) -> None:
    rows = bench.call("GET", "storage/local/prunebackups", prune_backups="keep-last=1")
    marks = {row["volid"]: row["mark"] for row in rows}
    assert marks == {
        backups["day1"]: REMOVE, backups["day2"]: PROTECTED, backups["day3"]: REMOVE, backups["day4"]: KEEP,
        backups["renamed"]: RENAMED, backups["container"]: KEEP,
    }  # fmt: skip
    day1 = next(row for row in rows if row["volid"] == backups["day1"])
    assert day1 == {
        "volid": backups["day1"], "type": "qemu", "vmid": 101, "mark": REMOVE,
        "ctime": int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()),
    }  # fmt: skip
    of_containers = bench.call("GET", "storage/local/prunebackups", prune_backups="keep-last=1", type="lxc")
    assert [row["volid"] for row in of_containers] == [backups["container"]]


def test_pruning_removes_what_the_preview_named_and_logs_it(bench: Bench, backups: dict[str, str]) -> None:
    task = bench.ok("DELETE", "storage/local/prunebackups", prune_backups="keep-last=1", vmid=101)
    assert (task.type, task.id) == ("prunebackups", "101@local")
    assert set(task.log) == {f"removing backup '{backups[day]}'" for day in ("day1", "day3")} | {"TASK OK"}
    left = {row["volid"] for row in bench.call("GET", "storage/local/content", content="backup")}
    assert left == {backups[key] for key in ("day2", "day4", "renamed", "container")}


def test_without_rules_of_its_own_a_call_takes_those_of_the_storage(bench: Bench, backups: dict[str, str]) -> None:
    with pytest.raises(ApiError, match="no prune-backups options configured for storage 'local'"):
        bench.call("GET", "storage/local/prunebackups")
    bench.call("PUT", "/storage/local", prune_backups="keep-all=1")
    marks = {row["mark"] for row in bench.call("GET", "storage/local/prunebackups") if row["volid"] == backups["day1"]}
    assert marks == {KEEP}
    with pytest.raises(ApiError, match="storage 'local-lvm' does not support backups"):
        bench.call("GET", "storage/local-lvm/prunebackups", prune_backups="keep-last=1")
