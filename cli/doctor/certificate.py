"""Until when the certificate of an endpoint is good; whether it is trusted is for the connection itself to say."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

PATIENCE = 10.0


def ends(endpoint: str) -> datetime:
    """When it ends; an OSError where the endpoint can't be reached."""
    at = urlsplit(endpoint)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # only looked at: nothing is sent to whoever it is
    context.verify_mode = ssl.CERT_NONE
    host = str(at.hostname)
    with (
        socket.create_connection((host, at.port or 443), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        found = secured.getpeercert(binary_form=True) or b""
    return x509.load_der_x509_certificate(found).not_valid_after_utc
