"""The plugin of pulumi-random in the hands of the real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.toolchain.checkout import LIMIT, Checkout, forget_pulumi_settings, make_checkout, run
from toolchain.environment import pulumi_environment

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_random as random

config = pulumi.Config()
keepers = {"round": config.get("round") or "1"}
password = random.RandomPassword("password", length=12, min_special=2, keepers=keepers)
identity = random.RandomId("identity", byte_length=2, keepers={"of": password.result})
others = [
    random.RandomString("string", length=config.get_int("length") or 5),
    random.RandomInteger("integer", min=1, max=6),
    random.RandomPet("pet"),
    random.RandomUuid("uuid"),
    random.RandomUuid4("uuid4"),
    random.RandomUuid7("uuid7"),
    random.RandomBytes("bytes", length=2),
    random.RandomShuffle("shuffle", inputs=["a", "b"]),
]
pulumi.export("ids", pulumi.Output.all(identity.id, *(other.id for other in others)))
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    forget_pulumi_settings(monkeypatch)
    return make_checkout(tmp_path, PROGRAM)


def pulumi(checkout: Checkout, *arguments: str) -> str:
    done = run(["pulumi", *arguments, "--stack", "demo"], checkout.root, pulumi_environment(checkout.root))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def resources(checkout: Checkout, *flags: str) -> dict[str, dict[str, Any]]:
    state = json.loads(pulumi(checkout, "stack", "export", *flags))["deployment"]["resources"]
    return {item["urn"].rpartition("::")[2]: item for item in state}


def configure(checkout: Checkout, **config: str) -> None:
    values = {f"proxmox:{name}": value for name, value in config.items()}
    (checkout.root / "stacks" / "Pulumi.demo.yaml").write_text(json.dumps({"config": values}))


@pytest.mark.timeout(LIMIT)
def test_random_values_stay_until_an_input_changes(checkout: Checkout) -> None:
    assert checkout.labs("up").returncode == 0
    before = resources(checkout, "--show-secrets")
    assert "11 unchanged" in checkout.labs("up").stdout
    assert "11 unchanged" in checkout.labs("refresh").stdout

    configure(checkout, round="2")
    assert checkout.labs("up").returncode == 0
    after = resources(checkout, "--show-secrets")
    replaced = {name for name in before if before[name].get("outputs") != after[name].get("outputs")}
    assert replaced - {"proxmox-demo"} == {"password", "identity"}
    assert checkout.labs("down").returncode == 0
    assert "resources" not in json.loads(pulumi(checkout, "stack", "export"))["deployment"]


def test_a_password_is_nowhere_in_the_state_in_clear(checkout: Checkout) -> None:
    assert checkout.labs("up").returncode == 0
    password = resources(checkout, "--show-secrets")["password"]["outputs"]
    state = json.dumps(resources(checkout))
    for name in ("result", "bcryptHash"):
        assert json.loads(password[name]["plaintext"]) not in state


def test_a_bad_input_is_refused_in_the_preview_by_name(checkout: Checkout) -> None:
    configure(checkout, length="-1")
    done = checkout.labs("preview")
    assert done.returncode != 0
    assert "length" in done.stdout + done.stderr
    assert "must be at least 1, got -1" in done.stdout + done.stderr


def test_an_existing_string_is_imported_and_then_unchanged(checkout: Checkout) -> None:
    assert checkout.labs("preview").returncode == 0  # makes the stack
    configured = ["--config-file", str(checkout.root / ".pulumi" / "stacks" / "Pulumi.demo.yaml")]
    token = "random:index/randomString:RandomString"
    pulumi(
        checkout, "import", token, "string", "aB3$x", "--yes", "--protect=false", "--generate-code=false", *configured
    )
    assert checkout.labs("up").returncode == 0
    assert resources(checkout)["string"]["outputs"]["result"] == "aB3$x"
