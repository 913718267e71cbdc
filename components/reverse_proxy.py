"""One way in to several sites, each told by its name and served by something behind it (nginx).

A site with a certificate is served over HTTPS, and who asks by HTTP is led there. A key is given as a secret and is for
root alone to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.render import nginx
from components.render.nginx import Behind
from components.service import FILE, Daemon, ServiceFile
from components.service_container import ServiceContainer, ServiceContainerArgs, ServiceHost
from providers.container import Container

FOLDER = "/etc/nginx/certificates"

__all__ = ["Certificate", "ReverseProxy", "ReverseProxyArgs", "Site"]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a site proves itself with, in PEM."""

    chain: pulumi.Input[str]
    """The certificate, and those between it and one that everybody knows."""
    key: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Site:
    """What is asked for by certain names."""

    names: tuple[str, ...]
    url: str
    """Who answers, such as http://192.0.2.11:8080."""
    certificate: Certificate | None = None
    body: str = "64m"
    """The most that may be sent to it at once."""


@dataclass(frozen=True, kw_only=True)
class ReverseProxyArgs:
    """The container, and the sites."""

    host: ServiceHost
    sites: Mapping[str, Site]
    """By a word for each, which names the files of its certificate."""

    def __post_init__(self) -> None:
        wrong = [word for word in self.sites if not word.replace("-", "").isalnum()]
        if wrong:
            raise ValueError(f"{wrong[0]!r} can't name files: letters, digits and hyphens")


class ReverseProxy(pulumi.ComponentResource):
    """A container that is the way in to several sites."""

    guest: Container
    """The container itself."""
    vmid: pulumi.Output[int]
    address: pulumi.Output[str]
    urls: pulumi.Output[dict[str, str]]
    """Site -> where it is found, by the first of its names."""

    def __init__(self, name: str, args: ReverseProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:ReverseProxy", name, None, opts)
        daemon = Daemon(
            unit="nginx",
            packages=["nginx"],
            config=ServiceFile(
                path="/etc/nginx/nginx.conf",
                content=nginx.config([_behind(word, site) for word, site in args.sites.items()]),
            ),
            check=["nginx", "-t", "-q", "-c", FILE],
            files=[file for word, site in args.sites.items() for file in _files(word, site)],
        )
        made = ServiceContainer(
            name, ServiceContainerArgs(host=args.host, daemon=daemon), pulumi.ResourceOptions(parent=self)
        )
        self.guest = made.guest
        self.vmid, self.address = made.vmid, made.address
        self.urls = pulumi.Output.from_input(
            {word: f"{'https' if site.certificate else 'http'}://{site.names[0]}/" for word, site in args.sites.items()}
        )
        self.register_outputs({"vmid": self.vmid, "address": self.address, "urls": self.urls})


def _behind(word: str, site: Site) -> Behind:
    own = f"{FOLDER}/{word}" if site.certificate else None
    return Behind(
        names=site.names,
        url=site.url,
        body=site.body,
        certificate=own and f"{own}.pem",
        key=own and f"{own}.key",
    )


def _files(word: str, site: Site) -> list[ServiceFile]:
    if site.certificate is None:
        return []
    return [
        ServiceFile(path=f"{FOLDER}/{word}.pem", content=site.certificate.chain),
        ServiceFile(path=f"{FOLDER}/{word}.key", content=site.certificate.key, mode="0600"),
    ]
