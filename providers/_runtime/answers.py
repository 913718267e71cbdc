"""How Proxmox's answers are read: whole, and with all that they say of an error."""

from __future__ import annotations

import json
import re
from typing import Any

import requests
from proxmoxer.backends.https import JsonSerializer

_ERROR_LINE = re.compile(r"([\w-]+): (.+)")


class Answers(JsonSerializer):  # type: ignore[misc]  # proxmoxer is untyped
    """The body of an answer."""

    def loads(self, response: requests.Response) -> dict[str, Any]:
        """With what stands beside the data; one that is no JSON has no data."""
        return _body(response)

    def loads_errors(self, response: requests.Response) -> dict[str, Any]:
        """Errors by parameter; some methods tell of them only in the lines of their message."""
        answer = _body(response)
        if answer.get("errors"):
            return dict(answer["errors"])
        lines = str(answer.get("message") or "").splitlines()[1:]
        return {found[1]: found[2] for line in lines if (found := _ERROR_LINE.fullmatch(line))}


def _body(response: requests.Response) -> dict[str, Any]:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
