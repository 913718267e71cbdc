"""Users and tokens know no `delete`: a value is unset by writing what Proxmox takes for none."""

from __future__ import annotations

from collections.abc import Mapping


def with_blanks(parameters: Mapping[str, str], blanks: Mapping[str, str]) -> dict[str, str]:
    """The parameters of an update with a value for each name in `delete`: an empty text, unless `blanks` knows."""
    kept = {name: value for name, value in parameters.items() if name != "delete"}
    unset = filter(None, parameters.get("delete", "").split(","))
    return {**{name: blanks.get(name, "") for name in unset}, **kept}
