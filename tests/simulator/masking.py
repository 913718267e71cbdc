"""What in the answers and logs of a host changes from run to run, and is left out of comparisons."""

from __future__ import annotations

import json
import re
from typing import Any

_ANSWERS = (
    (re.compile(r"ctime=\d+"), "ctime=0"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "00000000-0000-0000-0000-000000000000"),
    (re.compile(r"BC:24:11(?::[0-9A-F]{2}){3}"), "BC:24:11:00:00:00"),
    (re.compile(r"bc:24:11(?::[0-9a-f]{2}){3}"), "bc:24:11:00:00:00"),
    (re.compile(r"\"(?:snaptime|timestamp)\": \d+"), '"time": 1'),
    (re.compile(r"\"uid\": \"[^\"]+\""), '"uid": ""'),
    (re.compile(r"\"used_fraction\": [0-9.e\-]+"), '"used_fraction": 0.5'),
    (re.compile(r"\"results\": \{(?:[^{}]|\{[^{}]*\})*\}"), '"results": {}'),
    (re.compile(r", \"next-run\": \d+|\"next-run\": \d+, "), ""),
    (re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----(?:\\\\n)?"), "CERTIFICATE"),
    (re.compile(r"(?:[0-9A-F]{2}:){19,31}[0-9A-F]{2}"), "FINGERPRINT"),
    (re.compile(r"\"(?:notafter|notbefore)\": \d+"), '"time": 1'),
    (re.compile(r"(?:/var)?/var/tmp/pveupload-[0-9a-f]+"), "/var/tmp/pveupload-0"),
    (re.compile(r"\.conf\.tmp\.\d+"), ".conf.tmp.0"),
    (re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{9})?"), "TIME"),
    (re.compile(r"\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d"), "TIME"),
)
_LOG_LINES = (
    (re.compile(r"\d+(?:\.\d+)? ?[KMG]iB/s"), "N MiB/s"),
    (re.compile(r"\d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"\d+ (?:seconds|ms)"), "N seconds"),
)
_BACKUP_JOB = re.compile(r"(INFO: starting new backup job: vzdump [\d ]*)(.*)")
_LEFT_OUT = re.compile(
    r"(?:TIME )?(?:"
    r"INFO: archive file size: .*|INFO: Total bytes written: .*|"
    r"kvm: warning: host doesn't support requested feature: .*|failed to connect to monitor socket: .*"
    r"|checking/canceling old backup job failed - .*|conntrack state migration not supported or disabled, .*"
    r"|transferred .*|\d+ bytes .*copied.*|\d+\+\d+ records (?:in|out)|--TIME--  http.*"
    r"|Creating filesystem with .*|Filesystem UUID: .*|Superblock backups stored on blocks: |\t[0-9, ]+"
    r"|Total bytes read: .*|open '/bin/sh' failed: .*|Falling back to .*"
    r"|Detected container architecture: .*|Architecture detection failed: .*|Use `pct set VMID --arch ARCH` to change\."
    r"|Creating SSH host key .*|done: SHA256:.*|container does not have /usr/share/zoneinfo/.*"
    r"|Number of .*|Total (?:file|transferred file) size: .*|(?:Literal|Matched) data: .*|File list .*"
    r"|Total bytes (?:sent|received): .*|sent .* bytes .*|total size is .*|"
    r"|e2fsck .*|Pass [1-5]: .*|.* files \(.* non-contiguous\), .* blocks|resize2fs .*|Resizing the filesystem on .*"
    r"|The filesystem on .* is now .*|.* blocks long\."
    r")"
)
"""What tools for file systems, for copying and for keys wrote, and the recorded host's processor and its containers."""


def without_volatile(answer: Any) -> Any:
    """Return an answer with what a host makes up (times, MAC addresses, UUIDs) replaced by fixed values."""
    return json.loads(_replaced(json.dumps(answer), _ANSWERS))


def log_without_volatile(lines: list[str]) -> list[str]:
    """Return the lines of a task's log with what changes from run to run replaced by fixed values."""
    masked = (_replaced(_BACKUP_JOB.sub(_in_order, line), _ANSWERS + _LOG_LINES) for line in lines)
    return [line for line in masked if not _LEFT_OUT.fullmatch(line)]


def _in_order(found: re.Match[str]) -> str:
    """Return how a backup job is called with its options in order: Perl gives them in any."""
    return found[1] + " ".join(sorted(re.split(r" (?=--)", found[2])))


def _replaced(text: str, patterns: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, fixed in patterns:
        text = pattern.sub(fixed, text)
    return text
