"""What components ask for, done by the resources themselves in live containers: it serves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.dns_dhcp import DnsDhcp, DnsDhcpArgs, DnsHost, DnsZone
from components.load_balancer import Balanced, LoadBalancer, LoadBalancerArgs
from components.monitoring import Monitoring, MonitoringArgs, Targets
from components.reverse_proxy import ReverseProxy, ReverseProxyArgs, Site
from components.service_container import ServiceHost
from components.virtual_ip import VirtualIp, VirtualIpArgs, VirtualIpMember
from providers._runtime.errors import CommandFailed
from tests.components.asked import inputs_of
from tests.components.checking import need
from tests.simulator.live.lab import Lab, until
from tests.simulator.live.serving import serve

pytestmark = pytest.mark.usefixtures("new_lab")  # services that are enabled start again with their containers
HOST = ServiceHost(
    node="pve1", ostemplate="local:vztmpl/debian.tar.zst", storage="local", bridge="vmbr0", address="10.1.0.2/24"
)


def has(lab: Lab, vmid: int, address: str) -> bool:
    """Whether a container has an address."""
    return f"inet {address}/" in lab.ok(vmid, "ip -4 address show eth0")


def test_the_address_of_several_containers_moves_when_a_node_goes_down(lab: Lab) -> None:
    need("keepalived")
    for vmid in (201, 101):
        lab.start(vmid, f"bridge=vmbr0,ip=10.1.0.{vmid}/24")
    members = [VirtualIpMember(name=f"r{vmid}", vmid=vmid, address=f"10.1.0.{vmid}") for vmid in (201, 101)]
    args = VirtualIpArgs(members=members, address="10.1.0.1/24", virtual_router_id=10)
    serve(lab, inputs_of(lambda: VirtualIp("vip", args).address), {"vip-r201": 201, "vip-r101": 101})
    until(lambda: has(lab, 201, "10.1.0.1") and not has(lab, 101, "10.1.0.1"))
    lab.start(102, "bridge=vmbr0,ip=10.1.0.102/24")
    until(lambda: lab.reaches(102, "10.1.0.1"))
    lab.switch("pve2", online=False)
    assert until(lambda: has(lab, 101, "10.1.0.1")) < 2
    until(lambda: lab.reaches(102, "10.1.0.1"))


def test_a_guest_gets_its_address_and_finds_others_by_name(lab: Lab) -> None:
    need("dnsmasq", "dhclient")
    zone = DnsZone(
        domain="example.lab",
        network="10.1.0.0/24",
        first="10.1.0.2",
        last="10.1.0.4",
        router="10.1.0.1",
        hosts=[DnsHost(name="db", address="10.1.0.3")],
    )
    wanted = inputs_of(lambda: DnsDhcp("names", DnsDhcpArgs(servers={"dns1": HOST}, zone=zone)).vmids)
    lab.start(101, "bridge=vmbr0,ip=10.1.0.2/24,tag=10")
    serve(lab, wanted, {"dns1": 101})
    lab.start(201, "bridge=vmbr0,ip=dhcp,tag=10")
    until(lambda: has(lab, 201, "10.1.0.4"))
    until(lambda: "via 10.1.0.1" in lab.ok(201, "ip route show default"))
    until(lambda: lab.inside(201, "getent hosts db").out.split()[:2] == ["10.1.0.3", "db.example.lab"])
    assert lab.ok(201, "getent hosts ct201.example.lab").split() == ["10.1.0.4", "ct201.example.lab"]
    wrong = {**wanted, "dns1-config": {**wanted["dns1-config"], "content": "nonsense\n"}}
    with pytest.raises(CommandFailed, match="bad option at line 1"):
        serve(lab, wrong, {"dns1": 101})
    assert lab.ok(101, "systemctl is-active dnsmasq; grep -c nonsense /etc/dnsmasq.conf || true") == "active\n0\n"


def test_a_balancer_leads_to_a_proxy_and_that_to_the_figures_of_all(lab: Lab) -> None:
    need("haproxy", "nginx", "prometheus", "curl")
    for vmid in (101, 102, 201):
        lab.start(vmid, f"bridge=vmbr0,ip=10.1.0.{vmid}/24")
    monitor, proxy, balancer = (replace(HOST, address=f"10.1.0.{vmid}/24") for vmid in (101, 102, 201))
    site = Site(names=("figures.lab",), url="http://10.1.0.101:9090")
    web = Balanced(name="web", port=80, mode="tcp", servers={"proxy": "10.1.0.102:80"})

    def everything() -> pulumi.Output[Any]:
        balancers = LoadBalancer("all", LoadBalancerArgs(hosts={"balancer": balancer}, services=[web]))
        sites = ReverseProxy("proxy", ReverseProxyArgs(host=proxy, sites={"figures": site}))
        jobs = {"balancers": Targets(targets=balancers.metrics)}
        figures = Monitoring("monitor", MonitoringArgs(host=monitor, jobs=jobs, scrape_interval="1s"))
        return pulumi.Output.all(balancers.vmids, sites.urls, figures.url)

    serve(lab, inputs_of(everything), {"monitor": 101, "proxy": 102, "balancer": 201})

    def up() -> dict[str, str]:
        ask = "curl -sf -m 2 -H 'Host: figures.lab' 'http://10.1.0.201/api/v1/query?query=up'"
        rows = json.loads(lab.inside(101, ask).out or "{}").get("data", {}).get("result", [])
        return {row["metric"]["instance"]: row["value"][1] for row in rows}

    until(lambda: up() == {"10.1.0.101:9090": "1", "10.1.0.201:8405": "1"})
    assert lab.inside(101, "curl -s -m 2 -o /dev/null -w '%{http_code}' http://10.1.0.201/").out == "404"
