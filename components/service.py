"""A service in a running container: its package, its configuration, and that it runs and answers.

What the configuration refers to lies in its place first. The configuration itself is written aside and read by the
daemon's own checker; only one that passes takes the place of the one that runs, so that a wrong one ends the run and
changes nothing. The daemon is restarted when the content of its files changes, when somebody else has changed or
stopped it, and else never. At the end it has to answer within a time.

Services of the same container are installed one after the other: the second one has the first in `after`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from providers.guest_exec import GuestExec
from providers.guest_file import GuestFile

ASIDE = "/var/lib/proxmox-labs"
"""Folder of the configurations that have not been checked yet."""
FILE = "{file}"
"""In the words of a check: the file to be checked."""

INSTALL = (
    "set -e; folders=$1; shift; export DEBIAN_FRONTEND=noninteractive; "
    'get() { apt-get install --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"; }; '
    'get "$@" || { apt-get update --quiet; get "$@"; }; '
    f"mkdir -p $folders; chmod 0700 {ASIDE}"
)
"""The lists of packages are fetched anew only where those that are there don't do."""
INSTALLED = (
    'for folder in $1; do [ -d "$folder" ] || exit 1; done; shift; '
    '! dpkg-query -W -f=\'${db:Status-Status}\\n\' "$@" 2>&1 | grep -qv "^installed"'
)
PUT_TO_WORK = (
    'set -e; unit=$1 new=$2 live=$3; shift 3; "$@"; cp -p "$new" "$live.new"; mv -f "$live.new" "$live"; '
    'systemctl enable --quiet "$unit"; systemctl restart "$unit"'
)
AT_WORK = '[ -e "$3" ] && [ "$(sha256sum <"$2")" = "$(sha256sum <"$3")" ] && systemctl is-active --quiet "$1"'
WAIT = (
    'left=$1; shift; until "$@" && sleep 1 && "$@"; do left=$((left - 1)); [ "$left" -gt 0 ] || exit 1; sleep 1; done'
)
"""Twice in a row: some daemons end only after they were started."""


@dataclass(frozen=True, kw_only=True)
class ServiceFile:
    """A file that a service reads."""

    path: str
    content: pulumi.Input[str]
    """Given as a secret, it stays one."""
    owner: str = "root"
    group: str = "root"
    mode: str = "0644"


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """What makes a container serve: all that there is to know of a service."""

    unit: str
    """The unit of systemd, without `.service`."""
    packages: Sequence[str]
    config: ServiceFile
    check: Sequence[str]
    """The daemon's own checker, word by word, with `{file}` for the configuration."""
    files: Sequence[ServiceFile] = ()
    """What the configuration refers to: certificates, scripts."""
    health: Sequence[str] = ()
    """A command that succeeds while the service answers; where there is none, it has to be active."""
    health_seconds: int = 30

    def __post_init__(self) -> None:
        if not any(FILE in word for word in self.check):
            raise ValueError(f"the check of {self.unit} has no {FILE}, so it would check something else")


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    """Which service, and where."""

    vmid: pulumi.Input[int]
    """The container; it runs, and is Debian or one of its kin."""
    daemon: Daemon
    after: Sequence[pulumi.Resource] = ()
    """What has to be there, and well, before this service is touched."""
    connection: str | None = None


class Service(pulumi.ComponentResource):
    """A service in a container."""

    digest: pulumi.Output[str]
    """Changes whenever the service is restarted for new content."""

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:Service", name, None, opts)
        daemon, common = args.daemon, {"vmid": args.vmid, "connection": args.connection}
        installed = self._installed(name, daemon, args.after, common)
        after = pulumi.ResourceOptions(parent=self, depends_on=[installed])
        aside = f"{ASIDE}/{daemon.unit}"
        files = [_file(f"{name}{file.path.replace('/', '-')}", file.path, file, common, after) for file in daemon.files]
        config = _file(f"{name}-config", aside, daemon.config, common, after)
        self.digest = _digest([daemon.config, *daemon.files])
        at_work = self._at_work(name, daemon, aside, common, [config, *files])
        self._healthy(name, daemon, common, at_work)
        self.register_outputs({"digest": self.digest})

    def _installed(
        self, name: str, daemon: Daemon, after: Sequence[pulumi.Resource], common: dict[str, Any]
    ) -> GuestExec:
        """Nothing is run where the packages and the folders are there."""
        folders = {ASIDE, *(file.path.rpartition("/")[0] for file in (daemon.config, *daemon.files))}
        words = ["sh", " ".join(sorted(folders)), *daemon.packages]
        return GuestExec(
            f"{name}-packages",
            pulumi.ResourceOptions(parent=self, depends_on=list(after)),
            command=["sh", "-c", INSTALL, *words],
            unless=["sh", "-c", INSTALLED, *words],
            **common,
        )

    def _at_work(
        self, name: str, daemon: Daemon, aside: str, common: dict[str, Any], files: Sequence[GuestFile]
    ) -> GuestExec:
        """The check, and then the configuration in its place and the daemon started with it."""
        which = ["sh", daemon.unit, aside, daemon.config.path]
        check = [word.replace(FILE, aside) for word in daemon.check]
        return GuestExec(
            f"{name}-started",
            pulumi.ResourceOptions(parent=self, depends_on=files),
            command=["sh", "-c", PUT_TO_WORK, *which, *check],
            unless=["sh", "-c", AT_WORK, *which],
            triggers={"files": self.digest},
            **common,
        )

    def _healthy(self, name: str, daemon: Daemon, common: dict[str, Any], at_work: GuestExec) -> None:
        health = daemon.health or ["systemctl", "is-active", "--quiet", daemon.unit]
        GuestExec(
            f"{name}-healthy",
            pulumi.ResourceOptions(parent=self, depends_on=[at_work]),
            command=["sh", "-c", WAIT, "sh", str(daemon.health_seconds), *health],
            unless=health,
            triggers={"files": self.digest},
            **common,
        )


def _file(name: str, path: str, file: ServiceFile, common: dict[str, Any], opts: pulumi.ResourceOptions) -> GuestFile:
    """In a container of ours; one that a package brings is taken over."""
    return GuestFile(
        name,
        opts,
        path=path,
        content=file.content,
        owner=file.owner,
        group=file.group,
        mode=file.mode,
        adopt="if-exists",
        **common,
    )


def _digest(files: Sequence[ServiceFile]) -> pulumi.Output[str]:
    """Of all that a daemon reads; a secret among it makes the digest one."""
    known = [f"{file.path} {file.owner}:{file.group} {file.mode}" for file in files]
    contents = pulumi.Output.all(*(file.content for file in files))
    return contents.apply(lambda texts: hashlib.sha256(repr([known, *texts]).encode()).hexdigest())
