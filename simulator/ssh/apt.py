"""`apt-get` and `dpkg` of a guest or a node: nothing is loaded from anywhere, but what is installed is remembered."""

from __future__ import annotations

import hashlib
import re

from simulator.ssh.shell import BINARY, Program, Shell, Streams

STATUS = "/var/lib/dpkg/status"
UNITS = "/usr/lib/systemd/system"
_NAME = re.compile(r"[a-z0-9][a-z0-9+.\-]+")
_ACTIONS = ("install", "remove", "purge", "update", "upgrade", "dist-upgrade", "full-upgrade", "autoremove", "clean")
_BROUGHT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ansible-core": (("ansible", "ansible-inventory", "ansible-playbook"), ()),
    "bind9": (("named", "rndc"), ("named",)), "chrony": (("chronyd", "chronyc"), ("chrony",)),
    "dnsmasq": (("dnsmasq",), ("dnsmasq",)), "docker.io": (("docker", "dockerd"), ("docker",)),
    "frr": (("vtysh",), ("frr",)), "haproxy": (("haproxy",), ("haproxy",)),
    "keepalived": (("keepalived",), ("keepalived",)), "mariadb-server": (("mariadb", "mariadbd"), ("mariadb",)),
    "nfs-kernel-server": (("exportfs",), ("nfs-server",)), "nftables": (("nft",), ("nftables",)),
    "nginx": (("nginx",), ("nginx",)), "openssh-server": (("sshd",), ("ssh",)),
    "postgresql": (("psql",), ("postgresql",)), "prometheus": (("prometheus", "promtool"), ("prometheus",)),
    "prometheus-node-exporter": (("prometheus-node-exporter",), ("prometheus-node-exporter",)),
    "qemu-guest-agent": (("qemu-ga",), ("qemu-guest-agent",)),
    "rabbitmq-server": (("rabbitmqctl",), ("rabbitmq-server",)),
    "redis-server": (("redis-server", "redis-cli"), ("redis-server",)), "tinc": (("tincd",), ("tinc", "tinc@")),
    "unbound": (("unbound",), ("unbound",)),
    "zerotier-one": (("zerotier-one", "zerotier-cli"), ("zerotier-one",)),
}  # fmt: skip
"""Package -> the programs and the services that it brings; another one brings a program of its own name.

A service like `tinc@` is a template: instances of it are started by somebody, it itself never is.
"""


def package_entry(name: str, version: str) -> str:
    """Write what dpkg notes of an installed package."""
    return (
        f"Package: {name}\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\n"
        f"Version: {version}\nDescription: {name}\n\n"
    )


def unit(service: str) -> str:
    """Write the unit file that a service comes with."""
    return (
        f"[Unit]\nDescription={service}\n\n[Service]\nExecStart=/usr/sbin/{service}\n\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )


def unit_file(unit: str) -> str:
    """Return the name of the file that a unit comes with: that of `tinc@lab.service` is `tinc@.service`."""
    stem, at, _ = unit.partition("@")
    return f"{stem}@.service" if at else unit


def installed(shell: Shell) -> dict[str, str]:
    """Return the installed packages with their versions."""
    text = shell.tree.read(STATUS).decode()
    return dict(re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", text, re.MULTILINE | re.DOTALL))


def version_of(package: str) -> str:
    """Return the version that the archive has of a package: always the same."""
    number = hashlib.sha256(package.encode()).digest()
    return f"{number[0] % 9 + 1}.{number[1] % 30}.{number[2] % 10}-{number[3] % 4 + 1}"


def _write(shell: Shell, packages: dict[str, str]) -> None:
    entries = (package_entry(name, version) for name, version in sorted(packages.items()))
    shell.tree.write(STATUS, "".join(entries).encode())


async def apt(shell: Shell, args: list[str], streams: Streams) -> int:
    """Install, remove and update packages."""
    words = _words(args)
    action, names = (words[0], words[1:]) if words else ("", [])
    if action not in _ACTIONS:
        streams.complain(f"E: Invalid operation {action}")
        return 100
    if action == "update":
        streams.say("Hit:1 http://deb.debian.org/debian trixie InRelease\nReading package lists... Done")
        return 0
    streams.say("Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done")
    unknown = [name for name in names if not _NAME.fullmatch(name.partition("=")[0])]
    for name in unknown:
        streams.complain(f"E: Unable to locate package {name}")
    if unknown:
        return 100
    change = _install if action == "install" else _remove
    await change(shell, [name.partition("=")[0] for name in names], streams)
    return 0


def _words(args: list[str]) -> list[str]:
    """Return what is no option; `-o` and `-t` take a word with them."""
    words, left = [], list(args)
    while left:
        word = left.pop(0)
        if word in ("-o", "-t", "--option", "--target-release"):
            left[:1] = []
        elif not word.startswith("-"):
            words.append(word)
    return words


async def _install(shell: Shell, names: list[str], streams: Streams) -> None:
    packages = installed(shell)
    new = sorted(set(names) - set(packages))
    for name in sorted(set(names) & set(packages)):
        streams.say(f"{name} is already the newest version ({packages[name]}).")
    if new:
        streams.say("The following NEW packages will be installed:\n  " + " ".join(new))
    streams.say(f"0 upgraded, {len(new)} newly installed, 0 to remove and 0 not upgraded.")
    for name in new:
        await _unpack(shell, name, streams)
        streams.say(f"Setting up {name} ({version_of(name)}) ...")
    _write(shell, packages | {name: version_of(name) for name in new})


async def _unpack(shell: Shell, name: str, streams: Streams) -> None:
    programs, services = _BROUGHT.get(name, ((name,), ()))
    for program in programs:
        shell.tree.write(f"/usr/sbin/{program}" if services else f"/usr/bin/{program}", BINARY, 0o755)
    for service in services:
        shell.tree.write(f"{UNITS}/{service}.service", unit(service).encode())
        if not service.endswith("@"):
            await shell.execute(["systemctl", "enable", "--now", service], streams)


async def _remove(shell: Shell, names: list[str], streams: Streams) -> None:
    packages = installed(shell)
    gone = sorted(set(names) & set(packages))
    for name in sorted(set(names) - set(packages)):
        streams.say(f"Package '{name}' is not installed, so not removed")
    streams.say(f"0 upgraded, 0 newly installed, {len(gone)} to remove and 0 not upgraded.")
    for name in gone:
        streams.say(f"Removing {name} ({packages[name]}) ...")
        programs, services = _BROUGHT.get(name, ((name,), ()))
        for service in [service for service in services if not service.endswith("@")]:
            await shell.execute(["systemctl", "disable", "--now", service], streams)
        paths = [f"{folder}/{program}" for folder in ("/usr/sbin", "/usr/bin") for program in programs]
        paths += [f"{UNITS}/{service}.service" for service in services]
        for path in paths:
            if shell.tree.exists(path):
                shell.tree.remove(path)
    _write(shell, {name: version for name, version in packages.items() if name not in gone})


async def dpkg(shell: Shell, args: list[str], streams: Streams) -> int:
    """Tell what is installed (`-l`, `-s`)."""
    option, names, packages = (args[0] if args else ""), args[1:], installed(shell)
    if option in ("-l", "--list"):
        shown = names or sorted(packages)
        for name in [name for name in shown if name in packages]:
            streams.say(f"ii  {name:<24} {packages[name]:<16} amd64        {name}")
        return _absent(streams, [name for name in names if name not in packages], "no packages found matching {}")
    if option in ("-s", "--status"):
        for name in [name for name in names if name in packages]:
            streams.say(package_entry(name, packages[name]).rstrip("\n"))
        missing = [name for name in names if name not in packages]
        return _absent(streams, missing, "package '{}' is not installed and no information is available")
    streams.complain("dpkg: error: need an action option")
    return 2


def _absent(streams: Streams, names: list[str], text: str) -> int:
    for name in names:
        streams.complain(f"dpkg-query: {text.format(name)}")
    return 1 if names else 0


async def dpkg_query(shell: Shell, args: list[str], streams: Streams) -> int:
    """Tell what is installed in a form of one's own (`-W -f='${Package}'`)."""
    form, names, packages = "${binary:Package}\t${Version}\n", list[str](), installed(shell)
    for word in args:
        if word.startswith(("-f=", "--showformat=")):
            form = word.partition("=")[2].replace("\\n", "\n").replace("\\t", "\t")
        elif not word.startswith("-"):
            names.append(word)
    for name in [name for name in names or sorted(packages) if name in packages]:
        streams.out(_filled(form, name, packages[name]).encode())
    return _absent(streams, [name for name in names if name not in packages], "no packages found matching {}")


def _filled(form: str, name: str, version: str) -> str:
    fields = {
        "Package": name, "binary:Package": name, "Version": version, "Architecture": "amd64",
        "Status": "install ok installed", "db:Status-Status": "installed",
    }  # fmt: skip
    return re.sub(r"\$\{([^}]+)\}", lambda match: fields.get(match[1], ""), form)


PROGRAMS: dict[str, Program] = {"apt": apt, "apt-get": apt, "dpkg": dpkg, "dpkg-query": dpkg_query}
