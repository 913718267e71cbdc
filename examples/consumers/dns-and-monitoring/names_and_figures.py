"""Names and figures for the guests of a lab that another program has made, and that needs to know nothing of this one.

The lab is read by its stack. A guest that comes, goes or gets another address there is followed here by the next `up`.
"""

import pulumi

from components.monitoring import Monitoring, MonitoringArgs, Targets
from components.service import FILE, Daemon, ServiceFile
from components.service_container import ServiceContainer, ServiceContainerArgs, ServiceHost
from lab_outputs import Guest, LabOutputs

HOSTS = "/etc/lab.hosts"
EXPORTER = 9100
"""The port of Prometheus' exporter of a machine's figures."""

config = pulumi.Config()
domain = config.require("domain")
lab = LabOutputs.from_stack_reference(config.require("stack"))


def names(guests: dict[str, Guest]) -> str:
    """The guests that have a fixed address, as lines of a file of hosts."""
    lines = [f"{guest.address} {name}.{domain} {name}" for name, guest in sorted(guests.items()) if guest.address]
    return "".join(f"{line}\n" for line in lines)


def exporters(guests: dict[str, Guest]) -> list[str]:
    """Where they tell of their figures."""
    return [f"{guest.address}:{EXPORTER}" for _, guest in sorted(guests.items()) if guest.address]


def host(address: str) -> ServiceHost:
    """A container with a fixed address."""
    return ServiceHost(address=config.require(address), **config.require_object("host"))


dnsmasq = Daemon(
    unit="dnsmasq",
    packages=["dnsmasq"],
    config=ServiceFile(path="/etc/dnsmasq.conf", content=f"domain={domain}\nlocal=/{domain}/\naddn-hosts={HOSTS}\n"),
    check=["dnsmasq", "--test", f"--conf-file={FILE}"],
    files=[ServiceFile(path=HOSTS, content=lab.guests.apply(names))],
)
server = ServiceContainer("lab-names", ServiceContainerArgs(host=host("names"), daemon=dnsmasq))
jobs = {"guests": Targets(targets=lab.guests.apply(exporters), labels={"domain": domain})}
monitoring = Monitoring("lab-figures", MonitoringArgs(host=host("figures"), jobs=jobs))

pulumi.export("name_server", server.address)
pulumi.export("figures", monitoring.url)
