"""`proxmox-labs policies`, a stack's settings of them, and `up` and `preview` of a stack that has some."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli import policies, policy_settings
from cli.main import app
from policies.pack import POLICIES
from tests.toolchain.checkout import ROOT, Checkout, forget_pulumi_settings, make_checkout

PROGRAM = """
import pulumi
from pulumi import dynamic


class Provider(dynamic.ResourceProvider):
    def create(self, props):
        return dynamic.CreateResult("lxc/100", props)


class Container(dynamic.Resource, module="proxmox", name="Container"):
    pass


Container(Provider(), "dns", {"hostname": "dns", "vmid": 100, "memory": 512})
"""
UNSAVED = "container dns (VMID 100) is in no backup job of this stack."


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    forget_pulumi_settings(monkeypatch)
    checkout = make_checkout(tmp_path, PROGRAM)
    (checkout.root / "policies").symlink_to(ROOT / "policies")
    return checkout


def example() -> str:
    """The settings that the guide shows."""
    return policies.GUIDE.read_text().partition("```json\n")[2].partition("```")[0]


def settings(checkout: Checkout, values: Any) -> None:
    (checkout.root / "stacks" / "Policies.demo.json").write_text(json.dumps(values))


@pytest.mark.engine
def test_a_stack_with_policies_is_changed_only_as_they_let_it(checkout: Checkout) -> None:
    settings(checkout, json.loads(example()))
    refused = checkout.labs("up")
    assert refused.returncode != 0
    assert UNSAVED in refused.stdout
    assert "created" not in refused.stdout

    settings(checkout, {})
    advised = checkout.labs("up")
    assert advised.returncode == 0, advised.stdout + advised.stderr
    assert UNSAVED in advised.stdout
    assert "2 created" in advised.stdout


@pytest.mark.engine
def test_a_slip_in_the_settings_ends_the_run_before_it_begins(checkout: Checkout) -> None:
    settings(checkout, {"guests-are-backd-up": "mandatory"})

    done = checkout.labs("preview")

    assert done.returncode == 1
    assert "error: Policies.demo.json: there is no policy guests-are-backd-up; there are: guests-are-" in done.stderr


def test_without_settings_a_run_keeps_to_no_policy(tmp_path: Path) -> None:
    assert policy_settings.flags(tmp_path, "demo") == []


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (
            {"ram-limit": "strict"},
            "ram-limit: 'strict' is no level; there are: mandatory, advisory, disabled",
        ),
        ({"all": 1}, "all: 1 is neither a level nor a map"),
        ({"ram-limit": {"gib": 4}}, "ram-limit: there is no setting gib; there are: stack_gib, guest_gib"),
        (
            {"guest-names": {"pattern": "["}},
            "guest-names: pattern: '[' is no regular expression: unterminated character set at position 0",
        ),
        (
            {"guest-tags": {"required": ["web", "("]}},
            "guest-tags: required: '(' is no regular expression: missing ), unterminated subpattern at position 0",
        ),
        ({"all": {"stack_gib": 4}}, "all: there is no setting stack_gib; there are: none"),
    ],
)
def test_what_is_wrong_is_said_with_what_there_is(values: dict[str, Any], wrong: str) -> None:
    assert list(policy_settings.problems(values)) == [wrong]


names = st.one_of(st.sampled_from([*(policy.name for policy in POLICIES), "all"]), st.text(max_size=5))
values = st.one_of(
    st.sampled_from(policy_settings.LEVELS),
    st.none(),
    st.dictionaries(
        st.sampled_from(["enforcementLevel", "stack_gib", "allowed", "x"]), st.sampled_from(["advisory", 1])
    ),
)


@given(st.dictionaries(names, values))
def test_settings_without_a_problem_hold_as_they_are(given_settings: dict[str, Any]) -> None:
    if list(policy_settings.problems(given_settings)):
        return
    for rule in policy_settings.rules(given_settings):
        own = given_settings.get(rule.name, {})
        asked = {"enforcementLevel": own} if isinstance(own, str) else own
        assert rule.settings.items() >= {k: v for k, v in asked.items() if k != "enforcementLevel"}.items()
        assert rule.level == asked.get("enforcementLevel", rule.level)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["policies", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


def test_the_list_tells_levels_and_values_as_the_stack_has_them(checkout: Checkout) -> None:
    settings(checkout, {"all": "advisory", "ram-limit": {"enforcementLevel": "mandatory", "stack_gib": 64}})

    told = json.loads(run("--json", "--stack", "demo", "--directory", str(checkout.root)))
    levels = {rule["name"]: rule["level"] for rule in told}

    assert set(levels) == {policy.name for policy in POLICIES}
    assert levels.pop("ram-limit") == "mandatory"
    assert set(levels.values()) == {"advisory"}
    assert {"stack_gib": 64, "guest_gib": 0} in [rule["settings"] for rule in told]


def test_there_is_no_list_for_a_stack_that_is_not_there() -> None:
    done = CliRunner().invoke(app, ["policies", "--stack", "nope"])

    assert done.exit_code == 1
    assert done.stderr.startswith("error: there is no stack nope: ")


def test_the_list_is_for_people_too_and_without_colour_in_a_pipe() -> None:
    told = run()

    assert "exposed-guests-have-a-firewall" in told
    assert "[a-z][a-z0-9-]{0,62}" in told
    assert "\x1b" not in told


def test_the_guide_is_up_to_date() -> None:
    assert policies.GUIDE.read_text() == policies.guide(), "run `make docs`"
    for policy in POLICIES:
        assert f"`{policy.name}`" in policies.GUIDE.read_text()


def test_the_guides_settings_are_good_ones(tmp_path: Path) -> None:
    file = tmp_path / "Policies.demo.json"
    file.write_text(example())

    assert policy_settings.load(file)["no-public-ssh"] == "mandatory"
