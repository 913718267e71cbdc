"""Reverse proxies: what they are told, read back, and checked by nginx itself."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.render.nginx import Behind, config
from components.reverse_proxy import Certificate, ReverseProxy, ReverseProxyArgs, Site
from components.service_container import ServiceHost
from tests.components.asked import inputs_of
from tests.components.checking import checked, need

HOST = ServiceHost(
    node="pve1", ostemplate="local:vztmpl/debian.tar.zst", storage="local-lvm", bridge="vmbr0", address="10.0.1.8/24"
)
PLAIN = Site(names=("wiki.example.lab", "docs.example.lab"), url="http://10.0.1.11:8080")


def wanted(sites: dict[str, Site]) -> dict[str, dict[str, Any]]:
    """What a proxy asks for."""
    return inputs_of(lambda: ReverseProxy("proxy", ReverseProxyArgs(host=HOST, sites=sites)).urls)


def certificate(folder: Path) -> Certificate:
    """One that is its own authority."""
    need("openssl")
    key, chain = folder / "made.key", folder / "made.pem"
    subject = ["-subj", "/CN=shop.example.lab", "-keyout", str(key), "-out", str(chain)]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
    subprocess.run(command, check=True, capture_output=True)
    return Certificate(chain=chain.read_text(), key=key.read_text())


def test_nginx_takes_what_it_is_told_with_and_without_a_certificate(tmp_path: Path) -> None:
    shop = Site(names=("shop.example.lab",), url="http://10.0.1.12/app/", certificate=certificate(tmp_path))

    found = wanted({"wiki": PLAIN, "shop": shop})

    text = checked(found, "proxy", tmp_path)
    assert "server_name wiki.example.lab docs.example.lab;" in text
    assert "listen 443 ssl;" in text
    assert "return 301 https://$host$request_uri;" in text
    assert (
        found["proxy-etc-nginx-certificates-shop.key"]["mode"],
        found["proxy-etc-nginx-certificates-shop.pem"]["mode"],
    ) == ("0600", "0644")


def test_each_site_is_told_with_its_scheme() -> None:
    made: list[dict[str, str]] = []
    secure = replace(PLAIN, names=("shop.example.lab",), certificate=Certificate(chain="", key=""))
    args = ReverseProxyArgs(host=HOST, sites={"wiki": PLAIN, "shop": secure})
    inputs_of(lambda: ReverseProxy("proxy", args).urls.apply(made.append))

    assert made == [{"wiki": "http://wiki.example.lab/", "shop": "https://shop.example.lab/"}]


NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,9}\.example\.lab", fullmatch=True), min_size=1, unique=True)


@given(NAMES)
def test_every_site_that_is_declared_is_in_the_text_once(names: list[str]) -> None:
    sites = [Behind(names=[name], url=f"http://10.0.1.{place}:80") for place, name in enumerate(names[:200])]

    text = config(sites)

    found = re.findall(r"server_name (\S+);.*?proxy_pass (\S+);", text, re.DOTALL)
    assert found == [(site.names[0], site.url) for site in sites]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"names": []}, "a site has a name"),
        ({"names": ["a b"]}, "is no name of a site"),
        ({"names": ["a;b"]}, "is no name of a site"),
        ({"url": "10.0.1.11"}, "is no URL of a server"),
        ({"url": "http://10.0.1.11/; return 200"}, "is no URL of a server"),
        ({"body": "much"}, "is no size"),
    ],
)
def test_what_can_not_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Behind(**{"names": ["a.example.lab"], "url": "http://10.0.1.11", **change})


def test_two_sites_of_one_name_and_a_word_that_names_no_file_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the same name: docs\.example\.lab, wiki\.example\.lab"):
        wanted({"one": PLAIN, "two": PLAIN})
    with pytest.raises(ValueError, match="can't name files"):
        ReverseProxyArgs(host=HOST, sites={"../a": PLAIN})
