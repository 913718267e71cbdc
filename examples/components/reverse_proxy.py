"""One way in to two sites, one of them over HTTPS (nginx).

The certificate is the stack's configuration: `pulumi config set --secret key <key.pem`, and `chain` likewise. Without
it there are two sites over HTTP.
"""

import pulumi

from components.reverse_proxy import Certificate, ReverseProxy, ReverseProxyArgs, Site
from components.service_container import ServiceHost

config = pulumi.Config()
chain, key = config.get("chain"), config.get_secret("key")

proxy = ReverseProxy(
    "proxy",
    ReverseProxyArgs(
        host=ServiceHost(
            node="pve1",
            ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
            storage="local-lvm",
            bridge="vmbr0",
            address="192.0.2.80/24",
            gateway="192.0.2.1",
        ),
        sites={
            "wiki": Site(names=("wiki.example.lab",), url="http://192.0.2.81:8080"),
            "shop": Site(
                names=("shop.example.lab", "www.shop.example.lab"),
                url="http://192.0.2.82:3000",
                certificate=Certificate(chain=chain, key=key) if chain and key else None,
            ),
        },
    ),
)
pulumi.export("urls", proxy.urls)
