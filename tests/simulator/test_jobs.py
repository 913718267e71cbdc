"""Jobs: when they run, which guests they are about, and what a mapping or a metric server may be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.calendar import parse
from tests.simulator.client import Client

_NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""A Wednesday."""


@pytest.mark.parametrize(
    ("event", "following"),
    [
        ("daily", "2026-11-19 00:00:00"),
        ("02:00", "2026-11-19 02:00:00"),
        ("*/30", "2026-11-18 12:30:00"),
        ("sat 02:00", "2026-11-21 02:00:00"),
        ("mon..fri 22:30", "2026-11-18 22:30:00"),
        ("mon,fri", "2026-11-20 00:00:00"),
        ("8..17/2:15", "2026-11-18 12:15:00"),
        ("monthly", "2026-12-01 00:00:00"),
        ("2027-2-28 8:00", "2027-02-28 08:00:00"),
        ("*-2-29", "2028-02-29 00:00:00"),
        ("12:00:30", "2026-11-18 12:00:30"),
    ],
)
def test_a_calendar_event_happens_next_when_it_says(event: str, following: str) -> None:
    moment = parse(event).after(_NOON.timestamp())
    assert moment is not None
    assert f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}" == following


@pytest.mark.parametrize("text", ["", "foo", "25:00", "mon..", "fri..mon", "1-2-3-4", "*/0", "12:00 mon", "1:2:3:4"])
def test_what_is_no_calendar_event_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse"):
        parse(text)


def test_a_day_that_never_comes_has_no_next_time() -> None:
    assert parse("*-2-30").after(_NOON.timestamp()) is None


@given(st.text(max_size=20))
def test_any_text_is_an_event_or_refused(text: str) -> None:
    try:
        event = parse(text)
    except ValueError:
        return
    assert event.hours


@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    day=st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    begin=st.integers(0, 2_000_000_000),
)
def test_the_next_time_lies_ahead_within_a_week_and_fits_the_event(
    hour: int, minute: int, day: str, begin: int
) -> None:
    moment = parse(f"{day} {hour}:{minute:02}").after(begin)
    assert moment is not None
    assert begin < moment <= begin + 7 * 86400
    found = datetime.fromtimestamp(moment, UTC)
    assert (f"{found:%a}".lower(), found.hour, found.minute, found.second) == (day, hour, minute, 0)


def test_a_guest_that_no_job_backs_up_is_named(client: Client) -> None:
    client.call("POST", "/nodes/pve1/qemu", {"vmid": 150, "name": "saved"})
    client.call("POST", "/nodes/pve1/qemu", {"vmid": 151, "name": "forgotten"})
    client.call("POST", "/cluster/backup", {"id": "j1", "schedule": "daily", "storage": "local", "vmid": "150"})
    missing = {row["vmid"]: row["name"] for row in client.call("GET", "/cluster/backup-info/not-backed-up").data}
    assert missing[151] == "forgotten"
    assert 150 not in missing


def test_a_job_tells_which_volumes_it_backs_up(client: Client) -> None:
    disks = {"scsi0": "local-lvm:1", "scsi1": "local-lvm:1,backup=0"}
    client.call("POST", "/nodes/pve1/qemu", {"vmid": 150, "name": "vm", **disks})
    client.call("POST", "/cluster/backup", {"id": "j1", "schedule": "daily", "storage": "local", "vmid": "150"})
    guest = client.call("GET", "/cluster/backup/j1/included_volumes").data["children"][0]
    assert {row["id"]: row["reason"] for row in guest["children"]} == {
        "150:scsi0": "backup=yes",
        "150:scsi1": "backup=no",
    }


def test_only_an_enabled_job_has_a_next_run(client: Client) -> None:
    job = {"id": "j1", "schedule": "02:00", "storage": "local", "all": 1}
    client.call("POST", "/cluster/backup", job)
    assert client.call("GET", "/cluster/backup").data[0]["next-run"] > 0
    client.call("PUT", "/cluster/backup/j1", {"enabled": 0})
    assert "next-run" not in client.call("GET", "/cluster/backup").data[0]


def test_a_replication_job_needs_a_volume_that_can_be_copied(cluster_client: Client) -> None:
    storage = {"storage": "tank", "type": "zfspool", "pool": "tank", "content": "images"}
    assert cluster_client.call("POST", "/storage", storage).status == 200
    assert cluster_client.call("POST", "/nodes/pve1/qemu", {"vmid": 150, "scsi0": "tank:1"}).status == 200
    job = {"id": "150-0", "type": "local", "target": "pve2"}
    assert cluster_client.call("POST", "/cluster/replication", job).status == 200
    assert cluster_client.call("POST", "/nodes/pve1/replication/150-0/schedule_now").status == 200
    row = cluster_client.call("GET", "/nodes/pve1/replication").data[0]
    assert row["last_sync"] > 0
    assert row["next_sync"] > row["last_sync"]
    assert cluster_client.call("GET", "/nodes/pve2/replication").data == []


def test_a_mapping_of_one_node_warns_on_the_others(cluster_client: Client) -> None:
    mapping = {"id": "gpu", "map": ["node=pve1,path=0000:01:00.0,id=10de:1234"]}
    assert cluster_client.call("POST", "/cluster/mapping/pci", mapping).status == 200
    checks = {
        node: cluster_client.call("GET", "/cluster/mapping/pci", {"check-node": node}).data[0]["checks"]
        for node in ("pve1", "pve2")
    }
    assert checks["pve1"] == []
    assert checks["pve2"] == [{"severity": "warning", "message": "No mapping for node pve2."}]


def test_a_metric_server_has_only_the_options_of_its_type(client: Client) -> None:
    server = {"type": "graphite", "server": "192.0.2.9", "port": 2003}
    refused = client.call("POST", "/cluster/metrics/server/g1", server | {"bucket": "x"})
    assert (refused.status, refused.reason) == (500, "unexpected property 'bucket'")
    assert client.call("POST", "/cluster/metrics/server/g1", server | {"proto": "tcp"}).status == 200
    read = client.call("GET", "/cluster/metrics/server/g1").data
    assert (read["port"], read["proto"]) == (2003, "tcp")


def test_the_token_of_a_metric_server_is_not_told(client: Client) -> None:
    server = {"type": "influxdb", "server": "192.0.2.80", "port": 8086, "token": "s3cret"}
    assert client.call("POST", "/cluster/metrics/server/i1", server).status == 200
    assert "token" not in client.call("GET", "/cluster/metrics/server/i1").data


def test_the_datacenters_texts_end_with_a_line_and_lists_of_tags_are_lists(client: Client) -> None:
    options = {"description": "one\ntwo", "user-tag-access": "user-allow=list,user-allow-list=a;b"}
    assert client.call("PUT", "/cluster/options", options).status == 200
    read = client.call("GET", "/cluster/options").data
    assert read["description"] == "one\ntwo\n"
    assert read["user-tag-access"] == {"user-allow": "list", "user-allow-list": ["a", "b"]}
