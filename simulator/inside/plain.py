"""The inside of a guest that is a plain model: its programs run at once, on the files of its volumes."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from simulator.guests import lxc_power, qemu_power
from simulator.guests.facts import guest_name
from simulator.guests.inside import Finished
from simulator.guests.storages import StorageView
from simulator.inside import system
from simulator.inside.programs import PROGRAMS, set_password
from simulator.inside.shell import GuestShell
from simulator.inside.tree import GuestTree
from simulator.records import Guest
from simulator.ssh.shell import BINARY, NOT_FOUND, Exit, Streams
from simulator.ssh.streams import holding
from simulator.state import Datacenter, World

_BINARIES = {f"/usr/bin/{name}": BINARY for name in PROGRAMS if name.isalnum() or "-" in name}


def tree_of(datacenter: Datacenter, guest: Guest, now: float) -> GuestTree:
    """Return the file tree of a guest."""
    return GuestTree(datacenter, guest, _BINARIES | system.files(datacenter, guest), now)


def shell_of(datacenter: Datacenter, guest: Guest, now: float) -> GuestShell:
    """Return a shell inside a guest."""
    name = guest_name(guest).replace(" ", "-")
    return GuestShell(
        tree=tree_of(datacenter, guest, now), programs=PROGRAMS, host=name, guest=guest, now=now, folder="/root"
    )


def knows(shell: GuestShell, name: str) -> bool:
    """Tell whether there is a program of this name or at this path."""
    return shell.tree.exists(shell.place(name)) if "/" in name else shell.program(name) is not None


def execute(shell: GuestShell, argv: Sequence[str], stdin: bytes) -> Finished:
    """Run a program to its end, in the caller's transaction."""
    out, error = bytearray(), bytearray()

    async def run() -> int:
        try:
            return await shell.execute(list(argv), Streams(holding(stdin), out.extend, error.extend))
        except Exit as ended:
            return ended.code

    return Finished(_at_once(run()), bytes(out), bytes(error))


def _at_once(work: Coroutine[Any, Any, int]) -> int:
    """Run what never waits for anything."""
    try:
        while work.send(None) is None:
            pass
    except StopIteration as ended:
        return int(ended.value)
    raise AssertionError("a program of the model waits")


def hand_over(datacenter: Datacenter, guest: Guest, keys: str, password: str, now: float) -> None:
    """Give root of a new guest the keys and the password that were asked for."""
    shell = shell_of(datacenter, guest, now)
    if keys:
        shell.tree.write("/root/.ssh/authorized_keys", f"{keys.strip()}\n".encode(), 0o600)
    if password:
        set_password(shell, "root", password, crypted=False)


def power(datacenter: Datacenter, guest: Guest, kind: str, now: float) -> None:
    """Let a guest do what its own system was told to: `poweroff` or `reboot`; nothing for an empty word."""
    if kind == "poweroff":
        if guest.type == "lxc":
            lxc_power.halted(datacenter, guest.vmid)
        else:
            qemu_power.halted(StorageView(datacenter, guest.node, int(now)), guest.vmid)
    elif kind == "reboot":
        datacenter.guests.put(replace(datacenter.guests[guest.vmid], started=now))


class PlainInside:
    """The inside of a container without a container."""

    def __init__(self, world: World, datacenter: Datacenter, guest: Guest) -> None:
        """Look into this guest."""
        self._world = world
        self._datacenter = datacenter
        self._guest = guest

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Finished:
        """Run a program to its end."""
        with self._world.database.transaction():
            shell = shell_of(self._datacenter, self._guest, self._world.clock.now())
            if not knows(shell, argv[0]):
                return Finished(NOT_FOUND, b"", _no_program(self._guest.vmid, argv[0]))
            finished = execute(shell, argv, stdin)
            power(self._datacenter, self._guest, shell.session.power, self._world.clock.now())
        return finished

    async def read(self, path: str) -> bytes:
        """Return a file's content."""
        return self._tree().read(path)

    async def write(self, path: str, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Write a file."""
        with self._world.database.transaction():
            self._tree().write(path, data, mode, (uid, gid))

    def _tree(self) -> GuestTree:
        return tree_of(self._datacenter, self._guest, self._world.clock.now())


def _no_program(vmid: int, name: str) -> bytes:
    """Return what `lxc-attach` says of a program that is not there."""
    place = "../src/lxc/attach.c: lxc_attach_run_command: 1841"
    return f'lxc-attach: {vmid}: {place} No such file or directory - Failed to exec "{name}"\n'.encode()
