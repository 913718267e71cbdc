"""Services of Debian's packages run in live containers: failover, leases, load balancing, measuring."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from tests.simulator.live.lab import Lab, until

_VRRP = """
global_defs {{
    router_id {name}
    vrrp_version 3
    vrrp_garp_master_repeat 1
}}
vrrp_instance web {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 0.2
    virtual_ipaddress {{
        10.1.0.100/24
    }}
}}
"""
_NGINX = """
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events {{}}
http {{
    access_log off;
    server {{ listen 80; location / {{ return 200 "{name}\\n"; }} }}
}}
"""
_HAPROXY = """
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend web
    bind :80
    default_backend servers
backend servers
    balance roundrobin
    option httpchk GET /
    server one 10.1.0.1:80 check inter 100ms fall 1
    server two 10.1.0.2:80 check inter 100ms fall 1
"""


def _need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; `make live` installs it")


def _write(lab: Lab, vmid: int, path: str, text: str) -> None:
    lab.ok(vmid, f"cat >{path} <<'END'\n{text}\nEND")


def _has(lab: Lab, vmid: int, address: str) -> bool:
    return f"inet {address}/" in lab.ok(vmid, "ip -4 address show eth0")


def test_an_address_moves_to_the_other_container_when_a_node_goes_down(lab: Lab) -> None:
    _need("keepalived")
    for vmid, priority in ((201, 150), (101, 100)):
        lab.start(vmid, f"bridge=vmbr0,ip=10.1.0.{vmid}/24")
        _write(lab, vmid, "/etc/keepalived.conf", _VRRP.format(name=f"ct{vmid}", priority=priority))
        lab.ok(vmid, "keepalived --use-file /etc/keepalived.conf --log-detail")
    until(lambda: _has(lab, 201, "10.1.0.100") and not _has(lab, 101, "10.1.0.100"))
    lab.start(102, "bridge=vmbr0,ip=10.1.0.102/24")
    until(lambda: lab.reaches(102, "10.1.0.100"))
    lab.switch("pve2", online=False)
    assert until(lambda: _has(lab, 101, "10.1.0.100")) < 5
    until(lambda: lab.reaches(102, "10.1.0.100"))


def test_a_container_gets_its_address_from_another_one(lab: Lab) -> None:
    _need("dnsmasq", "dhclient")
    lab.start(101, "bridge=vmbr0,ip=10.1.0.1/24,tag=10")
    lab.ok(101, "dnsmasq --dhcp-range=10.1.0.50,10.1.0.60,1h --dhcp-option=3,10.1.0.1 --interface=eth0 --user=root")
    lab.start(201, "bridge=vmbr0,ip=dhcp,tag=10")
    until(lambda: "inet 10.1.0.5" in lab.ok(201, "ip -4 address show eth0"))
    until(lambda: "via 10.1.0.1" in lab.ok(201, "ip route show default"))
    until(lambda: "ct201" in lab.ok(101, "cat /var/lib/misc/dnsmasq.leases"))
    rows = lab.do("GET", "/nodes/pve2/lxc/201/interfaces")
    assert next(row["inet"] for row in rows if row["name"] == "eth0").startswith("10.1.0.5")


def test_a_load_balancer_spreads_requests_and_leaves_out_who_is_gone(lab: Lab) -> None:
    _need("haproxy", "nginx", "curl")
    for number, vmid in ((1, 101), (2, 201)):
        lab.start(vmid, f"bridge=vmbr0,ip=10.1.0.{number}/24")
        _write(lab, vmid, "/etc/nginx/nginx.conf", _NGINX.format(name=vmid))
        lab.ok(vmid, "nginx")
    lab.start(102, "bridge=vmbr0,ip=10.1.0.3/24")
    _write(lab, 102, "/etc/haproxy/haproxy.cfg", _HAPROXY)
    lab.ok(102, "haproxy -D -f /etc/haproxy/haproxy.cfg")
    ask = "curl -s -m 2 http://10.1.0.3/"
    until(lambda: lab.inside(102, f"{ask}; {ask}; {ask}; {ask}").out in ("101\n201\n" * 2, "201\n101\n" * 2))
    lab.stop(201)
    until(lambda: lab.inside(102, f"{ask}; {ask}; {ask}").out == "101\n" * 3)


@pytest.mark.usefixtures("new_lab")
def test_a_monitoring_server_sees_who_is_up(lab: Lab) -> None:
    _need("prometheus", "curl")
    lab.start(101, "bridge=vmbr0,ip=10.1.0.1/24")
    jobs = {"job_name": "own", "scrape_interval": "200ms", "scrape_timeout": "200ms"}
    targets = {"targets": ["10.1.0.1:9090", "10.1.0.2:9090"]}
    config = {"scrape_configs": [{**jobs, "static_configs": [targets]}]}
    _write(lab, 101, "/etc/prometheus.yml", json.dumps(config))
    lab.ok(
        101,
        "cd /srv; setsid prometheus --config.file=/etc/prometheus.yml --storage.tsdb.path=/srv/data "
        ">/var/log/prometheus.log 2>&1 &",
    )

    def seen() -> dict[str, str]:
        answer = lab.inside(101, "curl -sf 'http://10.1.0.1:9090/api/v1/query?query=up'").out or "{}"
        rows = json.loads(answer).get("data", {}).get("result", [])
        return {row["metric"]["instance"]: row["value"][1] for row in rows}

    until(lambda: seen() == {"10.1.0.1:9090": "1", "10.1.0.2:9090": "0"}, 20)


@pytest.mark.usefixtures("new_lab")
def test_services_are_started_enabled_and_asked_for_as_on_any_host(lab: Lab) -> None:
    _need("nginx", "keepalived")
    lab.start(101, "bridge=vmbr0,ip=10.1.0.1/24")
    assert lab.inside(101, "systemctl is-active nginx keepalived").out == "inactive\n" * 2
    _write(lab, 101, "/etc/nginx/nginx.conf", _NGINX.format(name="first"))
    lab.ok(101, "systemctl enable --now nginx")
    assert lab.ok(101, "systemctl is-active nginx; systemctl is-enabled nginx") == "active\nenabled\n"
    assert lab.ok(101, "curl -s http://10.1.0.1/") == "first\n"
    _write(lab, 101, "/etc/nginx/nginx.conf", _NGINX.format(name="second"))
    lab.ok(101, "systemctl reload nginx")
    until(lambda: lab.ok(101, "curl -s http://10.1.0.1/") == "second\n")
    _write(lab, 101, "/etc/keepalived/keepalived.conf", _VRRP.format(name="ct101", priority=100))
    lab.ok(101, "systemctl start keepalived.service")
    until(lambda: _has(lab, 101, "10.1.0.100"))
    lab.ok(101, "systemctl stop keepalived nginx")
    assert not _has(lab, 101, "10.1.0.100")
    assert lab.inside(101, "systemctl is-active nginx").code == 3
    assert "not found" in lab.inside(101, "systemctl start nothing").error
    _write(lab, 101, "/etc/nginx/nginx.conf", "nonsense")
    assert "Job for nginx.service failed" in lab.inside(101, "systemctl start nginx").error
    _write(lab, 101, "/etc/nginx/nginx.conf", _NGINX.format(name="third"))
    lab.stop(101)
    lab.start(101)
    until(lambda: lab.inside(101, "curl -s http://10.1.0.1/").out == "third\n")
    assert lab.inside(101, "systemctl is-active keepalived").code == 3


def test_a_container_starts_in_a_moment(lab: Lab) -> None:
    lab.start(101, "bridge=vmbr0,ip=10.1.0.1/24")
    lab.stop(101)
    begin = time.monotonic()
    lab.start(101)
    assert time.monotonic() - begin < 3
