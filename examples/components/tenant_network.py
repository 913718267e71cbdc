"""Two tenants with a VLAN each, who share a zone and can't reach each other; and a guest of one of them."""

import pulumi

from components.networks import Network
from components.tenant_network import InZone, TenantNetwork, TenantNetworkArgs
from providers.sdn_zone import SdnZone
from providers.vm import VirtualMachine

NETWORKS = {"red": Network(cidr="10.40.0.0/24", vlan=40), "blue": Network(cidr="10.41.0.0/24", vlan=41)}

zone = SdnZone("tenants", zone="tenants", type="vlan", bridge="vmbr0")
made = {}
for name, network in NETWORKS.items():
    others = [other.cidr for other in NETWORKS.values() if other is not network]
    at = InZone(zone=zone.zone, vnet=name)
    made[name] = TenantNetwork(name, TenantNetworkArgs(network=network, at=at, apart_from=others))

red = made["red"]
VirtualMachine("red-1", name="red-1", node="pve1", net={"net0": red.nic.apply(lambda nic: {"model": "virtio", **nic})})
pulumi.export("gateways", {name: tenant.gateway for name, tenant in made.items()})
