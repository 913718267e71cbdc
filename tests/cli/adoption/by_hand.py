"""An environment that people and other tools have made: with options that this program's labs never use."""

from __future__ import annotations

from typing import Any

from tests.conftest import Simulator

OTHER_TOOL = (
    "managed by another tool; do not edit!\nsee https://wiki.example.org/vm?id=web&x=\"1\"  \n\n- it's 100 % 'fine'"
)
TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
CALLS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/pools", {"poolid": "prod", "comment": "Produktion \u2013 nicht löschen"}),
    ("POST", "/pools", {"poolid": "prod/web"}),
    ("POST", "/storage", {"storage": "backups", "type": "dir", "path": "/srv/backups", "content": "backup",
                          "prune-backups": "keep-daily=7,keep-last=3", "nodes": "pve2,pve1", "shared": 1}),
    ("POST", "/storage", {"storage": "office", "type": "cifs", "server": "192.0.2.9", "share": "iso",
                          "username": "pve", "password": "hunter22", "content": "iso", "disable": 1}),
    ("POST", "/access/groups", {"groupid": "staff", "comment": "people"}),
    ("POST", "/access/users", {"userid": "ann@pve", "groups": "staff", "email": "ann@example.org",
                               "firstname": "Ann", "password": "hunter22", "expire": 1999999999}),
    ("POST", "/access/users", {"userid": "bot@pve", "enable": 0, "comment": "unused since 2019"}),
    ("POST", "/access/users/bot@pve/token/ci", {"comment": "for the pipeline"}),
    ("POST", "/access/roles", {"roleid": "Watcher", "privs": "VM.Audit,Sys.Audit"}),
    ("PUT", "/access/acl", {"path": "/pool/prod", "roles": "Watcher", "users": "ann@pve"}),
    ("PUT", "/access/acl", {"path": "/", "roles": "PVEAuditor", "groups": "staff", "propagate": 0}),
    ("POST", "/access/domains", {"realm": "corp", "type": "ldap", "server1": "192.0.2.7", "base_dn": "dc=example",
                                 "user_attr": "uid", "comment": "the office"}),
    ("PUT", "/cluster/options", {"keyboard": "de", "description": "Our cluster.\nAsk Ann.",
                                 "migration": "type=insecure,network=192.0.2.0/24", "max_workers": 3}),
    ("POST", "/cluster/metrics/server/graphs", {"type": "influxdb", "server": "192.0.2.8", "port": 8086,
                                                "influxdbproto": "http", "token": "hunter22", "bucket": "pve"}),
    ("POST", "/cluster/mapping/dir", {"id": "share", "map": ["node=pve1,path=/srv/share"], "description": "files"}),
    ("POST", "/nodes/pve1/network", {"iface": "vmbr7", "type": "bridge", "autostart": 1, "bridge_vlan_aware": 1,
                                     "bridge_vids": "2-99 200", "mtu": 1400, "comments": "for the lab\nand more"}),
    ("PUT", "/nodes/pve1/network", {}),
    ("POST", "/cluster/sdn/zones", {"zone": "office", "type": "vlan", "bridge": "vmbr1", "mtu": 1450, "ipam": "pve"}),
    ("POST", "/cluster/sdn/zones", {"zone": "inner", "type": "simple", "ipam": "pve", "dhcp": "dnsmasq"}),
    ("POST", "/cluster/sdn/vnets", {"vnet": "vn20", "zone": "office", "tag": 20, "alias": "desks, 2nd floor"}),
    ("POST", "/cluster/sdn/vnets", {"vnet": "vnin", "zone": "inner"}),
    ("POST", "/cluster/sdn/vnets/vnin/subnets", {"subnet": "10.9.0.0/24", "type": "subnet", "gateway": "10.9.0.1",
                                                 "snat": 1,
                                                 "dhcp-range": ["start-address=10.9.0.50,end-address=10.9.0.99"]}),
    ("PUT", "/cluster/sdn", {}),
    ("POST", "/nodes/pve2/qemu", {
        "vmid": 101, "name": "web", "pool": "prod/web", "description": OTHER_TOOL, "tags": "Web;prod;a-b",
        "memory": 3000, "cores": 3, "sockets": 2, "numa": 1, "cpu": "host,flags=+aes", "balloon": 512, "bios": "ovmf",
        "efidisk0": "nfs1:1,efitype=4m,pre-enrolled-keys=1", "scsihw": "virtio-scsi-single", "machine": "q35",
        "scsi0": "nfs1:8,cache=writeback,discard=on,ssd=1,iothread=1,backup=0,mbps_rd=50",
        "virtio3": "local-lvm:2,serial=abc", "ide2": "local:iso/debian-13.1.0-amd64-netinst.iso,media=cdrom",
        "sata0": "none,media=cdrom", "net0": "e1000=02:00:00:AA:BB:CC,bridge=vmbr0,firewall=1,tag=30,rate=12.5",
        "net5": "virtio,bridge=vn20,link_down=1,queues=2", "boot": "order=scsi0;net0", "onboot": 1,
        "startup": "order=3,up=10,down=60", "agent": "1,fstrim_cloned_disks=1", "ostype": "l26", "tablet": 0,
        "serial0": "socket", "vga": "qxl,memory=32", "rng0": "source=/dev/urandom,max_bytes=1024,period=1000",
        "hotplug": "disk,network", "protection": 1, "smbios1": "manufacturer=QUNNRQ==,base64=1",
        "watchdog": "model=i6300esb,action=reset", "ciuser": "ann", "cipassword": "hunter22",
        "sshkeys": "ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIFakeKeyFakeKeyFakeKeyFakeKeyFakeKeyFake%20ann%40laptop",
        "ipconfig0": "ip=192.0.2.101/24,gw=192.0.2.1", "nameserver": "192.0.2.2 192.0.2.3",
        "searchdomain": "example.org",
    }),
    ("POST", "/nodes/pve2/qemu/101/status/start", {}),
    ("POST", "/nodes/pve1/qemu", {"vmid": 102, "name": "web", "memory": 256, "scsi0": "local-lvm:1"}),
    ("POST", "/nodes/pve1/qemu", {"vmid": 103}),
    ("POST", "/nodes/pve1/lxc", {
        "vmid": 200, "hostname": "files", "ostemplate": TEMPLATE, "rootfs": "local-lvm:4,acl=1", "memory": 700,
        "swap": 0, "cores": 1, "cpulimit": 1.5, "unprivileged": 1, "features": "nesting=1",
        "mp0": "local-lvm:1,mp=/srv,backup=1",
        "net0": "name=eth0,bridge=vmbr0,hwaddr=02:00:00:AA:BB:01,ip=192.0.2.200/24",
        "net1": "name=lan,bridge=vnin,ip=dhcp", "description": "files   \n\n", "tags": "x", "onboot": 1,
        "nameserver": "192.0.2.2", "searchdomain": "example.org", "password": "hunter22", "timezone": "Europe/Berlin",
    }),
    ("POST", "/nodes/pve1/lxc/200/snapshot", {"snapname": "before"}),
    ("POST", "/cluster/firewall/aliases", {"name": "Office", "cidr": "198.51.100.0/24", "comment": "all of it"}),
    ("POST", "/cluster/firewall/ipset", {"name": "admins", "comment": "who may log in"}),
    ("POST", "/cluster/firewall/ipset/admins", {"cidr": "192.0.2.0/24"}),
    ("POST", "/cluster/firewall/ipset/admins", {"cidr": "192.0.2.66", "nomatch": 1, "comment": "not him"}),
    ("POST", "/cluster/firewall/groups", {"group": "web", "comment": "web servers"}),
    ("POST", "/cluster/firewall/groups/web", {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "80,443",
                                              "enable": 1, "comment": "the world"}),
    ("POST", "/cluster/firewall/rules", {"type": "in", "action": "ACCEPT", "macro": "SSH", "source": "+admins",
                                         "enable": 1}),
    ("POST", "/cluster/firewall/rules", {"type": "in", "action": "DROP", "source": "203.0.113.0/24", "log": "info",
                                         "enable": 0, "comment": "they came in 2019"}),
    ("PUT", "/cluster/firewall/options", {"policy_out": "ACCEPT", "log_ratelimit": "enable=1,rate=5/second"}),
    ("PUT", "/nodes/pve1/firewall/options", {"nosmurfs": 0, "log_level_in": "info"}),
    ("POST", "/nodes/pve2/qemu/101/firewall/rules", {"type": "group", "action": "web", "iface": "net0", "enable": 1}),
    ("PUT", "/nodes/pve2/qemu/101/firewall/options", {"enable": 1, "dhcp": 0, "policy_in": "REJECT"}),
    ("POST", "/nodes/pve1/lxc/200/firewall/aliases", {"name": "peer", "cidr": "192.0.2.101"}),
    ("POST", "/cluster/ha/resources", {"sid": "vm:101", "max_restart": 3, "comment": "important"}),
    ("POST", "/cluster/ha/rules", {"rule": "near", "type": "node-affinity", "resources": "vm:101",
                                   "nodes": "pve1,pve2:2", "strict": 1}),
    ("POST", "/cluster/backup", {"id": "nightly", "schedule": "02:30", "storage": "backups", "pool": "prod",
                                 "mode": "stop", "compress": "zstd", "notes-template": "{{guestname}}",
                                 "prune-backups": "keep-last=3", "mailnotification": "failure"}),
    ("POST", "/cluster/backup", {"id": "all", "schedule": "sat 18:15", "storage": "backups", "all": 1,
                                 "exclude": "102,103", "enabled": 0}),
)  # fmt: skip
REPLICATION = ("POST", "/cluster/replication", {"id": "104-0", "target": "pve2", "type": "local", "schedule": "*/30"})
ZFS = {"storage": "tank", "type": "zfspool", "pool": "tank", "content": "images,rootdir", "sparse": 1}


def fill(simulator: Simulator) -> None:
    """Make all of it on a cluster of three nodes."""
    for method, path, values in CALLS:
        simulator.by_hand(method, path, values)
