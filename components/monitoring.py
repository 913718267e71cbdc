"""Figures of everything that gives some, gathered in one place (Prometheus).

It asks itself too, and answers on port 9090. Targets may be outputs of what the program makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.render import prometheus
from components.render.prometheus import ScrapeJob
from components.service import FILE, Daemon, ServiceFile
from components.service_container import ServiceContainer, ServiceContainerArgs, ServiceHost
from providers.container import Container

OWN = "prometheus"
PORT = 9090

__all__ = ["Monitoring", "MonitoringArgs", "Targets"]


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Several of a kind that are asked for the same figures."""

    targets: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Address and port of each, such as 192.0.2.11:9100."""
    metrics_path: str = "/metrics"
    scheme: str = "http"
    labels: Mapping[str, str] = field(default_factory=dict)
    """What is noted with all their figures."""


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """The container, and who is asked."""

    host: ServiceHost
    jobs: Mapping[str, Targets] = field(default_factory=dict)
    scrape_interval: str = "15s"

    def __post_init__(self) -> None:
        if OWN in self.jobs:
            raise ValueError(f"{OWN!r} is the job by which it asks itself; call yours something else")


class Monitoring(pulumi.ComponentResource):
    """A container that gathers figures."""

    guest: Container
    """The container."""
    vmid: pulumi.Output[int]
    url: pulumi.Output[str]
    """Where it answers."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:Monitoring", name, None, opts)
        daemon = Daemon(
            unit="prometheus",
            packages=["prometheus"],
            config=ServiceFile(path="/etc/prometheus/prometheus.yml", content=_config(args)),
            check=["promtool", "check", "config", FILE],
        )
        container = ServiceContainer(
            name, ServiceContainerArgs(host=args.host, daemon=daemon), pulumi.ResourceOptions(parent=self)
        )
        self.guest, self.vmid = container.guest, container.vmid
        self.url = pulumi.Output.from_input(f"http://{args.host.ip}:{PORT}")
        self.register_outputs({"vmid": self.vmid, "url": self.url})


def _config(args: MonitoringArgs) -> pulumi.Output[str]:
    """Once all targets are known."""

    def rendered(targets: dict[str, Any]) -> str:
        jobs = {OWN: ScrapeJob(targets=[f"{args.host.ip}:{PORT}"])}
        for name, job in args.jobs.items():
            jobs[name] = ScrapeJob(
                targets=targets[name], metrics_path=job.metrics_path, scheme=job.scheme, labels=job.labels
            )
        return prometheus.config(jobs, args.scrape_interval)

    return pulumi.Output.from_input({name: job.targets for name, job in args.jobs.items()}).apply(rendered)
