"""Figures of two machines and of Prometheus itself, in one place."""

import pulumi

from components.monitoring import Monitoring, MonitoringArgs, Targets
from components.service_container import ServiceHost

figures = Monitoring(
    "figures",
    MonitoringArgs(
        host=ServiceHost(
            node="pve1",
            ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
            storage="local-lvm",
            bridge="vmbr0",
            address="192.0.2.90/24",
            gateway="192.0.2.1",
            disk="16G",
            memory=1024,
        ),
        jobs={"machines": Targets(targets=["192.0.2.91:9100", "192.0.2.92:9100"], labels={"room": "three"})},
    ),
)
pulumi.export("url", figures.url)
