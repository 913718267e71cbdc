"""Settings of the tests of what every resource shares."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# On a machine that is busy with other tests an example may take long, which says nothing about what it tests.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")
