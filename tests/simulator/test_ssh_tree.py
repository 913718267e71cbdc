"""The file tree of a node, over SFTP: the cluster's files change the state, and no client breaks anything."""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncssh
import paramiko
import pytest

from tests.conftest import Simulator
from tests.simulator.test_ssh import Remote, clustered, connected, pve1

__all__ = ["clustered", "pve1"]
Seen = tuple[str, dict[str, Any]]
"""A method of the API, and what it then answers."""


@pytest.mark.parametrize(
    ("path", "text", "seen"),
    [
        ("jobs.cfg", "vzdump: nightly\n\tcomment a%3A b\n\tschedule 02:00\n\tall 1\n\tenabled 1\n\n",
         ("/cluster/backup/nightly", {"comment": "a: b", "schedule": "02:00"})),
        ("domains.cfg", "pam: pam\n\npve: pve\n\nldap: corp\n\tserver1 a.test\n\tbase_dn dc=test\n\tuser_attr uid\n\n",
         ("/access/domains/corp", {"type": "ldap", "server1": "a.test"})),
        ("status.cfg", "graphite: g1\n\tserver 192.0.2.8\n\tport 2003\n\n",
         ("/cluster/metrics/server/g1", {"port": 2003})),
        ("ha/resources.cfg", "vm: 100\n\tstate stopped\n\n", ("/cluster/ha/resources/vm:100", {"state": "stopped"})),
        ("ha/rules.cfg", "node-affinity: r1\n\tnodes pve1\n\tresources vm:100\n\n",
         ("/cluster/ha/rules/r1", {"resources": "vm:100"})),
        ("sdn/zones.cfg", "simple: z1\n\tipam pve\n\n", ("/cluster/sdn/zones/z1", {"type": "simple"})),
        ("sdn/vnets.cfg", "vnet: v1\n\tzone z1\n\n", ("/cluster/sdn/vnets/v1", {"zone": "z1"})),
        ("sdn/fabrics.cfg", "openfabric_fabric: fab\n\tip_prefix 192.0.2.0/24\n\n",
         ("/cluster/sdn/fabrics/fabric/fab", {"protocol": "openfabric"})),
        ("mapping/pci.cfg", "gpu\n\tmap node=pve1,path=0000:01:00.0,id=10de:1234\n\n",
         ("/cluster/mapping/pci/gpu", {"map": ["node=pve1,path=0000:01:00.0,id=10de:1234"]})),
        ("replication.cfg", "local: 100-0\n\ttarget pve2\n\tschedule */5\n\n",
         ("/cluster/replication/100-0", {"target": "pve2"})),
        ("datacenter.cfg", "keyboard: de\n", ("/cluster/options", {"keyboard": "de"})),
        ("firewall/cluster.fw", "[OPTIONS]\n\nenable: 1\n\n", ("/cluster/firewall/options", {"enable": 1})),
    ],
)  # fmt: skip
def test_a_file_of_the_cluster_is_the_state(
    simulator: Simulator, pve1: Remote, path: str, text: str, seen: Seen
) -> None:
    question, answer = seen
    with pve1.client.open_sftp() as sftp:
        sftp.putfo(io.BytesIO(text.encode()), f"/etc/pve/{path}")
        found = simulator.by_hand("GET", question)
        assert {name: found[name] for name in answer} == answer
        with sftp.open(f"/etc/pve/{path}") as file:
            assert file.read().decode() == text
        assert stat.S_IMODE(sftp.stat(f"/etc/pve/{path}").st_mode or 0) == 0o640
        sftp.remove(f"/etc/pve/{path}")
    if not path.endswith(("datacenter.cfg", ".fw")):
        with pytest.raises(Exception, match=r"not|[Nn]o such"):
            simulator.by_hand("GET", question)


def test_the_state_is_shown_in_the_files(simulator: Simulator, pve1: Remote) -> None:
    simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "zz", "type": "vlan", "bridge": "vmbr0"})
    simulator.by_hand("POST", "/cluster/sdn/vnets", {"vnet": "vv", "zone": "zz", "tag": 7})
    assert pve1.ok("cat /etc/pve/sdn/zones.cfg") == "vlan: zz\n\tbridge vmbr0\n\n"
    assert pve1.ok("cat /etc/pve/sdn/vnets.cfg") == "vnet: vv\n\tzone zz\n\ttag 7\n\n"
    simulator.by_hand("PUT", "/cluster/sdn")
    assert '"vnets":{"ids":{"vv":' in pve1.ok("cat /etc/pve/sdn/.running-config")
    assert "bridge_ports vmbr0.7" in pve1.ok("cat /etc/network/interfaces.d/sdn")
    node = pve1.ok("cat /etc/hostname").strip()
    assert f'"nodename": "{node}"' in pve1.ok("cat /etc/pve/.members")
    assert "BEGIN CERTIFICATE" in pve1.ok("head -1 /etc/pve/local/pve-ssl.pem")
    assert "ID=debian" in pve1.ok("cat /etc/os-release").splitlines()
    assert pve1.run("echo x > /etc/pve/.members").code == 1


def test_a_secret_is_in_no_file(simulator: Simulator, pve1: Remote) -> None:
    pve1.ok("pvesm add cifs share --server 192.0.2.3 --share s --username u --password top-secret --content iso")
    secret = next(iter(simulator.running.connections.values())).token_secret
    text = pve1.ok("find /etc /root /var/log -type f | xargs cat")
    assert "top-secret" not in text
    assert secret not in text
    assert "root@pam!labs" in pve1.ok("cat /etc/pve/priv/token.cfg")
    assert pve1.ok("stat -c %a /etc/pve/priv /etc/pve/priv/token.cfg") == "700\n600\n"


def test_a_cluster_tells_of_its_members(clustered: Remote) -> None:
    text = clustered.ok("cat /etc/pve/corosync.conf")
    assert [line.strip() for line in text.splitlines() if "name: pve" in line] == [f"name: pve{n}" for n in (1, 2, 3)]
    assert '"quorate": 1' in clustered.ok("cat /etc/pve/.members")


def test_a_guest_of_a_dead_node_is_rescued_by_its_file(cluster: Simulator, clustered: Remote) -> None:
    cluster.by_hand("POST", "/nodes/pve3/qemu", {"vmid": 161, "name": "lost"})
    cluster.control("POST", "nodes", {"node": "pve3", "online": False})
    with clustered.client.open_sftp() as sftp:
        sftp.posix_rename("/etc/pve/nodes/pve3/qemu-server/161.conf", "/etc/pve/qemu-server/161.conf")
    assert clustered.ok("qm start 161 && qm status 161") == "status: running\n"
    assert '"161": { "node": "pve1", "type": "qemu"' in clustered.ok("cat /etc/pve/.vmlist")


def test_files_keep_their_owners_permissions_and_times(pve1: Remote) -> None:
    with pve1.client.open_sftp() as sftp:
        sftp.putfo(io.BytesIO(b"x"), "/root/own")
        sftp.chown("/root/own", 33, 34)
        sftp.chmod("/root/own", 0o4750)
        sftp.utime("/root/own", (1000, 2000))
        sftp.putfo(io.BytesIO(b"longer"), "/root/own")
        found = sftp.stat("/root/own")
        assert (found.st_uid, found.st_gid, found.st_mode, found.st_size) == (33, 34, stat.S_IFREG | 0o4750, 6)
        sftp.utime("/root/own", (1000, 2000))
        sftp.rename("/root/own", "/root/other")
        sftp.symlink("other", "/root/link")
        assert sftp.lstat("/root/link").st_mode == stat.S_IFLNK | 0o777
        assert sftp.normalize("/root/link") == "/root/other"
        assert sftp.stat("/root/link").st_size == 6
        with pytest.raises(OSError, match=r"size|large|Failure"):
            sftp.truncate("/root/link", 1 << 40)
        sftp.symlink("loop", "/root/loop")
        with pytest.raises(OSError, match=r"levels|Failure"):
            sftp.stat("/root/loop")
        with pytest.raises(OSError, match=r"permitted|denied|Permission"):
            sftp.chmod("/etc/pve/user.cfg", 0o777)


def test_ten_channels_work_at_once(pve1: Remote) -> None:
    data = random.Random(7).randbytes(300_000)

    def work(number: int) -> bytes:
        with pve1.client.open_sftp() as sftp:
            sftp.putfo(io.BytesIO(data + bytes([number])), f"/root/part{number}")
            with sftp.open(f"/root/part{number}") as file:
                return bytes(file.read())

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(work, range(10))) == [data + bytes([number]) for number in range(10)]


def test_a_node_that_goes_down_ends_its_sessions(cluster: Simulator) -> None:
    with connected(cluster.running, "pve2") as client:
        _, stdout, _ = client.exec_command("sleep 3600")
        cluster.control("POST", "nodes", {"node": "pve2", "online": False})
        assert stdout.read() == b""
        transport = client.get_transport()
        assert transport is not None
        transport.join(10)
        assert not transport.is_active()


def test_ports_are_not_forwarded(pve1: Remote) -> None:
    transport = pve1.client.get_transport()
    assert transport is not None
    with pytest.raises(paramiko.ChannelException, match="Administratively prohibited"):
        transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1))
    with pytest.raises(paramiko.SSHException):
        transport.request_port_forward("127.0.0.1", 0)


_NAMES = [
    "a",
    "b",
    "..",
    ".",
    "",
    "x" * 300,
    "qemu-server",
    "100.conf",
    "storage.cfg",
    "ü",
    "a\nb",
    "local",
    "iso",
    "\x7f",
]
_ROOTS = [
    "/",
    "/root",
    "/etc/pve",
    "/etc/pve/nodes/pve1",
    "/var/lib/vz/template",
    "/etc/pve/priv",
    "/proc",
    "/var/log/pve",
]
_DATA = [b"", b"text\n", b"\0\xff", b"vm: 100\n", b"[a]\nx: y\n", b"memory: 1\n" * 50]


def _path(chance: random.Random) -> str:
    return "/".join([chance.choice(_ROOTS), *chance.choices(_NAMES, k=chance.randint(0, 3))])


def _operations(sftp: paramiko.SFTPClient, chance: random.Random) -> list[Callable[[], object]]:
    one, two = _path(chance), _path(chance)
    return [
        lambda: sftp.listdir_attr(one), lambda: sftp.stat(one), lambda: sftp.lstat(one), lambda: sftp.readlink(one),
        lambda: sftp.normalize(one), lambda: sftp.mkdir(one), lambda: sftp.rmdir(one), lambda: sftp.remove(one),
        lambda: sftp.rename(one, two), lambda: sftp.posix_rename(one, two), lambda: sftp.symlink(two, one),
        lambda: sftp.chmod(one, chance.randint(0, 0o7777)), lambda: sftp.chown(one, 5, 5),
        lambda: sftp.truncate(one, 3),
        lambda: sftp.utime(one, (1, 2)), lambda: sftp.putfo(io.BytesIO(chance.choice(_DATA)), one),
        lambda: sftp.open(one).read(),
    ]  # fmt: skip


def test_no_operation_breaks_the_tree(simulator: Simulator, pve1: Remote) -> None:
    before = (simulator.running.home / "simulator.log").read_text(encoding="utf-8")
    chance = random.Random(20)
    with pve1.client.open_sftp() as sftp:
        for _ in range(600):
            with contextlib.suppress(OSError):
                chance.choice(_operations(sftp, chance))()
    after = (simulator.running.home / "simulator.log").read_text(encoding="utf-8").removeprefix(before)
    assert "Traceback" not in after
    assert pve1.ok("pvesm status >/dev/null 2>&1; qm list; pveum user list --output-format json").endswith("]\n")


def test_another_library_finds_its_way(simulator: Simulator) -> None:
    connection = next(iter(simulator.running.connections.values()))
    place = next(iter(connection.ssh.values()))

    async def work() -> tuple[str, int, int]:
        known = f"[{place.address}]:{place.port} {place.public_key}".encode()
        options: dict[str, Any] = {"username": "root", "known_hosts": known, "client_keys": [str(connection.ssh_key)]}
        async with asyncssh.connect(place.address, place.port, config=None, **options) as client:
            ran = await client.run("echo $LC_ALL", env={"LC_ALL": "C.UTF-8"}, check=True)
            async with client.start_sftp_client() as sftp:
                room = await sftp.statvfs("/")
                return str(ran.stdout), room.namemax, len(await sftp.listdir("/etc/pve"))

    text, longest, names = asyncio.run(work())
    assert (text, longest, names > 5) == ("C.UTF-8\n", 255, True)
