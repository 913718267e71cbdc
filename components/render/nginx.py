"""The configuration of nginx as a reverse proxy: sites by their names, each answered by a server behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NAME = re.compile(r"(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?")
_SIZE = re.compile(r"\d+[kmg]?")
_HEADERS = (
    "proxy_http_version 1.1;",
    "proxy_set_header Host $host;",
    "proxy_set_header X-Real-IP $remote_addr;",
    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    "proxy_set_header X-Forwarded-Proto $scheme;",
    "proxy_set_header Upgrade $http_upgrade;",
    "proxy_set_header Connection $connection_upgrade;",
)


@dataclass(frozen=True, kw_only=True)
class Behind:
    """A site as nginx is told of it."""

    names: Sequence[str]
    """The names that it is asked for by."""
    url: str
    """Who answers, such as http://192.0.2.11:8080."""
    certificate: str | None = None
    """Path of its certificate; with one it is served over HTTPS, and HTTP leads there."""
    key: str | None = None
    """Path of the certificate's key."""
    body: str = "64m"
    """The most that may be sent to it at once."""

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError(f"{self.url}: a site has a name")
        for name in self.names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a site")
        if not _URL.fullmatch(self.url):
            raise ValueError(f"{self.url!r} is no URL of a server, such as http://192.0.2.11:8080")
        if not _SIZE.fullmatch(self.body):
            raise ValueError(f"{self.body!r} is no size: write it like 64m")


def config(sites: Sequence[Behind]) -> str:
    """All that nginx is told; a name that is no site's is refused."""
    names = [name.lower() for site in sites for name in site.names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two sites have the same name: {', '.join(twice)}")
    lines = [
        "user www-data;",
        "worker_processes auto;",
        "pid /run/nginx.pid;",
        "error_log /var/log/nginx/error.log;",
        "events { worker_connections 1024; }",
        "http {",
        "    access_log /var/log/nginx/access.log;",
        "    server_names_hash_bucket_size 128;",
        "    server_tokens off;",
        "    map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
        "    server { listen 80 default_server; return 404; }",
        *(f"    {line}" for site in sites for line in _site(site)),
        "}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _site(site: Behind) -> list[str]:
    names = f"server_name {' '.join(site.names)};"
    if site.certificate is None:
        return _server("listen 80;", names, site)
    secure = [f"ssl_certificate {site.certificate};", f"ssl_certificate_key {site.key};"]
    onward = f"server {{ listen 80; {names} return 301 https://$host$request_uri; }}"
    return [onward, *_server("listen 443 ssl;", names, site, *secure)]


def _server(listen: str, names: str, site: Behind, *more: str) -> list[str]:
    inside = [
        listen,
        names,
        *more,
        f"client_max_body_size {site.body};",
        "location / {",
        f"    proxy_pass {site.url};",
        *(f"    {header}" for header in _HEADERS),
        "}",
    ]
    return ["server {", *(f"    {line}" for line in inside), "}"]
