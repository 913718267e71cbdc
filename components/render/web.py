"""The configuration of a web server that answers with who it is (nginx): something to balance, and to tell apart."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9-]+")


def config(name: str, port: int) -> str:
    """Everything that is asked for is answered with the name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a host: letters, digits and hyphens")
    return "\n".join([
        "user www-data;",
        "worker_processes 1;",
        "pid /run/nginx.pid;",
        "error_log /var/log/nginx/error.log;",
        "events { worker_connections 1024; }",
        "http {",
        "    access_log off;",
        "    default_type text/plain;",
        f'    server {{ listen {port}; location / {{ return 200 "{name}\\n"; }} }}',
        "}",
        "",
    ])  # fmt: skip
