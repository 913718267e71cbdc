"""The table that says what is sent again."""

from __future__ import annotations

import pytest

from providers._runtime import retry
from providers._runtime.errors import ApiRefused

LOCK = "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout"


def passes(method: str, status: int, reason: str = "") -> bool:
    """Whether a refused request is worth another try."""
    return retry.passing(ApiRefused(method, "/x", status, reason, {})) is not None


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (500, LOCK),
        (500, "cfs-lock 'file-user_cfg' error: got lock request timeout"),
        (500, "unable to acquire lock on storage"),
        (595, "No route to host"),
    ],
)
def test_what_proxmox_did_nothing_about_is_always_sent_again(method: str, status: int, reason: str) -> None:
    assert passes(method, status, reason)


@pytest.mark.parametrize("status", [502, 503, 504, 596, 599])
def test_what_may_have_been_done_is_sent_again_only_where_twice_is_once(status: int) -> None:
    assert [passes(method, status) for method in ("GET", "PUT", "DELETE", "POST")] == [True, True, True, False]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "Parameter verification failed."),
        (403, "Permission check failed"),
        (404, "not found"),
        (500, "VM 100 already exists"),
        (500, "VM is locked (backup)"),
        (501, "Method not implemented"),
    ],
)
def test_what_will_not_pass_is_not_sent_again(status: int, reason: str) -> None:
    assert not any(passes(method, status, reason) for method in ("GET", "PUT", "DELETE", "POST"))


def test_the_pauses_grow_up_to_three_seconds_and_differ() -> None:
    assert all(0.05 * 2**n <= retry.pause(n) <= 0.1 * 2**n for n in range(5))
    assert all(retry.pause(n) <= 3 for n in range(5, 20))
    assert len({retry.pause(3) for _ in range(10)}) > 1


def test_a_task_that_found_a_lock_busy_is_known_by_its_words() -> None:
    assert retry.lock_busy(LOCK)
    assert not retry.lock_busy("storage 'x' does not exist")
