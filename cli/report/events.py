"""What Pulumi's updates say: an event a line, brought into the form of a preview."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def preview_in(text: str) -> dict[str, Any]:
    """A preview as it is, or the events of an update as if they were one.

    Raises:
        ValueError: it is neither.

    """
    try:
        told = json.loads(text)
    except ValueError:
        events = [json.loads(line) for line in text.splitlines() if line.strip()]
        if not events:
            raise
    else:
        events = [told]
    if not all(isinstance(event, dict) for event in events):
        raise ValueError("it is no object of JSON")
    if len(events) == 1 and "sequence" not in events[0]:
        if not {"steps", "changeSummary", "diagnostics"} & events[0].keys():
            raise ValueError("it has neither steps nor diagnostics")
        preview: dict[str, Any] = events[0]
        return preview
    return {
        "steps": [_step(event["resourcePreEvent"]["metadata"]) for event in events if "resourcePreEvent" in event],
        "diagnostics": [
            *_violations(events),
            *(each["diagnosticEvent"] for each in events if "diagnosticEvent" in each),
        ],
    }


def _step(metadata: dict[str, Any]) -> dict[str, Any]:
    states = {"oldState": metadata.get("old"), "newState": metadata.get("new")}
    return {"op": metadata["op"], "urn": metadata["urn"], **{name: state for name, state in states.items() if state}}


def _violations(events: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """What policies say: the mandatory ones end a preview."""
    for event in events:
        said = event.get("policyEvent")
        if said:
            severity = "error" if said["enforcementLevel"] == "mandatory" else "warning"
            yield {"severity": severity, "message": f"{said['policyName']}: {said['message']}"}
