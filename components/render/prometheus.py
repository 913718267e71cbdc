"""The configuration of Prometheus: whom it asks for figures. Written as JSON, which YAML understands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_ .-]*")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TARGET = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?")
_TIME = re.compile(r"([0-9]+(ms|[smhd]))+")


@dataclass(frozen=True, kw_only=True)
class ScrapeJob:
    """Several of a kind that are asked for the same figures."""

    targets: Sequence[str]
    """Address and port of each, such as 192.0.2.11:9100."""
    metrics_path: str = "/metrics"
    scheme: str = "http"
    labels: Mapping[str, str] = field(default_factory=dict)
    """What is noted with all their figures."""

    def __post_init__(self) -> None:
        wrong = [target for target in self.targets if not _TARGET.fullmatch(target)]
        wrong += [label for label in self.labels if not _LABEL.fullmatch(label)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is neither a target, such as 192.0.2.11:9100, nor a name of a label")


def config(jobs: Mapping[str, ScrapeJob], scrape_interval: str) -> str:
    """All that Prometheus is told."""
    if not _TIME.fullmatch(scrape_interval):
        raise ValueError(f"{scrape_interval!r} is no interval: write it like 15s or 1m")
    wrong = [job for job in jobs if not _JOB.fullmatch(job)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no name of a job")
    scrapes = [
        {
            "job_name": name,
            "metrics_path": job.metrics_path,
            "scheme": job.scheme,
            "static_configs": [{"targets": list(job.targets), "labels": dict(job.labels)}],
        }
        for name, job in jobs.items()
    ]
    return json.dumps({"global": {"scrape_interval": scrape_interval}, "scrape_configs": scrapes}, indent=2) + "\n"
