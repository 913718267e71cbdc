"""What a lab of three hosts tells of itself, in the words of `lab_outputs`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pulumi

from components.ha_args import HAServiceNetworkArgs
from components.ha_plan import Plan
from components.ha_service_network import HAServiceNetwork
from components.ha_services import endpoints
from components.outputs import Exports, guest_output, login
from components.render.kubeadm import config
from lab_outputs import Host, Network, Ssh, Vip

NETWORK = "services"


def exports(lab: HAServiceNetwork, args: HAServiceNetworkArgs) -> Exports:
    """All that others want to know."""
    hosts = {
        node: Host(node=node, connection=args.connection, address=host.endpoint) for node, host in args.hosts.items()
    }
    common = Exports(
        hosts=hosts,
        guests={name: _guest(name, lab, args) for name in lab.guests},
        networks={NETWORK: _network(args)},
        vips=vips(args, lab.plan),
        endpoints=endpoints(args, lab.plan),
        files=files(args, lab.plan),
    )
    if lab.machines is None or args.template is None:
        return common
    logins = {"guests": login(args.template.user, lab.machines.password)}
    templates = {node: lab.machines.templates.apply(lambda of, node=node: of[node]) for node in args.hosts}  # type: ignore[misc]  # a lambda's default
    return replace(common, templates=templates, credentials=logins)


def _guest(name: str, lab: HAServiceNetwork, args: HAServiceNetworkArgs) -> pulumi.Output[dict[str, Any]]:
    address, host = lab.plan.addresses.get(name), lab.plan.hosts[name]
    group = next(group for group, guests in lab.plan.groups.items() if name in guests)
    jump = f"root@{args.hosts[host].endpoint}"
    user = args.template.user if args.template and group.startswith("k8s") else None
    ssh = Ssh(user=user, address=address, jump=jump) if user and address else None
    return guest_output(lab.guests[name], host=host, nics={"net0": (NETWORK, address)}, groups=[group], ssh=ssh)


def _network(args: HAServiceNetworkArgs) -> Network:
    network = args.network
    return Network(
        bridge=network.bridge,
        cidr=network.cidr,
        gateway=network.vip,
        mtu=network.mtu,
        dhcp=network.dhcp,
        domain=network.domain,
        roles=("services",),
    )


def vips(args: HAServiceNetworkArgs, plan: Plan) -> dict[str, Vip]:
    """The router's address, and that of the balancers."""
    routers = tuple(plan.of("router")) or tuple(args.hosts)
    found = {"router": Vip(address=args.network.vip, network=NETWORK, members=routers)}
    if args.balancers.vip is not None:
        found["balancers"] = Vip(address=args.balancers.vip, network=NETWORK, members=tuple(plan.of("lb")))
    return found


def files(args: HAServiceNetworkArgs, plan: Plan) -> dict[str, str]:
    """What sets up Kubernetes, once its nodes are there."""
    if args.kubernetes is None:
        return {}
    at = endpoints(args, plan)["kubernetes"].removeprefix("https://")
    return {"kubeadm.yaml": config(at, args.network.domain)}
