"""The guest agent of a machine: programs, files, passwords and file systems inside it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import ApiError, PermissionDenied
from tests.simulator.guest_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A host with a running machine 101 whose agent answers."""
    made = Bench.open(tmp_path)
    made.ok("POST", "qemu/9000/clone", newid=101, name="web")
    made.ok("POST", "qemu/101/status/start")
    return made


def ran(bench: Bench, *argv: str, given: str | None = None) -> dict[str, Any]:
    """Run a program by the agent and return how it ended."""
    more = {} if given is None else {"input_data": given}
    pid = bench.call("POST", "qemu/101/agent/exec", command=list(argv), **more)["pid"]
    status: dict[str, Any] = bench.call("GET", "qemu/101/agent/exec-status", pid=pid)
    return status


def written(bench: Bench, path: str) -> str:
    """Read a file by the agent."""
    return str(bench.call("GET", "qemu/101/agent/file-read", file=path)["content"])


def test_a_program_runs_and_its_output_is_given_out_once(bench: Bench) -> None:
    pid = bench.call("POST", "qemu/101/agent/exec", command=["sh", "-c", "hostname; ls /nope"])["pid"]
    assert bench.call("GET", "qemu/101/agent/exec-status", pid=pid) == {
        "exited": 1, "exitcode": 2, "out-data": "web\n",
        "err-data": "ls: cannot access '/nope': No such file or directory\n",
    }  # fmt: skip
    with pytest.raises(ApiError, match="Agent error: Invalid parameter 'pid'"):
        bench.call("GET", "qemu/101/agent/exec-status", pid=pid)


def test_what_is_given_as_input_is_what_the_program_reads(bench: Bench) -> None:
    assert ran(bench, "cat", given="hello")["out-data"] == "hello"


def test_a_program_takes_its_time_on_the_clock(bench: Bench) -> None:
    bench.hold()
    bench.pass_time(30)
    pid = bench.call("POST", "qemu/101/agent/exec", command=["sleep", "20"])["pid"]
    assert bench.call("GET", "qemu/101/agent/exec-status", pid=pid) == {"exited": 0}
    bench.pass_time(21)
    assert bench.call("GET", "qemu/101/agent/exec-status", pid=pid) == {"exited": 1, "exitcode": 0}


def test_a_program_that_is_not_there_is_refused_by_the_agent(bench: Bench) -> None:
    with pytest.raises(ApiError, match=r"Agent error: .*Failed to execute child process .*nope.* \(No such file"):
        bench.call("POST", "qemu/101/agent/exec", command=["nope"])


def test_a_file_is_written_and_read_back(bench: Bench) -> None:
    bench.call("POST", "qemu/101/agent/file-write", file="/root/note", content="one\ntwo\n")
    assert bench.call("GET", "qemu/101/agent/file-read", file="/root/note") == {
        "content": "one\ntwo\n", "bytes-read": 8,
    }  # fmt: skip
    part = bench.call("GET", "qemu/101/agent/file-read", file="/root/note", count=3, offset=4, decode=0)
    assert part == {"content": base64.b64encode(b"two").decode(), "bytes-read": 3, "truncated": 1}
    assert ran(bench, "cat", "/root/note")["out-data"] == "one\ntwo\n"


def test_a_file_may_come_as_base64(bench: Bench) -> None:
    content = base64.b64encode(b"\x00\xff").decode()
    bench.call("POST", "qemu/101/agent/file-write", file="/root/raw", content=content, encode=0)
    assert bench.call("GET", "qemu/101/agent/file-read", file="/root/raw", decode=0)["content"] == content
    with pytest.raises(ApiError, match="Agent error: Base64 data '%' is not valid"):
        bench.call("POST", "qemu/101/agent/file-write", file="/root/raw", content="%", encode=0)


def test_a_file_that_is_not_there_or_cannot_be_is_refused(bench: Bench) -> None:
    with pytest.raises(ApiError, match=r"Agent error: failed to open file '/nope' \(mode: 'r'\): No such file"):
        written(bench, "/nope")
    with pytest.raises(ApiError, match=r"failed to open file '/nope/x' \(mode: 'wb'\): No such file or directory"):
        bench.call("POST", "qemu/101/agent/file-write", file="/nope/x", content="x")


def test_files_go_with_clones_and_snapshots_and_end_with_the_machine(bench: Bench) -> None:
    bench.call("POST", "qemu/101/agent/file-write", file="/root/note", content="first")
    bench.ok("POST", "qemu/101/snapshot", snapname="before")
    bench.call("POST", "qemu/101/agent/file-write", file="/root/note", content="second")
    bench.ok("POST", "qemu/101/clone", newid=102, full=1)
    bench.ok("POST", "qemu/101/clone", newid=103, full=1, snapname="before")
    bench.ok("POST", "qemu/103/status/start")
    assert bench.call("GET", "qemu/103/agent/file-read", file="/root/note")["content"] == "first"
    bench.ok("POST", "qemu/101/snapshot/before/rollback")
    bench.ok("POST", "qemu/101/status/start")
    assert written(bench, "/root/note") == "first"
    bench.ok("POST", "qemu/102/status/start")
    assert bench.call("GET", "qemu/102/agent/file-read", file="/root/note")["content"] == "second"
    bench.ok("POST", "qemu/101/status/stop")
    bench.ok("DELETE", "qemu/101")
    bench.ok("POST", "qemu/9000/clone", newid=101)
    bench.ok("POST", "qemu/101/status/start")
    with pytest.raises(ApiError, match="No such file or directory"):
        written(bench, "/root/note")


def test_a_password_is_set_for_users_that_there_are(bench: Bench) -> None:
    bench.call("POST", "qemu/101/agent/set-user-password", username="root", password="secret-1")
    first = written(bench, "/etc/shadow")
    assert "secret-1" not in first
    bench.call("POST", "qemu/101/agent/set-user-password", username="root", password="$6$x$y", crypted=1)
    assert "root:$6$x$y:" in written(bench, "/etc/shadow")
    with pytest.raises(ApiError, match="Agent error: child process has failed to set user password"):
        bench.call("POST", "qemu/101/agent/set-user-password", username="nobody-here", password="secret-1")


def test_a_frozen_machine_takes_no_other_command_until_it_is_thawed(bench: Bench) -> None:
    assert bench.call("POST", "qemu/101/agent/fsfreeze-status") == {"result": "thawed"}
    assert bench.call("POST", "qemu/101/agent/fsfreeze-freeze") == {"result": 1}
    assert bench.call("POST", "qemu/101/agent", command="fsfreeze-status") == {"result": "frozen"}
    refused = bench.call("GET", "qemu/101/agent/get-time")["result"]["error"]
    assert refused["desc"] == "Command guest-get-time has been disabled: the agent is in frozen state"
    with pytest.raises(ApiError, match="Agent error: Command guest-exec has been disabled"):
        ran(bench, "true")
    assert bench.call("POST", "qemu/101/agent/fsfreeze-thaw") == {"result": 1}
    assert ran(bench, "true") == {"exited": 1, "exitcode": 0}


def test_a_start_thaws_what_was_frozen(bench: Bench) -> None:
    bench.call("POST", "qemu/101/agent/fsfreeze-freeze")
    bench.ok("POST", "qemu/101/status/stop")
    bench.ok("POST", "qemu/101/status/start")
    assert bench.call("POST", "qemu/101/agent/fsfreeze-status") == {"result": "thawed"}


def test_the_file_systems_are_those_of_the_disk(bench: Bench) -> None:
    (system,) = bench.call("GET", "qemu/101/agent/get-fsinfo")["result"]
    assert (system["mountpoint"], system["type"]) == ("/", "ext4")
    assert system["used-bytes"] <= system["total-bytes"] < 3 << 30
    assert bench.call("POST", "qemu/101/agent/fstrim")["result"]["paths"][0]["path"] == "/"


@pytest.mark.parametrize("command", ["shutdown", "suspend-disk"])
def test_the_agent_powers_the_machine_off_and_gives_no_answer(bench: Bench, command: str) -> None:
    assert bench.call("POST", f"qemu/101/agent/{command}") == {"result": None}
    assert bench.guest(101).status == "stopped"


def test_a_machine_that_sleeps_does_not_answer(bench: Bench) -> None:
    bench.call("POST", "qemu/101/agent/suspend-ram")
    with pytest.raises(ApiError, match="QEMU guest agent is not running"):
        bench.call("POST", "qemu/101/agent/ping")


def test_why_an_agent_cannot_answer_is_told(bench: Bench) -> None:
    bench.ok("POST", "qemu/101/status/stop")
    with pytest.raises(ApiError, match="VM 101 is not running"):
        bench.call("POST", "qemu/101/agent/ping")
    bench.call("PUT", "qemu/101/config", agent=0)
    bench.ok("POST", "qemu/101/status/start")
    with pytest.raises(ApiError, match="QEMU guest agent is not running"):
        ran(bench, "true")
    bench.ok("POST", "qemu/101/status/stop")
    bench.call("PUT", "qemu/101/config", delete="agent")
    with pytest.raises(ApiError, match="No QEMU guest agent configured"):
        written(bench, "/etc/hostname")
    with pytest.raises(ApiError, match=r"Configuration file 'nodes/pve1/qemu-server/999\.conf' does not exist"):
        bench.call("GET", "qemu/999/agent/exec-status", pid=1)


def test_who_may_only_look_may_not_run_or_write(bench: Bench) -> None:
    bench.call("POST", "/access/roles", roleid="looker", privs="VM.GuestAgent.Audit,VM.GuestAgent.FileRead")
    bench.call("POST", "/access/users", userid="anna@pve")
    secret = bench.call("POST", "/access/users/anna@pve/token/tok", privsep=0)["value"]
    bench.call("PUT", "/access/acl", path="/vms/101", users="anna@pve", roles="looker")
    anna = bench.by(f"anna@pve!tok={secret}")
    assert anna("GET", "qemu/101/agent/file-read", file="/etc/hostname")["content"] == "web\n"
    assert anna("GET", "qemu/101/agent/get-host-name") == {"result": {"host-name": "web"}}
    for method, path, values in (
        ("POST", "exec", {"command": ["true"]}),
        ("POST", "file-write", {"file": "/x", "content": "x"}),
        ("POST", "fsfreeze-freeze", {}),
        ("POST", "shutdown", {}),
    ):
        with pytest.raises(PermissionDenied):
            anna(method, f"qemu/101/agent/{path}", **values)
