"""Staging: each request has an inverse, whatever the objects are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers._runtime.connection import Connection
from providers._runtime.facts import Facts
from providers._runtime.ownership import Owner
from providers._sdn.journal import Journal
from providers._sdn.lock import Lock
from providers._sdn.objects import KINDS, Objects, SdnObject, from_row, objects
from providers._sdn.staging import Item, Share, Step, steps
from tests.runtime.doors import OWNER, Call, soon

SOMEBODY = Owner("labs/other", "ba9876543210")


LOCAL = Connection.model_validate({"endpoints": ["https://127.0.0.1:8006"], "token_id": "a@pve!b", "token_secret": "c"})


class Host:
    """Keeps objects as the requests say, and nothing else of Proxmox."""

    connection = LOCAL

    def __init__(self, there: Objects) -> None:
        self.there = dict(there)

    def answer(self, method: str, path: str, parameters: Mapping[str, Any] | None = None, **_: Any) -> dict[str, Any]:
        """One request."""
        return {"data": self.request(method, path, parameters)}

    def request(self, method: str, path: str, parameters: Mapping[str, Any] | None = None, **_: Any) -> Any:
        """What it gives."""
        if path == "/version":
            return {"release": "9.2"}
        given_ = {name: value for name, value in (parameters or {}).items() if name != "lock-token"}
        unset = str(given_.pop("delete", "")).split(",")
        if method == "POST":
            made = self._made(path, given_)
            assert made.key not in self.there
            self.there[made.key] = made
            return None
        key = next(key for key, each in self.there.items() if each.path == path)
        old = self.there.pop(key)
        if method == "PUT":
            options = {name: value for name, value in {**old.options, **given_}.items() if name not in unset}
            self.there[key] = SdnObject(old.kind, old.id, old.type, options, old.parent)
        return None

    @staticmethod
    def _made(path: str, given_: dict[str, Any]) -> SdnObject:
        kind = "subnets" if path.endswith("/subnets") else path.rpartition("/")[2]
        if kind != "subnets":
            return from_row(kind, given_)
        vnet, cidr = path.split("/")[-2], str(given_.pop("subnet"))
        given_.pop("type")
        return SdnObject("subnets", f"lab-{cidr.replace('/', '-')}", "subnet", given_, vnet)


def call_on(host: Host) -> Call:
    """What a handler works with, on such a host."""
    facts = Facts(host)  # type: ignore[arg-type]  # all that is asked of it is to send requests
    return Call(client=host, facts=facts, owner=OWNER, deadline=soon())  # type: ignore[arg-type]  # as above


NAMES = st.sampled_from(["aa", "bb", "cc"])
OPTIONS = st.dictionaries(st.sampled_from(["mtu", "tag", "ipam"]), st.sampled_from(["1", "2", "x"]))
VNETS = st.builds(lambda name, options: SdnObject("vnets", name, "vnet", {**options, "zone": "lab"}), NAMES, OPTIONS)
SUBNETS = st.builds(
    lambda number, vnet, options: SdnObject("subnets", f"lab-10.{number}.0.0-24", "subnet", options, vnet),
    st.integers(1, 3),
    NAMES,
    OPTIONS,
)
ZONES = st.builds(lambda options: SdnObject("zones", "lab", "simple", options), OPTIONS)
NETWORKS = st.lists(VNETS | SUBNETS | ZONES, max_size=6).map(lambda some: objects(*some))


def plain(there: Objects) -> dict[tuple[str, str], Any]:
    """What can be compared of objects."""
    return {key: (each.type, dict(each.options)) for key, each in there.items()}


@given(NETWORKS, NETWORKS)
def test_what_is_staged_is_what_is_wanted_and_taking_it_back_is_what_was(before: Objects, wanted: Objects) -> None:
    moved = {key for key in before if key in wanted and before[key].parent != wanted[key].parent}
    before = {key: each for key, each in before.items() if key not in moved}
    host = Host(before)
    share = Share(before, wanted, frozenset(before))
    item = Item(call_on(host), share)
    lock = Lock(item.api, Journal(LOCAL), [item])

    lock.carry_out(item, list(steps(share, before)))
    assert plain(host.there) == plain(wanted)

    lock.take_back(item.api, item)
    assert plain(host.there) == plain(before)


@given(NETWORKS)
def test_what_is_there_already_takes_no_request(wanted: Objects) -> None:
    assert list(steps(Share(wanted, wanted, frozenset(wanted)), wanted)) == []


def test_what_others_need_is_made_first_and_removed_last() -> None:
    some = [
        SdnObject("subnets", "lab-10.1.0.0-24", parent="aa"),
        SdnObject("vnets", "aa"),
        SdnObject("zones", "lab"),
        SdnObject("controllers", "evpn"),
    ]
    there = objects(*some)

    making = [step.object.kind for step in steps(Share({}, there, frozenset()), {})]
    removing = [step.object.kind for step in steps(Share(there, {}, frozenset(there)), there)]

    assert making == ["controllers", "zones", "vnets", "subnets"] == [kind for kind in KINDS if kind in making]
    assert removing == making[::-1]


def test_somebody_elses_words_in_an_alias_stay_and_the_mark_is_ours() -> None:
    there = SdnObject("vnets", "aa", "vnet", {"zone": "lab", "alias": f"theirs {SOMEBODY.mark}"})
    wanted = SdnObject("vnets", "aa", "vnet", {"zone": "lab"}, owner=OWNER)
    (step,) = steps(Share({}, objects(wanted), frozenset({wanted.key})), objects(there))

    assert step == Step(there, SdnObject("vnets", "aa", "vnet", {"zone": "lab", "alias": f"theirs {OWNER.mark}"}))
