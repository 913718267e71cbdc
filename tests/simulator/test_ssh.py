"""Each simulated node answers SSH, as a Proxmox VE host does; paramiko is the client and checks the host key."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import pytest

from simulator import daemon
from tests.conftest import Simulator

STORAGE_CFG = "/etc/pve/storage.cfg"


@dataclass
class Ran:
    """How a command ended."""

    code: int
    out: str
    error: str


@dataclass
class Remote:
    """A connection to a node."""

    client: paramiko.SSHClient

    def run(self, command: str, given: bytes = b"") -> Ran:
        """Run a command to its end."""
        stdin, stdout, stderr = self.client.exec_command(command, timeout=30)
        stdin.write(given)
        stdin.channel.shutdown_write()
        out, error = stdout.read().decode(), stderr.read().decode()
        return Ran(stdout.channel.recv_exit_status(), out, error)

    def ok(self, command: str, given: bytes = b"") -> str:
        """Run a command that ends well, and return what it prints."""
        ran = self.run(command, given)
        assert (ran.code, ran.error) == (0, ""), ran
        return ran.out

    def json(self, command: str) -> Any:
        """Run a command that prints JSON."""
        return json.loads(self.ok(f"{command} --output-format json"))


@contextmanager
def connected(running: daemon.Running, node: str, **how: Any) -> Iterator[paramiko.SSHClient]:
    """Connect to a node, whose host key has to be the one that is written down."""
    connection = next(each for each in running.connections.values() if node in each.ssh)
    place = connection.ssh[node]
    name, key = place.public_key.split()
    client = paramiko.SSHClient()
    known = paramiko.PKey.from_type_string(name, base64.b64decode(key))
    client.get_host_keys().add(f"[{place.address}]:{place.port}", name, known)
    how = how or {"key_filename": str(connection.ssh_key)}
    try:
        client.connect(place.address, place.port, "root", allow_agent=False, look_for_keys=False, timeout=20, **how)
        yield client
    finally:
        client.close()


@pytest.fixture
def pve1(simulator: Simulator) -> Iterator[Remote]:
    """A standalone host."""
    node = next(iter(next(iter(simulator.running.connections.values())).ssh))
    with connected(simulator.running, node) as client:
        yield Remote(client)


@pytest.fixture
def clustered(cluster: Simulator) -> Iterator[Remote]:
    """The first node of a cluster."""
    with connected(cluster.running, "pve1") as client:
        yield Remote(client)


def password_of(running: daemon.Running) -> str:
    return str(json.loads((running.home / "credentials.json").read_text(encoding="utf-8"))["password"])


def test_the_address_and_host_key_of_every_node_are_written_down(cluster: Simulator) -> None:
    connection = next(iter(cluster.running.connections.values()))
    written = json.loads((cluster.running.home / "simulator.json").read_text(encoding="utf-8"))
    places = next(iter(written["connections"].values()))["ssh"]
    assert sorted(places) == ["pve1", "pve2", "pve3"]
    assert len({place.port for place in connection.ssh.values()}) == 3
    assert len({place.host_key for place in connection.ssh.values()}) == 3
    for place in connection.ssh.values():
        digest = hashlib.sha256(base64.b64decode(place.public_key.split()[1])).digest()
        assert place.host_key == "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def test_the_clients_key_is_for_its_owner_only_and_stays(tmp_path: Path) -> None:
    try:
        first = daemon.ensure(tmp_path, "standalone").connections
        assert all(stat.S_IMODE(c.ssh_key.stat().st_mode) == 0o600 for c in first.values())
        daemon.stop(tmp_path)
        running = daemon.ensure(tmp_path, "standalone")
        assert running.connections == first
        with connected(running, next(iter(next(iter(first.values())).ssh))) as client:
            assert Remote(client).ok("whoami") == "root\n"
    finally:
        daemon.stop(tmp_path)


def test_root_logs_in_with_the_password_as_well(cluster: Simulator) -> None:
    with connected(cluster.running, "pve2", password=password_of(cluster.running)) as client:
        assert Remote(client).ok("hostname") == "pve2\n"


def test_a_wrong_password_or_a_foreign_key_does_not_let_in(cluster: Simulator) -> None:
    foreign = paramiko.RSAKey.generate(2048)
    for how in ({"password": "wrong"}, {"pkey": foreign}):
        with pytest.raises(paramiko.AuthenticationException), connected(cluster.running, "pve1", **how):
            pass


def test_a_key_that_is_authorized_on_the_node_lets_in(simulator: Simulator, pve1: Remote) -> None:
    key = paramiko.ECDSAKey.generate()
    pve1.ok("cat >> /root/.ssh/authorized_keys", f"{key.get_name()} {key.get_base64()} me\n".encode())
    with connected(simulator.running, pve1.ok("hostname").strip(), pkey=key) as client:
        assert Remote(client).ok("true") == ""


def test_a_node_that_is_down_answers_nobody(cluster: Simulator) -> None:
    cluster.control("POST", "nodes", {"node": "pve3", "online": False})
    with pytest.raises((paramiko.SSHException, OSError, EOFError)), connected(cluster.running, "pve3"):
        pass


def test_a_node_tells_who_has_logged_in(pve1: Remote) -> None:
    told = pve1.run("echo $SSH_CONNECTION; echo $SSH_CLIENT").out.split()

    assert told[0] == told[4] == "127.0.0.1"
    assert told[1] == told[5]
    assert told[3] == told[6]


def test_sftp_reads_and_writes_files_that_stay(pve1: Remote) -> None:
    data = bytes(range(256)) * 300
    with pve1.client.open_sftp() as sftp:
        sftp.mkdir("/root/work")
        sftp.putfo(io.BytesIO(data), "/root/work/blob")
        sftp.chmod("/root/work/blob", 0o600)
        assert sftp.listdir("/root/work") == ["blob"]
        assert sftp.stat("/root/work/blob").st_mode == stat.S_IFREG | 0o600
        with sftp.open("/root/work/blob") as file:
            assert file.read() == data
        with sftp.open("/root/work/blob", "r+") as file:
            file.seek(5)
            file.write(b"middle")
        sftp.posix_rename("/root/work/blob", "/root/work/moved")
        assert sftp.stat("work/moved").st_size == len(data)
    changed = data[:5] + b"middle" + data[11:]
    assert pve1.ok("sha256sum work/moved") == f"{hashlib.sha256(changed).hexdigest()}  work/moved\n"
    with pve1.client.open_sftp() as sftp:
        sftp.remove("work/moved")
        sftp.rmdir("work")
        with pytest.raises(FileNotFoundError):
            sftp.stat("work")


@pytest.mark.parametrize(
    "path",
    [f"../../../..{__file__}", "/root/../../proc/self/environ", "/etc/shadow", "/var/lib/vz/../../../etc/shadow"],
)
def test_no_path_leads_to_the_files_of_this_computer(pve1: Remote, path: str) -> None:
    with pve1.client.open_sftp() as sftp:
        with pytest.raises(FileNotFoundError):
            sftp.open(path)
        sftp.symlink(path, "/root/link")
        with pytest.raises(FileNotFoundError):
            sftp.open("/root/link")
        assert sftp.readlink("/root/link") == path
        sftp.remove("/root/link")
    assert pve1.run(f"cat {path}").code == 1


def test_a_file_on_a_storage_is_a_volume(simulator: Simulator, pve1: Remote) -> None:
    node = pve1.ok("hostname").strip()
    with pve1.client.open_sftp() as sftp:
        sftp.putfo(io.BytesIO(b"#cloud-config\n"), "/var/lib/vz/snippets/user.yaml")
    listed = simulator.by_hand("GET", f"/nodes/{node}/storage/local/content", {"content": "snippets"})
    assert [(row["volid"], row["size"]) for row in listed] == [("local:snippets/user.yaml", 14)]
    simulator.by_hand("DELETE", f"/nodes/{node}/storage/local/content/local:snippets/user.yaml")
    assert pve1.run("test -e /var/lib/vz/snippets/user.yaml").code == 1


def test_writing_the_storage_file_changes_the_storages(simulator: Simulator, pve1: Remote) -> None:
    before = pve1.ok(f"cat {STORAGE_CFG}")
    pve1.ok(f"cat > {STORAGE_CFG}", f"{before}dir: extra\n\tpath /srv/extra\n\tcontent iso\n\n".encode())
    found = simulator.by_hand("GET", "/storage/extra")
    assert (found["type"], found["path"], found["content"]) == ("dir", "/srv/extra", "iso")
    pve1.ok(f"cat > {STORAGE_CFG}", before.encode())
    assert pve1.ok(f"cat {STORAGE_CFG}") == before
    assert "extra" not in [row["storage"] for row in simulator.by_hand("GET", "/storage")]


def test_a_line_that_makes_no_sense_is_left_out_with_a_warning(simulator: Simulator, pve1: Remote) -> None:
    before = pve1.ok(f"cat {STORAGE_CFG}")
    text = (
        f"# mine\n{before}dir: extra\n\tpath /srv/extra\n\tcontent iso\n\twheels 4\n\nfloppy: a\n\tpath /x\n\ngarbage\n"
    )
    pve1.ok(f"cat > {STORAGE_CFG}", text.encode())
    assert pve1.ok(f"cat {STORAGE_CFG}") == text
    assert simulator.by_hand("GET", "/storage/extra")["content"] == "iso"
    ran = pve1.run("pvesm status")
    assert (ran.code, "extra" in ran.out, "floppy" in ran.out) == (0, True, False)
    assert "(section 'extra') - unable to parse value of 'wheels': unexpected property 'wheels'" in ran.error
    assert "(skip section 'a'): unsupported type 'floppy'" in ran.error
    assert "ignore config line: garbage" in ran.error
    simulator.by_hand("DELETE", "/storage/extra")
    assert pve1.ok(f"cat {STORAGE_CFG}") == before


def test_what_is_no_text_is_refused_and_changes_nothing(simulator: Simulator, pve1: Remote) -> None:
    state = simulator.state()
    with pve1.client.open_sftp() as sftp, pytest.raises(OSError, match="size mismatch"):
        sftp.putfo(io.BytesIO(b"dir: a\xff\n"), STORAGE_CFG)
    ran = pve1.run(f"printf 'a\\0b' > {STORAGE_CFG}")
    assert (ran.code, "Invalid argument" in ran.error) == (1, True)
    assert simulator.state() == state


def test_half_a_file_of_a_client_that_is_gone_changes_nothing(simulator: Simulator) -> None:
    state = simulator.state()
    node = next(iter(next(iter(simulator.running.connections.values())).ssh))
    with contextlib.suppress(EOFError), connected(simulator.running, node) as client, client.open_sftp() as sftp:
        file = sftp.open(STORAGE_CFG, "w")
        file.write(b"dir: local\n\tpath /x\n")
        file.flush()
        sftp.stat(STORAGE_CFG)
        transport = client.get_transport()
        assert transport is not None
        transport.sock.shutdown(socket.SHUT_RDWR)
    with connected(simulator.running, node) as client:
        Remote(client).ok("true")
    assert simulator.state() == state


@pytest.mark.skipif(shutil.which("scp") is None, reason="needs OpenSSH's scp")
@pytest.mark.parametrize("protocol", ["-s", "-O"])
def test_openssh_copies_a_file_there_and_back(simulator: Simulator, tmp_path: Path, protocol: str) -> None:
    connection = next(iter(simulator.running.connections.values()))
    place = next(iter(connection.ssh.values()))
    known, sent, back = tmp_path / "known_hosts", tmp_path / "sent", tmp_path / "back"
    known.write_text(f"[{place.address}]:{place.port} {place.public_key}\n")
    sent.write_bytes(bytes(range(256)) * 1000)
    remote = f"scp://root@{place.address}:{place.port}//root/copied"
    options = ["-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes", "-B"]
    for source, target in ((str(sent), remote), (remote, str(back))):
        command = ["scp", protocol, *options, "-i", str(connection.ssh_key), source, target]
        subprocess.run(command, check=True, timeout=60, capture_output=True)
    assert back.read_bytes() == sent.read_bytes()


def test_the_file_of_a_machine_is_its_configuration(simulator: Simulator, pve1: Remote) -> None:
    node = pve1.ok("hostname").strip()
    simulator.by_hand("POST", f"/nodes/{node}/qemu", {"vmid": 150, "name": "web", "memory": 512})
    path = "/etc/pve/qemu-server/150.conf"
    text = pve1.ok(f"cat {path}")
    assert "memory: 512\n" in text
    pve1.ok(f"cat > {path}", text.replace("memory: 512", "memory: 768\ntags: edited").encode())
    config = simulator.by_hand("GET", f"/nodes/{node}/qemu/150/config")
    assert (config["memory"], config["tags"]) == ("768", "edited")
    pve1.ok(f"rm {path}")
    assert 150 not in [row["vmid"] for row in simulator.by_hand("GET", f"/nodes/{node}/qemu")]


def test_a_guest_is_moved_to_another_node_by_moving_its_file(cluster: Simulator, clustered: Remote) -> None:
    cluster.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 151})
    clustered.ok("mv /etc/pve/nodes/pve1/qemu-server/151.conf /etc/pve/nodes/pve2/qemu-server/")
    assert cluster.by_hand("GET", "/nodes/pve2/qemu/151/status/current")["status"] == "stopped"
    clustered.ok("touch /root/own")
    assert clustered.run("echo 'name: b' > /etc/pve/nodes/pve3/qemu-server/151.conf").error.endswith("File exists\n")


def test_the_cluster_files_cannot_be_written_without_quorum(cluster: Simulator, clustered: Remote) -> None:
    for node in ("pve2", "pve3"):
        cluster.control("POST", "nodes", {"node": node, "online": False})
    ran = clustered.run("echo 'keyboard: de' > /etc/pve/datacenter.cfg")
    assert (ran.code, ran.error) == (1, "bash: line 1: /etc/pve/datacenter.cfg: Permission denied\n")
    assert "Activity blocked" in clustered.ok("pvecm status")
    assert clustered.ok("echo kept > /root/own && cat /root/own") == "kept\n"


def test_users_keep_their_passwords_when_the_file_is_written(simulator: Simulator, pve1: Remote) -> None:
    simulator.by_hand("POST", "/access/users", {"userid": "amy@pve", "password": "secret123", "comment": "A: 1"})
    text = pve1.ok("cat /etc/pve/user.cfg")
    assert "user:amy@pve:1:0::::A%3A 1::\n" in text
    pve1.ok("cat > /etc/pve/user.cfg", f"{text}group:ops:amy@pve:team:\n\nacl:1:/vms:@ops:PVEVMUser:\n".encode())
    assert simulator.by_hand("GET", "/access/groups/ops")["members"] == ["amy@pve"]
    login = simulator.by_hand("POST", "/access/ticket", {"username": "amy@pve", "password": "secret123"})
    assert login["username"] == "amy@pve"


def test_the_network_file_is_in_effect_after_a_reload(simulator: Simulator, pve1: Remote) -> None:
    node = pve1.ok("hostname").strip()
    text = pve1.ok("cat /etc/network/interfaces")
    pve1.ok("cat >> /etc/network/interfaces", b"\nauto vmbr7\niface vmbr7 inet manual\n\tbridge-ports none\n")
    assert pve1.ok("cat /etc/network/interfaces").startswith(text)
    pve1.ok("ifreload -a")
    rows = {row["iface"]: row for row in simulator.by_hand("GET", f"/nodes/{node}/network")}
    assert (rows["vmbr7"]["type"], rows["vmbr7"]["active"]) == ("bridge", 1)


def test_the_whole_life_of_a_machine_goes_through_the_shell(pve1: Remote) -> None:
    node = pve1.ok("hostname").strip()
    pve1.ok("qm create 200 --name web --memory 512 --scsi0 local-lvm:4 --net0 virtio,bridge=vmbr0")
    assert pve1.ok("qm set 200 --cores 2 --onboot 1") == "update VM 200: -cores 2 -onboot 1\n"
    pve1.ok("qm start 200 && qm status 200 | tee /root/status")
    assert pve1.ok("cat /root/status") == "status: running\n"
    assert pve1.json(f"pvesh get /nodes/{node}/qemu/200/status/current")["status"] == "running"
    assert ["200", "web", "running"] in [line.split()[:3] for line in pve1.ok("qm list").splitlines()]
    pve1.ok("qm stop 200; qm resize 200 scsi0 +4G; qm template 200")
    assert "create full clone" in pve1.ok("qm clone 200 201 --name copy --full 1")
    assert "scsi0: local-lvm:vm-201-disk-0,size=8G\n" in pve1.ok("qm config 201")
    pve1.ok("qm destroy 201 --purge && qm destroy 200")
    assert "200" not in pve1.ok("qm list").split()
    ran = pve1.run("qm config 201")
    assert (ran.code, ran.error) == (2, f"Configuration file 'nodes/{node}/qemu-server/201.conf' does not exist\n")


def test_containers_users_and_storages_have_their_tools(pve1: Remote) -> None:
    template = pve1.ok("pvesm list local --content vztmpl").splitlines()[1].split()[0]
    pve1.ok(f"pct create 300 {template} --hostname ct --rootfs local-lvm:2 && pct start 300")
    assert pve1.ok("pct list").splitlines()[1].split() == ["300", "running", "ct"]
    pve1.ok("pct stop 300 && pct destroy 300")
    pve1.ok("pvesm add dir extra --path /srv/extra --content iso")
    assert "extra" in pve1.ok("pvesm status")
    pve1.ok("pvesm remove extra")
    pve1.ok("pveum user add joe@pve --comment Joe && pveum acl modify / --users joe@pve --roles PVEAuditor")
    assert [row["ugid"] for row in pve1.json("pveum acl list")] == ["joe@pve"]
    token = pve1.json("pveum user token add joe@pve auto")
    assert token["full-tokenid"] == "joe@pve!auto"
    ran = pve1.run("pvecm status")
    assert (ran.code, "is this node part of a cluster?" in ran.error) == (2, True)


def test_pvesh_refuses_in_the_words_of_the_api(pve1: Remote) -> None:
    ran = pve1.run("pvesh create /pools --poolid 'a b'")
    assert (ran.code, ran.out) == (255, "")
    assert ran.error.startswith("400 Parameter verification failed.\npoolid: ")
    assert pve1.run("pvesh get /nowhere").error == "No 'get' handler defined for '/nowhere'\n"
    assert pve1.run("pvesh get /version --colour red").error.startswith("Unknown option: colour\n400 unable to parse")
    assert pve1.ok("pvesh create /pools --poolid prod && pvesh ls /pools").split()[-1] == "prod"
    assert pve1.json("pvesh get /pools") == [{"poolid": "prod"}]
    assert pve1.ok("pvesh delete /pools/prod") == ""


def test_a_tool_fails_when_its_task_fails(simulator: Simulator, pve1: Remote) -> None:
    pve1.ok("qm create 210 --memory 128")
    simulator.control("POST", "task-faults", {"type": "qmstart", "text": "start failed: no luck"})
    ran = pve1.run("qm start 210")
    assert (ran.code, ran.error) == (255, "start failed: no luck\n")


def test_a_tool_waits_until_its_task_has_ended(simulator: Simulator, pve1: Remote) -> None:
    pve1.ok("qm create 211 --memory 128")
    simulator.control("POST", "clock", {"mode": "held"})
    _, stdout, _ = pve1.client.exec_command("qm start 211; qm status 211")
    assert pve1.ok("qm status 211") == "status: stopped\n"
    assert not stdout.channel.exit_status_ready()
    simulator.control("POST", "clock", {"advance": 60})
    assert stdout.read() == b"status: running\n"


def test_an_unknown_command_fails_as_in_a_shell(pve1: Remote) -> None:
    ran = pve1.run("foo --bar")
    assert (ran.code, ran.out, ran.error) == (127, "", "bash: line 1: foo: command not found\n")


@pytest.mark.parametrize(
    ("line", "out", "code"),
    [
        ("echo a && false || echo b", "a\nb\n", 0),
        ("false; echo $?", "1\n", 0),
        ("! true", "", 1),
        ("echo \"$HOME is '$(hostname)'\" | cat -", "/root is 'NODE'\n", 0),
        ("cat <<'END'\n$HOME\nEND\necho after", "$HOME\nafter\n", 0),
        ("cat <<END\n$HOME\nEND", "/root\n", 0),
        ("mkdir -p d/e; echo x > d/e/f; echo y >> d/e/f; cat /root/d/*/f; rm -rf d; ls", "x\ny\n", 0),
        ("foo 2>/dev/null; foo 2>&1 | cat", "bash: line 1: foo: command not found\n", 0),
        ("[ -d /etc/pve ] && test ! -e /none && test a = a -a 1 -lt 2 && echo yes", "yes\n", 0),
        ("A=1; bash -c 'exit 3'; echo $A $?", "1 3\n", 0),
        ("cd /etc && pwd; exit 7; echo never", "/etc\n", 7),
        ("printf() {", "", 2),
        ("echo 'open", "", 2),
        ("cat /none", "", 1),
    ],
)  # fmt: skip
def test_the_shell_reads_what_programs_write(pve1: Remote, line: str, out: str, code: int) -> None:
    node = pve1.ok("hostname").strip()
    ran = pve1.run(line)
    assert (ran.out, ran.code) == (out.replace("NODE", node), code), ran


def test_a_session_without_a_command_runs_line_after_line(pve1: Remote) -> None:
    channel = pve1.client.invoke_shell()
    channel.settimeout(20)
    channel.sendall(b"echo one\nexit 4\n")
    assert channel.recv_exit_status() == 4
    assert b"one" in channel.recv(4096)
