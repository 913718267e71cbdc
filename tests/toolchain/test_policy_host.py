"""What runs a policy pack where the language host is older than the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from tests.toolchain.checkout import LIMIT
from tests.toolchain.test_random_plugin import serves
from toolchain.environment import pulumi_environment

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "toolchain" / "host-python"
PACK = """
from pulumi_policy import PolicyPack, ResourceValidationPolicy



def look(args, report):
    print("looking at", args.name)
    report(args.name)


PolicyPack("tiny", [ResourceValidationPolicy("none", "Nothing at all.", look)])
"""


class Host:
    """The process, and the engine's end of the line to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.pid, self.port = int(process.stdout.readline()), int(process.stdout.readline())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.stub = analyzer_pb2_grpc.AnalyzerStub(self.channel)

    def shakes_hands(self, pack: Path) -> None:
        """What the engine does first."""
        self.stub.Handshake(analyzer_pb2.AnalyzerHandshakeRequest(program_directory=str(pack)), timeout=LIMIT)

    def ended(self) -> bool:
        """Whether it has ended, within a while."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if not serves(self.port):
                return True
            time.sleep(0.1)
        return False


@pytest.fixture
def host() -> Iterator[Host]:
    """It runs as the language host would start it: with an empty name for the program, and as its child."""
    script = f"{SCRIPT} '' 127.0.0.1:1 & echo $!; wait"
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix}
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, text=True, env=environment) as process:
        found = Host(process)
        try:
            yield found
        finally:
            found.channel.close()
            process.kill()
            if not found.ended():
                os.kill(found.pid, signal.SIGKILL)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "__main__.py").write_text(PACK)
    return tmp_path


def test_after_the_handshake_the_pack_answers(host: Host, pack: Path) -> None:
    host.shakes_hands(pack)

    info = host.stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=LIMIT)
    told = host.stub.Analyze(analyzer_pb2.AnalyzeRequest(type="a:b:C", name="it"), timeout=LIMIT)

    assert (info.name, [policy.name for policy in info.policies]) == ("tiny", ["none"])
    assert [each.message for each in told.diagnostics] == ["Nothing at all.\nit"]
    assert host.process.stdout is not None
    assert host.process.stdout.readline() == "looking at it\n"


def test_a_folder_without_a_pack_is_refused_and_the_process_ends(host: Host, tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("raise SystemExit(1)")

    with pytest.raises(grpc.RpcError) as refused:
        host.shakes_hands(tmp_path)

    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.details() == f"{tmp_path} has no policy pack"
    assert host.ended()


def test_before_the_handshake_nothing_is_answered(host: Host) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        host.stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=LIMIT)

    assert refused.value.details() == "there was no handshake"


def test_it_ends_with_the_language_host(host: Host, pack: Path) -> None:
    host.shakes_hands(pack)

    host.process.kill()

    assert host.ended()


def test_any_other_program_runs_as_ever() -> None:
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix}
    command = [str(SCRIPT), "-c", "import sys; print(sys.argv)", "", "x y"]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=LIMIT)

    assert done.stdout == "['-c', '', 'x y']\n"


def test_it_is_used_with_the_tools_of_the_set_up_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    assert "PULUMI_PYTHON_CMD" not in pulumi_environment(tmp_path)

    (tmp_path / ".toolchain" / "bin").mkdir(parents=True)
    assert Path(pulumi_environment(tmp_path)["PULUMI_PYTHON_CMD"]) == SCRIPT

    monkeypatch.setenv("PULUMI_PYTHON_CMD", "/usr/bin/python3")
    assert pulumi_environment(tmp_path)["PULUMI_PYTHON_CMD"] == "/usr/bin/python3"
