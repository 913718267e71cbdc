"""Series of measurements: their spacing, their names, and the gaps in them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from simulator.errors import ApiError
from tests.simulator.guest_bench import Bench


def series(bench: Bench, path: str, timeframe: str = "hour", **values: Any) -> list[dict[str, Any]]:
    """Return the rows of a timeframe."""
    rows: list[dict[str, Any]] = bench.call("GET", f"{path}/rrddata", timeframe=timeframe, **values)
    return rows


@pytest.mark.parametrize(
    ("timeframe", "step", "count"),
    [("hour", 60, 59), ("day", 60, 1439), ("week", 1800, 335), ("month", 1800, 1439), ("year", 21600, 1439),
     ("decade", 604800, 569)],
)  # fmt: skip
def test_a_timeframe_has_its_own_spacing(bench: Bench, timeframe: str, step: int, count: int) -> None:
    rows = series(bench, "/nodes/pve1", timeframe)
    times = [row["time"] for row in rows]
    assert len(times) == count
    assert {later - earlier for earlier, later in pairwise(times)} == {step}
    assert times[0] % step == 0
    assert 0 < bench.world.clock.now() - times[-1] <= 2 * step


def test_a_node_shows_what_its_database_holds(bench: Bench) -> None:
    last = series(bench, "/nodes/pve1")[-1]
    assert last.keys() == {
        "time", "loadavg", "maxcpu", "cpu", "iowait", "memtotal", "memused", "memavailable", "swaptotal", "swapused",
        "roottotal", "rootused", "netin", "netout", "arcsize", "pressurecpusome", "pressureiosome", "pressureiofull",
        "pressurememorysome", "pressurememoryfull",
    }  # fmt: skip
    assert last["maxcpu"] == 32
    assert 0 < last["cpu"] < 1
    assert last["memused"] + last["memavailable"] == last["memtotal"]


def test_a_guest_has_no_past_from_before_it_was_made_and_rests_while_it_is_stopped(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1", memory="1024")
    bench.hold()
    bench.pass_time(1200)
    assert all(row.keys() == {"time"} for row in series(bench, "qemu/101")[:30])
    assert {row["cpu"] for row in series(bench, "qemu/101")[-10:]} == {0}
    bench.call("POST", "qemu/101/status/start")
    bench.pass_time(5)
    bench.pass_time(1200)
    rows = series(bench, "qemu/101")
    assert all(0 < row["mem"] < row["maxmem"] == 1 << 30 for row in rows[-15:])
    assert {row["mem"] for row in rows[-35:-25]} == {0}


def test_the_past_does_not_change_and_peaks_are_above_averages(bench: Bench) -> None:
    bench.container(101)
    first = series(bench, "/nodes/pve1")
    assert series(bench, "/nodes/pve1")[5:50] == first[5:50]
    average = series(bench, "/nodes/pve1", "week")[-1]
    peak = series(bench, "/nodes/pve1", "week", cf="MAX")[-1]
    assert peak["cpu"] > average["cpu"]
    assert peak["maxcpu"] == average["maxcpu"]


def test_a_storage_shows_what_is_used_of_it(bench: Bench) -> None:
    last = series(bench, "storage/local")[-1]
    assert last["total"] == 200 << 30
    assert 0 < last["used"] < last["total"]


def test_a_graph_is_a_file_of_one_or_two_values(bench: Bench) -> None:
    bench.container(101)
    graph = bench.call("GET", "lxc/101/rrd", timeframe="hour", ds="cpu,mem")
    assert graph == {"filename": "/var/lib/rrdcached/db/pve-vm-9.0/101_cpu_mem.png"}
    with pytest.raises(ApiError, match="RRD error: No DS called 'nope'"):
        bench.call("GET", "storage/local/rrd", timeframe="hour", ds="nope")
    with pytest.raises(ApiError, match="fixme: no color definition"):
        bench.call("GET", "/nodes/pve1/rrd", timeframe="hour", ds="cpu,iowait,loadavg")


@pytest.mark.parametrize("path", ["qemu/999", "lxc/999", "/nodes/nope"])
def test_what_was_never_measured_has_no_series(bench: Bench, path: str) -> None:
    with pytest.raises(ApiError, match=r"RRD error: opening '/var/lib/rrdcached/db/pve2-.*': No such file"):
        series(bench, path)
