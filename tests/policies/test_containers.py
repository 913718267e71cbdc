"""`no-privileged-container`."""

from __future__ import annotations

from policies.containers import UNPRIVILEGED
from tests.policies.judging import NOT_KNOWN_YET, container, machine, said


def test_a_privileged_container_is_named() -> None:
    [text] = said(UNPRIVILEGED, container(unprivileged=False))

    assert text.startswith("container dns (VMID 200) has unprivileged=False. Take that out")


def test_proxmoxs_default_and_what_is_not_known_yet_are_fine() -> None:
    stack = [container(unprivileged=True), container(), container(unprivileged=NOT_KNOWN_YET), machine()]

    assert said(UNPRIVILEGED, *stack) == []


def test_one_may_be_allowed_by_its_host_name() -> None:
    stack = [container("nfs", unprivileged=False), container("web", unprivileged=False)]

    assert [text.split()[1] for text in said(UNPRIVILEGED, *stack, allowed=["nfs"])] == ["web"]
