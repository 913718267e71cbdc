"""`proxmox-labs up|preview|refresh|down`, on a small checkout with the real engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.toolchain.checkout import Checkout, forget_pulumi_settings, make_checkout, run
from toolchain.environment import pulumi_environment

PROGRAM = """
import pulumi

config = pulumi.Config()
if config.get_bool("broken"):
    raise pulumi.RunError("the program is broken")
pulumi.export("greeting", "hello")
pulumi.export("token", config.get_secret("token"))
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    forget_pulumi_settings(monkeypatch)
    return make_checkout(tmp_path, PROGRAM)


def pulumi(checkout: Checkout, *arguments: str) -> str:
    done = run(["pulumi", *arguments, "--stack", "demo"], checkout.root, pulumi_environment(checkout.root))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.engine
def test_up_makes_the_stack_prints_its_outputs_and_says_what_next(checkout: Checkout) -> None:
    done = checkout.labs("up")
    assert done.returncode == 0, done.stderr
    assert 'greeting: "hello"' in done.stdout
    assert "make preview                      after a change" in done.stdout
    assert "make down" in done.stdout


@pytest.mark.engine
def test_no_operation_changes_the_checkout_or_the_users_home(checkout: Checkout) -> None:
    for operation in ("preview", "up", "up", "refresh", "down"):
        assert checkout.labs(operation).returncode == 0
        assert checkout.git_status() == ""
    assert not (checkout.home / ".pulumi").exists()


@pytest.mark.engine
def test_a_secret_added_with_pulumi_itself_works_in_later_operations(checkout: Checkout) -> None:
    assert checkout.labs("up").returncode == 0
    pulumi(checkout, "config", "set", "--secret", "proxmox:token", "hunter2")
    assert "secure:" in (checkout.root / "stacks" / "Pulumi.demo.yaml").read_text()
    up = checkout.labs("up")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "hunter2" not in up.stdout
    assert json.loads(pulumi(checkout, "stack", "output", "--json", "--show-secrets"))["token"] == "hunter2"


@pytest.mark.engine
def test_a_stack_removed_for_good_keeps_its_file_and_can_come_back(checkout: Checkout) -> None:
    assert checkout.labs("up").returncode == 0
    assert checkout.labs("down", "--remove").returncode == 0
    assert checkout.git_status() == ""
    assert checkout.labs("up").returncode == 0


@pytest.mark.engine
def test_a_failure_of_the_program_is_reported_without_what_next(checkout: Checkout) -> None:
    (checkout.root / "stacks" / "Pulumi.demo.yaml").write_text("config:\n  proxmox:broken: true\n")
    done = checkout.labs("up")
    assert done.returncode != 0
    assert "the program is broken" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "What next" not in done.stdout


def test_pulumis_exit_code_is_passed_on(checkout: Checkout) -> None:
    replace_pulumi(checkout, '[ "$1" = stack ] || exit 42')

    assert checkout.labs("up").returncode == 42


@pytest.mark.parametrize("operation", ["up", "down"])
def test_what_fails_on_one_host_does_not_end_the_run(checkout: Checkout, operation: str) -> None:
    replace_pulumi(checkout, '[ "$1" = stack ] || echo "asked for: $*"')

    assert "--continue-on-error" in checkout.labs(operation).stdout


@pytest.mark.parametrize(
    ("page", "words", "asks"),
    [
        ("config: {}\n", [], True),
        ("config: {}\n", ["--yes"], False),
        ("config: {proxmox:simulator: standalone}\n", [], False),
    ],
    ids=["real hosts", "real hosts, and it was said", "simulated hosts"],
)
@pytest.mark.parametrize("operation", ["up", "down"])
def test_at_a_terminal_pulumi_asks_before_it_changes_real_hosts(
    checkout: Checkout, operation: str, page: str, words: list[str], asks: bool
) -> None:
    (checkout.root / "stacks" / "Pulumi.demo.yaml").write_text(page)
    replace_pulumi(checkout, '[ "$1" = stack ] || { echo "asked for: $*"; exit 42; }')

    told = checkout.at_a_terminal(operation, *words)

    asked_for = next(line for line in told.splitlines() if line.startswith("asked for: "))
    assert ("--yes" not in asked_for, "--skip-preview" not in asked_for) == (asks, asks)


def replace_pulumi(checkout: Checkout, does: str) -> None:
    """Put a script in Pulumi's place."""
    tools = checkout.root / ".toolchain" / "bin"
    tools.unlink(missing_ok=True)
    tools.mkdir()
    (tools / "pulumi").write_text(f"#!/bin/sh\n{does}\n")
    (tools / "pulumi").chmod(0o755)


def test_an_unknown_stack_is_one_line_which_names_the_known_ones(checkout: Checkout) -> None:
    done = checkout.labs("up", "--stack", "nope")
    assert done.returncode == 1
    missing = "stacks/Pulumi.nope.yaml is missing (there are: demo)"
    assert done.stderr.splitlines() == [f"error: there is no stack nope: {missing}"]


def test_missing_tools_are_one_line_which_says_how_to_get_them(checkout: Checkout) -> None:
    (checkout.root / ".toolchain" / "bin").unlink(missing_ok=True)
    done = checkout.labs("preview", PATH="/nonexistent")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "run `make setup`" in done.stderr
