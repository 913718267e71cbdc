"""The file tree of a live container: private, over this machine's programs.

A container sees this machine's `/usr` and what its packages have configured, and may write everywhere; what it writes
stays in a folder of its own. Of this machine's `/etc` it gets only what everybody may read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from simulator.live.place import quoted

_LOWER = tuple(folder for folder in ("usr", "var/lib/dpkg") if Path("/", folder).is_dir())
"""Folders of this machine that a container sees, each with what the container has changed in it on top."""
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_EMPTY = ("boot", "dev", "home", "media", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr")
_OWN_ETC = frozenset(
    ("fstab", "group", "gshadow", "hostname", "hosts", "machine-id", "network", "passwd", "resolv.conf", "shadow",
     "ssh", "subgid", "subuid")
)  # fmt: skip
_STATE = ("var", "var/backups", "var/cache", "var/lib", "var/log", "var/mail", "var/spool")
_DEPTH = 2
"""How deep below these packages have folders of their own, such as `/var/lib/prometheus/metrics2`."""
_SYSTEMCTL = Path(__file__).with_name("systemctl")
_READABLE = 0o004
_LAST_SYSTEM_ID, _NOBODY = 999, 65534
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_MOUNTS = """
mount -t proc proc mount/proc
mount --bind mount/proc/sys/net mount/proc/tty
mount --bind mount/proc/sys mount/proc/sys
mount -o remount,bind,ro mount/proc/sys
mount --move mount/proc/tty mount/proc/sys/net
mount -t sysfs -o ro sysfs mount/sys
mount -t tmpfs -o mode=755 tmpfs mount/run
mkdir -m 1777 mount/run/lock
mount -t tmpfs -o mode=755 tmpfs mount/dev
mkdir mount/dev/pts mount/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts mount/dev/pts
mount -t tmpfs -o mode=1777 tmpfs mount/dev/shm
ln -s pts/ptmx mount/dev/ptmx
ln -s /proc/self/fd mount/dev/fd
ln -s /proc/self/fd/0 mount/dev/stdin
ln -s /proc/self/fd/1 mount/dev/stdout
ln -s /proc/self/fd/2 mount/dev/stderr
"""
"""The kernel's own file systems; of its settings a container may change those of its network."""


def make_base(base: Path) -> None:
    """Write what all containers begin with: configuration, accounts, and the folders that packages expect."""
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    for name in _EMPTY:
        (base / name).mkdir()
    (base / "root").chmod(0o700)
    (base / "tmp").chmod(0o1777)
    for name in _MERGED:
        if Path("/", name).is_symlink():
            (base / name).symlink_to(f"usr/{name}")
    shutil.copytree("/etc", base / "etc", symlinks=True, ignore=_hidden)
    _write_accounts(base / "etc")
    for links in (base / "etc/systemd/system").glob("*.wants"):
        shutil.rmtree(links)
    (base / "usr/bin").mkdir()
    shutil.copyfile(_SYSTEMCTL, base / "usr/bin/systemctl")
    (base / "usr/bin/systemctl").chmod(0o755)
    for folder in _STATE:
        _copy_folders(Path("/", folder), base / folder, _DEPTH)
    (base / "var/tmp").chmod(0o1777)
    (base / "var/run").symlink_to("/run")
    (base / "var/lock").symlink_to("/run/lock")


def _hidden(folder: str, names: list[str]) -> list[str]:
    """Return what is not copied: this machine's own identity, and what not everybody may read."""
    own = _OWN_ETC if folder == "/etc" else frozenset[str]()
    return [name for name in names if name in own or not _public(Path(folder, name))]


def _public(path: Path) -> bool:
    return path.is_symlink() or (bool(path.lstat().st_mode & _READABLE) and (path.is_file() or path.is_dir()))


def _write_accounts(etc: Path) -> None:
    """Give the containers this machine's system accounts, without its people and without passwords."""
    for name in ("passwd", "group"):
        lines = Path("/etc", name).read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if int(line.split(":")[2]) in (*range(_LAST_SYSTEM_ID + 1), _NOBODY)]
        (etc / name).write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    users = [line.partition(":")[0] for line in (etc / "passwd").read_text(encoding="utf-8").splitlines()]
    (etc / "shadow").write_text("".join(f"{user}:*:20000:0:99999:7:::\n" for user in users), encoding="utf-8")
    (etc / "shadow").chmod(0o640)
    (etc / "network").mkdir()
    (etc / "fstab").touch()


def _copy_folders(source: Path, copy: Path, depth: int) -> None:
    """Make a folder like another one, with those in it, their owners and rights, and without any file."""
    copy.mkdir(exist_ok=True)
    status = source.stat()
    os.chown(copy, status.st_uid, status.st_gid)
    copy.chmod(status.st_mode & 0o7777)
    if depth:
        for entry in os.scandir(source):
            if entry.is_dir(follow_symlinks=False):
                _copy_folders(Path(entry.path), copy / entry.name, depth - 1)


def prepare(folder: Path) -> None:
    """Make the folders in which a container's own files are kept."""
    for name in ("root", *_LOWER):
        for part in ("changes", "work"):
            (folder / name.replace("/", "-") / part).mkdir(parents=True, exist_ok=True)
    (folder / "mount").mkdir(exist_ok=True)


def mount_script(base: Path, folder: Path, shared: Sequence[str] = ()) -> str:
    """Return the lines of shell that put the tree together and make it the root of who runs them.

    Folders that are shared are those of the place around it.
    """
    lowest = os.path.relpath(base, folder)
    lines = [quoted("cd", folder), _overlay(lowest, "root", "mount")]
    for lower in _LOWER:
        lines.append(f"mkdir -p mount/{lower}")
        lines.append(_overlay(f"{lowest}/{lower}:/{lower}", lower.replace("/", "-"), f"mount/{lower}"))
    lines.append(_MOUNTS.strip())
    for path in shared:
        lines += [quoted("mkdir", "-p", f"mount{path}"), quoted("mount", "--bind", path, f"mount{path}")]
    lines += [f"mknod -m 666 mount/dev/{name} c {major} {minor}" for name, (major, minor) in _DEVICES.items()]
    return "\n".join([*lines, "cd mount", "pivot_root . mnt", "cd /", "umount -l /mnt"])


def _overlay(lower: str, own: str, place: str) -> str:
    options = f"lowerdir={lower},upperdir={own}/changes,workdir={own}/work"
    return quoted("mount", "-t", "overlay", "-o", options, "overlay", place)
