"""The commands that a guest has beyond those of every shell: who and where one is, users, addresses, time."""

from __future__ import annotations

import datetime
import hashlib
import json
import re

from simulator.guests.facts import guest_numbers
from simulator.inside import services
from simulator.inside.shell import GuestShell
from simulator.inside.system import KERNEL, nics
from simulator.ssh import apt, files, portable
from simulator.ssh.shell import Program, Streams

_LOOPBACK = "127.0.0.1/8"
_FIRST_UID = 1000
_RESULT = "/run/cloud-init/result.json"


def accounts(shell: GuestShell) -> dict[str, int]:
    """Return the users with their numbers."""
    lines = shell.tree.read("/etc/passwd").decode().splitlines()
    return {fields[0]: int(fields[2]) for line in lines if len(fields := line.split(":")) > 2}  # noqa: PLR2004


def groups(shell: GuestShell) -> dict[str, int]:
    """Return the groups with their numbers."""
    lines = shell.tree.read("/etc/group").decode().splitlines()
    return {fields[0]: int(fields[2]) for line in lines if len(fields := line.split(":")) > 2}  # noqa: PLR2004


def set_password(shell: GuestShell, user: str, password: str, *, crypted: bool) -> bool:
    """Set a user's password; tell whether there is such a user."""
    if user not in accounts(shell):
        return False
    value = password if crypted else f"$y$j9T$${hashlib.sha256(password.encode()).hexdigest()[:43]}"
    lines = [line for line in shell.tree.read("/etc/shadow").decode().splitlines() if line.partition(":")[0] != user]
    lines.append(f"{user}:{value}:{int(shell.now // 86400)}:0:99999:7:::")
    shell.tree.write("/etc/shadow", ("\n".join(lines) + "\n").encode())
    return True


async def hostname(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Print the guest's name; with -I its addresses."""
    if args == ["-I"]:
        streams.say(" ".join(nic.address.partition("/")[0] for nic in nics(shell.guest) if nic.address) + " ")
    else:
        streams.out(shell.tree.read("/etc/hostname"))
    return 0


async def uname(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Print the kernel's name, release and machine."""
    known = {"-n": shell.host, "-r": KERNEL, "-m": "x86_64", "-s": "Linux", "-o": "GNU/Linux"}
    whole = f"Linux {shell.host} {KERNEL} #1 SMP PREEMPT_DYNAMIC x86_64 GNU/Linux"
    streams.say(whole if args == ["-a"] else " ".join(known.get(word, "") for word in args) or "Linux")
    return 0


async def id_(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Print a user's numbers."""
    names = [word for word in args if not word.startswith("-")]
    user = names[0] if names else "root"
    uid = accounts(shell).get(user)
    if uid is None:
        streams.complain(f"id: '{user}': no such user")
        return 1
    short = {"-u": str(uid), "-g": str(uid), "-un": user, "-gn": user}
    option = next((word for word in args if word in short), None)
    streams.say(short[option] if option else f"uid={uid}({user}) gid={uid}({user}) groups={uid}({user})")
    return 0


async def useradd(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Add a user, with a group of the same name."""
    name = args[-1] if args else ""
    known = accounts(shell)
    if not re.fullmatch(r"[a-z_][a-z0-9_-]*", name):
        streams.complain(f"useradd: invalid user name '{name}'")
        return 3
    if name in known:
        streams.complain(f"useradd: user '{name}' already exists")
        return 9
    uid = max([_FIRST_UID - 1, *(number for number in known.values() if number < 60000)]) + 1  # noqa: PLR2004 - nobody is above
    for path, line in (
        ("/etc/passwd", f"{name}:x:{uid}:{uid}:{name}:/home/{name}:/bin/bash\n"),
        ("/etc/group", f"{name}:x:{uid}:\n"),
        ("/etc/shadow", f"{name}:!:{int(shell.now // 86400)}:0:99999:7:::\n"),
    ):
        shell.tree.write(path, shell.tree.read(path) + line.encode())
    if not shell.tree.exists(f"/home/{name}"):
        shell.tree.make_folder(f"/home/{name}", 0o700)
        shell.tree.chown(f"/home/{name}", uid, uid)
    return 0


async def chpasswd(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Set the passwords that come in, `user:password` a line."""
    code = 0
    for number, line in enumerate((await streams.read()).decode(errors="replace").splitlines(), 1):
        user, _, password = line.partition(":")
        if not set_password(shell, user, password, crypted="-e" in args):
            streams.complain(f"chpasswd: line {number}: user '{user}' does not exist")
            code = 1
    return code


async def chown(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Give files another owner: a user or group of the guest's own."""
    words = [word for word in args if not word.startswith("-")]
    user, _, group = words[0].partition(":") if words else ("", "", "")
    uid = _number(user, accounts(shell))
    gid = _number(group, groups(shell))
    if not words or (user and uid is None) or (group and gid is None):
        streams.complain(f"chown: invalid user: '{words[0] if words else ''}'")
        return 1

    def change(name: str) -> None:
        place = shell.place(name)
        for path in [place, *(files.below(shell.tree, place) if "-R" in args else [])]:
            shell.tree.chown(path, uid, gid)

    return files.each(streams, words[1:], "chown: cannot access '{}'", change)


def _number(name: str, known: dict[str, int]) -> int | None:
    return int(name) if name.isdigit() else known.get(name)


async def ip(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Show the addresses (`ip a`, `ip -j addr`)."""
    words = [word for word in args if not word.startswith("-")]
    if not words or not "address".startswith(words[0]):
        streams.complain(f'Object "{words[0] if words else ""}" is unknown, try "ip help".')
        return 1
    rows = [("lo", "00:00:00:00:00:00", _LOOPBACK), *((nic.name, nic.mac, nic.address) for nic in nics(shell.guest))]
    if "-j" in args or "-json" in args:
        shown = [
            {"ifindex": number, "ifname": name, "operstate": "UP", "address": mac, "addr_info": _address(address)}
            for number, (name, mac, address) in enumerate(rows, 1)
        ]
        streams.say(json.dumps(shown))
        return 0
    for number, (name, mac, address) in enumerate(rows, 1):
        streams.say(f"{number}: {name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP")
        streams.say(f"    link/{'loopback' if name == 'lo' else 'ether'} {mac}")
        if address is not None:
            streams.say(f"    inet {address} scope {'host' if name == 'lo' else 'global'} {name}")
    return 0


def _address(address: str | None) -> list[dict[str, object]]:
    if address is None:
        return []
    host, _, prefix = address.partition("/")
    return [{"family": "inet", "local": host, "prefixlen": int(prefix)}]


async def date(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Print the time, in a form of one's own after a plus."""
    form = next((word[1:] for word in args if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    moment = datetime.datetime.fromtimestamp(shell.now + shell.session.seconds, datetime.UTC)
    streams.say(moment.strftime(form.replace("%s", str(int(moment.timestamp())))))
    return 0


async def nproc(shell: GuestShell, _args: list[str], streams: Streams) -> int:
    """Print the number of processors."""
    streams.say(str(guest_numbers(shell.guest)[0]))
    return 0


async def uptime(shell: GuestShell, _args: list[str], streams: Streams) -> int:
    """Print for how long the guest has been up."""
    minutes = int(shell.now - (shell.guest.started or shell.now)) // 60
    streams.say(f" up {minutes} min,  0 users,  load average: 0.00, 0.00, 0.00")
    return 0


async def cloud_init(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Tell how cloud-init went: well and at once, unless its result file says something else."""
    if args[:1] != ["status"]:
        streams.complain("usage: cloud-init status [--wait]")
        return 2
    result = json.loads(shell.tree.read(_RESULT))["v1"] if shell.tree.exists(_RESULT) else {}
    code = 1 if result.get("errors") else 2 if result.get("recoverable_errors") else 0
    streams.say(f"status: {('done', 'error', 'degraded')[code]}")
    return code


def _power(kind: str) -> Program:
    async def run(shell: GuestShell, _args: list[str], _streams: Streams) -> int:
        shell.session.power = kind
        return 0

    return run


PROGRAMS: dict[str, Program] = {
    **portable.PROGRAMS, **apt.PROGRAMS, **services.PROGRAMS, "chown": chown,
    "chpasswd": chpasswd, "cloud-init": cloud_init, "date": date, "halt": _power("poweroff"), "hostname": hostname,
    "id": id_, "ip": ip, "nproc": nproc, "poweroff": _power("poweroff"), "reboot": _power("reboot"),
    "shutdown": _power("poweroff"), "uname": uname, "uptime": uptime, "useradd": useradd,
}  # fmt: skip
