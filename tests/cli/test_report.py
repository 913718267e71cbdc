"""A preview as a comment: what it says, that anything in it stays in its cell, and that no limit is passed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.report.capacity import room_of
from cli.report.events import preview_in
from cli.report.fold import size_of
from cli.report.kinds import kinds
from cli.report.markdown import LIMITS, comment, mark_of
from cli.report.plan import Plan, plan_of
from tests.cli.previews import TEXTS, machine, previews, state, step

UNESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\|")
SMALLEST = 65_536


def plan(*steps: dict[str, Any], said: tuple[tuple[str, str], ...] = ()) -> Plan:
    """Of these steps, after which the engine has said something."""
    diagnostics = [{"severity": severity, "message": message} for severity, message in said]
    return plan_of({"steps": list(steps), "diagnostics": diagnostics}, kinds())


def text_of(found: Plan, limit: int = SMALLEST) -> str:
    return comment(found, "demo", limit)


@given(previews())
def test_every_row_has_as_many_cells_as_its_table(told: dict[str, Any]) -> None:
    text = text_of(plan_of(told, kinds()))

    width = 0
    for line in text.splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(UNESCAPED.findall(line))
        assert width in (0, cells), line
        width = cells


@given(previews(), st.integers(6_000, 60_000))
def test_no_limit_is_passed_and_whatever_is_opened_is_closed(told: dict[str, Any], limit: int) -> None:
    text = text_of(plan_of(told, kinds()), limit)

    assert size_of(text) <= limit
    assert text.startswith(f"{mark_of('demo')}\n")
    assert len(re.findall(r"(?m)^<details>", text)) == len(re.findall(r"(?m)^</details>$", text))
    assert len(re.findall(r"(?m)^```", text)) % 2 == 0


@given(TEXTS.map(str.strip).filter(lambda text: len(text) >= 3), previews())
def test_a_secret_is_nowhere_not_even_within_names(secret: str, told: dict[str, Any]) -> None:
    secret = f"§{secret}§"
    told["steps"].append(step("create", f"for-{secret}", None, machine(name=f"web-{secret}", cipassword=secret)))
    told["diagnostics"].append({"severity": "error", "message": f"it is not {secret}"})

    text = text_of(plan_of(told, kinds()))

    assert "§" not in text


def test_many_changes_are_folded_into_a_line_that_says_how_many() -> None:
    steps = [step("create", f"web-{number}", None, machine(vmid=100 + number)) for number in range(2_000)]

    small, large = text_of(plan(*steps), LIMITS["github"]), text_of(plan(*steps), LIMITS["gitlab"])

    (left,) = re.findall(r"… (\d+) more changed resources: see the job's log", small)
    shown = len(re.findall(r"\| web-\d+ \(VirtualMachine\)", small))
    assert shown + int(left) == 2_000
    assert size_of(small) > LIMITS["github"] * 0.9
    assert "more changed resources" not in large


def test_the_headline_says_the_worst_first() -> None:
    found = plan(
        step("create", "new", None, machine()),
        step("update", "db", machine(), machine(cores=4, impact="cores: reboot")),
        step("delete", "old", machine()),
        said=(("error", "error: VirtualMachine resource 'x' has a problem: node: pve9 is not there\n"),),
    )

    line = text_of(found).splitlines()[2]

    assert line == (
        "## Preview of demo: **refused: 1 error** · **data loss: 1** · 1 created · 1 changed · 1 removed · 1 restart"
    )
    assert "> - 'x': node: pve9 is not there" in text_of(found)


def test_each_changed_field_has_its_own_impact() -> None:
    disks = {"scsi0": {"storage": "local-lvm", "size": "32G"}}
    found = plan(
        step("update", "db", machine(), machine(memory=2048, disks=disks, impact="memory: pending; scsi0: grows live"))
    )

    text = text_of(found)

    assert "| pve1 | db (VirtualMachine) | disks.scsi0.size | 16G | 32G | grows live |" in text
    assert "|  |  | memory | 1024 | 2048 | pending |" in text


@pytest.mark.parametrize(
    ("steps", "lost"),
    [
        ([step("delete", "web", machine())], True),
        ([step("delete", "lab", {"poolid": "lab"}, kind="Pool")], False),
        ([step("update", "web", machine(), machine(disks={}, impact="scsi0: data loss"))], True),
        ([step("update", "web", machine(), machine(disks={}, impact="scsi0: detached reboot"))], False),
        ([step(op, "web", machine(), machine(vmid=101)) for op in ("create-replacement", "replace")], True),
        ([step("create", "web", None, machine())], False),
    ],
)
def test_what_loses_data(steps: list[dict[str, Any]], lost: bool) -> None:
    found = plan(*steps)

    assert bool(found.loses_data) is lost
    assert ("data loss" in text_of(found)) is lost


def test_what_is_kept_on_removal_is_not_lost() -> None:
    kept = {**step("delete", "web"), "oldState": state("VirtualMachine", machine(), retainOnDelete=True)}

    assert plan(kept).loses_data == []


def test_what_was_changed_outside_is_told_with_both_values() -> None:
    found = plan(
        step("refresh", "web-2", machine(), machine()),
        step("create", "web-2", None, machine()),
        step("refresh", "web-1", machine(memory=4096), machine(memory=4096)),
        step("update", "web-1", machine(memory=2048), machine(memory=4096, impact="memory: pending")),
    )

    told = [line for line in text_of(found).splitlines() if line.startswith("- changed outside: ")]

    assert told == [
        "- changed outside: memory 4096 → 2048 on web-1 (pve1)",
        "- changed outside: web-2 (pve1) is gone",
    ], "in the order of their names, whichever Pulumi has looked at first"


def test_the_capacity_is_added_up_by_host_and_storage() -> None:
    found = plan(
        step("same", "a", machine(), machine()),
        step("update", "b", machine(vmid=101), machine(vmid=101, node="pve2", memory=3072)),
        step("create", "c", None, {**machine(vmid=102), "sockets": 2}),
    )

    text = text_of(found)

    assert "| pve1 | guests | 2 | 2 |" in text
    assert "| pve1 | cores | 4 | **6** |" in text
    assert "| pve1 | disks on local-lvm | 32 GiB | 32 GiB |" in text
    assert "| pve2 | RAM | 0 | **3 GiB** |" in text


def test_what_is_taken_stands_beside_what_the_hosts_have() -> None:
    grown = {"scsi0": {"storage": "nas", "size": "48G"}, "ide2": {"storage": "local", "file": "local:iso/a.iso"}}
    template = machine(vmid=103, node="pve2", template=True)
    found = plan(
        step("update", "a", machine(disks={}), machine(disks=grown, memory=4096)),
        step("create", "b", None, {**machine(vmid=101), "node": "pve2", "disks": grown}),
        step("same", "t", template, template),
    )
    rows: list[dict[str, Any]] = [
        *({"type": "node", "node": node, "maxmem": 2 * 2**30, "maxcpu": 8} for node in ("pve1", "pve2")),
        {"type": "storage", "node": "pve1", "storage": "nas", "shared": 1, "maxdisk": 64 * 2**30},
        {"type": "storage", "node": "pve2", "storage": "nas", "shared": 1, "maxdisk": 64 * 2**30},
        {"type": "storage", "node": "pve2", "storage": "local-lvm", "maxdisk": 100 * 2**30},
    ]

    text = comment(found, "demo", SMALLEST, room_of({"lab": rows}))

    assert "| pve1 | RAM | 1 GiB | **4 GiB, more than there is** | 2 GiB |" in text
    assert "| pve2 | RAM | 0 | **1 GiB** | 2 GiB |" in text, "a template does not run"
    assert "| pve2 | disks on local-lvm | 16 GiB | 16 GiB | 100 GiB |" in text
    assert "| shared | disks on nas | 0 | **96 GiB, more than there is** | 64 GiB |" in text
    assert "disks on local |" not in text, "an image in a drive takes nothing"


def test_hosts_of_two_connections_are_told_apart() -> None:
    found = plan(step("create", "a", None, machine(connection="alpha")))
    rows = {name: [{"type": "node", "node": "pve1", "maxmem": size}] for name, size in (("alpha", 2**30), ("beta", 1))}

    text = comment(found, "demo", SMALLEST, room_of(rows))

    assert "| alpha/pve1 | RAM | 0 | **1 GiB** | 1 GiB |" in text


def test_the_chart_marks_what_changes() -> None:
    found = plan(
        step("create", "a", None, machine(name="a", vmid=100)),
        step("delete", "b", machine(name="b", vmid=101)),
        step("same", "c", machine(name="c", vmid=102), machine(name="c", vmid=102)),
    )

    text = text_of(found)

    assert "  class g0_0 created\n" in text
    assert "  class g0_1 loses\n" in text
    assert "class g0_2" not in text


def test_the_events_of_an_update_are_read_like_a_preview() -> None:
    change = step("update", "web", machine(), machine(memory=2048, impact="memory: live"))
    metadata = {"op": "update", "urn": change["urn"], "old": change["oldState"], "new": change["newState"]}
    events = [{"sequence": 1, "resourcePreEvent": {"metadata": metadata}}, {"sequence": 2, "cancelEvent": {}}]

    told = preview_in("\n".join(json.dumps(event) for event in events))

    assert plan_of(told, kinds()) == plan(change)


def test_each_thing_that_is_wrong_with_a_page_is_a_refusal_of_its_own() -> None:
    wrong = [f"stacks/Pulumi.demo.yaml: proxmox:lab.web.{key}: {'it is required; add it ' * 9}" for key in "abcd"]

    text = text_of(plan(said=(("error", "; ".join(wrong)),)))

    assert "**refused: 4 errors**" in text
    assert all(f"> - {each.strip()}\n" in text for each in wrong)


CLOSINGS = ("preview failed", "an unhandled error occurred: program exited with non-zero exit code: 1")
"""What Pulumi says after a reason."""


def test_what_policies_say_refuses_or_warns() -> None:
    events = [
        {
            "sequence": 0,
            "policyEvent": {"policyName": "ram-limit", "message": "too much", "enforcementLevel": "mandatory"},
        },
        {"sequence": 1, "policyEvent": {"policyName": "guest-names", "message": "odd", "enforcementLevel": "advisory"}},
        *(
            {"sequence": 2 + place, "diagnosticEvent": {"message": f"error: {closing}\n", "severity": "error"}}
            for place, closing in enumerate(CLOSINGS)
        ),
    ]

    found = plan_of(preview_in("\n".join(json.dumps(event) for event in events)), kinds())

    assert found.refusals == ("ram-limit: too much",)
    assert found.warnings == ("guest-names: odd",)


@pytest.mark.parametrize("text", ["", "hello", "[]", "{}", "3"])
def test_what_is_neither_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        preview_in(text)


def test_the_digest_tells_two_plans_apart() -> None:
    one = plan(step("update", "web", machine(), machine(memory=2048)))
    same = plan(step("same", "x", machine(), machine()), step("update", "web", machine(), machine(memory=2048)))
    other = plan(step("update", "web", machine(), machine(memory=4096)))

    assert one.digest == same.digest != other.digest
