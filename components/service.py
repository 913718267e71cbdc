"""A service in a running container or on a node: its package, its configuration, and that it runs and answers.

What the configuration refers to lies in its place first. The configuration itself is written aside and read by the
daemon's own checker; only one that passes takes the place of the one that runs, so that a wrong one ends the run and
changes nothing. The daemon is restarted when the content of its files changes, when somebody else has changed or
stopped it, and else never. At the end it has to answer within a time.

Services of the same machine are installed one after the other: the second one has the first in `after`. A service that
is removed no longer runs, nor starts again; its package stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pulumi

from components.place import Place

ASIDE = "/var/lib/proxmox-labs"
"""Folder of the configurations that have not been checked yet."""
FILE = "{file}"
"""In the words of a check: the file to be checked."""

INSTALL = (
    "set -e; folders=$1; shift; export DEBIAN_FRONTEND=noninteractive; "
    'get() { apt-get install --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"; }; '
    'get "$@" || { apt-get update --quiet || :; get "$@"; }; '
    f"mkdir -p $folders; chmod 0700 {ASIDE}"
)
"""The lists of packages are fetched anew only where those that are there don't do; one that refuses does not count."""
INSTALLED = (
    'for folder in $1; do [ -d "$folder" ] || exit 1; done; shift; '
    '! dpkg-query -W -f=\'${db:Status-Status}\\n\' "$@" 2>&1 | grep -qv "^installed"'
)
PUT_TO_WORK = (
    'set -e; unit=$1 new=$2 live=$3; shift 3; "$@"; cp -p "$new" "$live.new"; mv -f "$live.new" "$live"; '
    'systemctl enable --quiet "$unit"; systemctl restart "$unit"'
)
AT_WORK = '[ -e "$3" ] && [ "$(sha256sum <"$2")" = "$(sha256sum <"$3")" ] && systemctl is-active --quiet "$1"'
END_OF_WORK = 'systemctl disable --now "$1"; ! systemctl is-active --quiet "$1" && rm -f "$2"'
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


class Health(NamedTuple):
    """How a service shows that it answers, and within how many seconds."""

    command: Sequence[str]
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """What makes a machine serve: all that there is to know of a service."""

    unit: str
    """The unit of systemd, without `.service`."""
    packages: Sequence[str]
    config: ServiceFile
    check: Sequence[str] = ()
    """The daemon's own checker, word by word, with `{file}` for the configuration; none where it has none."""
    files: Sequence[ServiceFile] = ()
    """What the configuration refers to: certificates, scripts."""
    health: Sequence[str] = ()
    """A command that succeeds while the service answers; where there is none, it has to be active."""
    health_seconds: int = 30

    def __post_init__(self) -> None:
        if self.check and not any(FILE in word for word in self.check):
            raise ValueError(f"the check of {self.unit} has no {FILE}, so it would check something else")


@dataclass(frozen=True, kw_only=True)
class ServiceArgs(Place):
    """Which service, and where: in a container or on a node."""

    daemon: Daemon
    after: Sequence[pulumi.Resource] = ()
    """What has to be there, and well, before this service is touched."""


class Service(pulumi.ComponentResource):
    """A service in a container or on a node."""

    digest: pulumi.Output[str]
    """Changes whenever the service is restarted for new content."""

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:Service", name, None, opts)
        daemon = args.daemon
        folders = map(folder_of, (daemon.config, *daemon.files))
        waits = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        installed = packages(name, daemon.packages, folders, args, waits)
        after = pulumi.ResourceOptions(parent=self, depends_on=[installed])
        aside = f"{ASIDE}/{daemon.unit}"
        files = [placed(f"{name}{dashes(file.path)}", file.path, file, args, after) for file in daemon.files]
        config = placed(f"{name}-config", aside, daemon.config, args, after)
        self.digest = digest([daemon.config, *daemon.files])
        at_work = self._at_work(name, args, aside, [config, *files])
        health = daemon.health or ["systemctl", "is-active", "--quiet", daemon.unit]
        last = pulumi.ResourceOptions(parent=self, depends_on=[at_work])
        answers(name, Health(health, daemon.health_seconds), self.digest, args, last)
        self.register_outputs({"digest": self.digest})

    def _at_work(self, name: str, args: ServiceArgs, aside: str, files: Sequence[pulumi.Resource]) -> pulumi.Resource:
        """The check, and then the configuration in its place and the daemon started with it."""
        daemon = args.daemon
        which = ["sh", daemon.unit, aside, daemon.config.path]
        check = [word.replace(FILE, aside) for word in daemon.check]
        return args.run(
            f"{name}-started",
            pulumi.ResourceOptions(parent=self, depends_on=files),
            command=["sh", "-c", PUT_TO_WORK, *which, *check],
            unless=["sh", "-c", AT_WORK, *which],
            triggers={"files": self.digest},
            delete_command=["sh", "-c", END_OF_WORK, "sh", daemon.unit, daemon.config.path],
        )


def packages(
    name: str, wanted: Sequence[str], folders: Iterable[str], place: Place, opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    """Packages and folders of a machine; nothing is run where they are there."""
    words = ["sh", " ".join(sorted({ASIDE, *folders})), *wanted]
    return place.run(
        f"{name}-packages", opts, command=["sh", "-c", INSTALL, *words], unless=["sh", "-c", INSTALLED, *words]
    )


def placed(name: str, path: str, file: ServiceFile, place: Place, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """A file in a machine of ours; one that a package brings is taken over."""
    return place.file(
        name,
        opts,
        path=path,
        content=file.content,
        owner=file.owner,
        group=file.group,
        mode=file.mode,
        adopt="if-exists",
    )


def answers(
    name: str, health: Health, files: pulumi.Input[str], place: Place, opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    """That a command succeeds, within a time; looked at again when the digest of the files is another one."""
    return place.run(
        f"{name}-healthy",
        opts,
        command=["sh", "-c", WAIT, "sh", str(health.seconds), *health.command],
        unless=list(health.command),
        triggers={"files": files},
    )


def folder_of(file: ServiceFile) -> str:
    """Where a file lies."""
    return file.path.rpartition("/")[0]


def dashes(path: str) -> str:
    """A path as a part of a resource's name."""
    return path.replace("/", "-")


def digest(files: Sequence[ServiceFile]) -> pulumi.Output[str]:
    """Of all that a daemon reads; a secret among it makes the digest one."""
    known = [f"{file.path} {file.owner}:{file.group} {file.mode}" for file in files]
    contents = pulumi.Output.all(*(file.content for file in files))
    return contents.apply(lambda texts: hashlib.sha256(repr([known, *texts]).encode()).hexdigest())
