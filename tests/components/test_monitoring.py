"""Monitoring: whom it asks, read back, and checked by Prometheus itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.monitoring import Monitoring, MonitoringArgs, Targets
from components.render.prometheus import ScrapeJob, config
from components.service_container import ServiceHost
from tests.components.asked import inputs_of
from tests.components.checking import checked

HOST = ServiceHost(
    node="pve1", ostemplate="local:vztmpl/debian.tar.zst", storage="local-lvm", bridge="vmbr0", address="10.0.1.9/24"
)


def targets(text: str) -> dict[str, list[str]]:
    """Whom each job asks, as a reader of YAML sees it."""
    return {
        job["job_name"]: [target for group in job["static_configs"] for target in group["targets"]]
        for job in yaml.safe_load(text)["scrape_configs"]
    }


def test_prometheus_takes_what_it_is_told_and_asks_itself_too(tmp_path: Path) -> None:
    def make() -> pulumi.Output[Any]:
        later = pulumi.Output.from_input(["10.0.1.5:8405"])
        guests = Targets(targets=["10.0.1.11:9100", "[2001:db8::1]:9100"], labels={"room": "three"})
        jobs = {"balancers": Targets(targets=later), "guests": guests}
        return Monitoring("figures", MonitoringArgs(host=HOST, jobs=jobs)).url

    text = checked(inputs_of(make), "figures", tmp_path)

    assert targets(text) == {
        "prometheus": ["10.0.1.9:9090"],
        "balancers": ["10.0.1.5:8405"],
        "guests": ["10.0.1.11:9100", "[2001:db8::1]:9100"],
    }


JOBS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True),
    st.lists(st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(1, 65535)), unique=True, max_size=5),
)


@given(JOBS)
def test_every_target_that_is_declared_is_in_the_text_once(jobs: dict[str, list[str]]) -> None:
    text = config({name: ScrapeJob(targets=those) for name, those in jobs.items()}, "15s")

    assert targets(text) == jobs


def test_what_can_not_be_is_refused() -> None:
    with pytest.raises(ValueError, match="is neither a target"):
        ScrapeJob(targets=["http://10.0.1.1"])
    with pytest.raises(ValueError, match="nor a name of a label"):
        ScrapeJob(targets=[], labels={"a-b": "c"})
    with pytest.raises(ValueError, match="is no interval"):
        config({}, "often")
    with pytest.raises(ValueError, match="is no name of a job"):
        config({"": ScrapeJob(targets=[])}, "15s")
    with pytest.raises(ValueError, match="asks itself"):
        MonitoringArgs(host=HOST, jobs={"prometheus": Targets(targets=[])})
