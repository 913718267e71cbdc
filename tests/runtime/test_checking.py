"""What a preview says: what is wrong, what a change takes, and what is planned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, cast

import pytest

from providers._runtime import checking
from providers._runtime.checking import Check, differing, impact_text, replaced_by
from providers._runtime.connection import Connection
from providers._runtime.errors import LoginRefused, Unreachable
from providers._runtime.facts import Facts
from providers._runtime.markers import Immutable
from providers._runtime.model import Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need
from tests.runtime.doors import OWNER
from tests.runtime.sample import SampleInputs
from tests.runtime.test_lifecycle import Sample

NOTHING: frozenset[str] = frozenset()
CONNECTION = Connection.model_validate({"endpoints": ["pve1"], "token_id": "a@pve!b", "token_secret": "x"})


@dataclass
class Host:
    """Facts of a host that a test makes up."""

    granted: dict[str, dict[str, int]] = field(default_factory=lambda: {"/": {"Sys.Audit": 1}})
    mishap: Exception | None = None
    asked: int = 0
    announced: list[tuple[str, str]] = field(default_factory=list)

    @property
    def client(self) -> Host:
        """It is its own client."""
        return self

    connection = CONNECTION

    def permissions(self) -> dict[str, dict[str, int]]:
        """What the identity may do."""
        self.asked += 1
        if self.mishap:
            raise self.mishap
        return self.granted

    def announce(self, kind: str, name: str) -> None:
        """Keep it."""
        self.announced.append((kind, name))


class Planning(Sample):
    """Plans the memory where it is not declared, and finds a comment wrong."""

    needed: tuple[Need, ...] = (("/", "Sys.Audit"),)

    def announces(self, wanted: Values) -> Iterable[tuple[str, str]]:
        """Its name."""
        return [("sample", wanted["name"])] if "name" in wanted else []

    def plan(
        self, facts: Facts | None, owner: Owner, before: Values, wanted: Values, unknown: frozenset[str]
    ) -> Values:
        """One value with the host, which is asked for it, and another without."""
        if facts:
            facts.permissions()
        return {} if "memory" in wanted or "memory" in unknown else {"memory": 1024 if facts else 16}

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterable[Problem]:
        """What only the host knows."""
        return [("comment", "the host does not like it")] if wanted.get("comment") == "bad" else []

    def needs(self, wanted: Values) -> Iterable[Need]:
        """As the test says."""
        return self.needed


@dataclass
class Checked:
    """Runs checks and keeps the warnings."""

    handler: Planning = field(default_factory=Planning)
    host: Host = field(default_factory=Host)
    warned: list[str] = field(default_factory=list)

    def run(self, before: Values, given: Values, unknown: frozenset[str] = NOTHING) -> tuple[Values, list[Problem]]:
        """One check."""
        return Check(self.handler, cast("Facts", self.host), OWNER, self.warned.append).run(before, given, unknown)


@pytest.fixture
def checked() -> Checked:
    """A check with a host that answers."""
    return Checked()


def test_what_is_wrong_with_a_value_is_told_without_asking_the_host(checked: Checked) -> None:
    _, problems = checked.run({}, {"name": "it", "memory": 1})

    assert [name for name, _ in problems] == ["memory"]
    assert checked.host.asked == 0


def test_what_only_the_host_knows_and_what_is_not_allowed_is_told_too(checked: Checked) -> None:
    checked.handler.needed = (("/vms", "VM.Allocate"),)

    _, problems = checked.run({}, {"name": "it", "comment": "bad"})

    assert [name for name, _ in problems] == ["connection", "comment"]
    assert "pveum acl modify /vms" in problems[0][1]


def test_what_is_not_declared_is_planned_and_named_so(checked: Checked) -> None:
    inputs, problems = checked.run({}, {"name": "it"})

    assert problems == []
    assert inputs == {"name": "it", "memory": 1024, "planned": ["memory"]}


def test_what_was_planned_once_stays_and_the_host_is_not_asked_again(checked: Checked) -> None:
    before = {"name": "it", "memory": 77, "planned": ["memory"]}

    assert checked.run(before, {"name": "it"}) == (before, [])
    assert checked.host.asked == 0


def test_what_is_declared_now_is_planned_no_longer(checked: Checked) -> None:
    before = {"name": "it", "memory": 77, "planned": ["memory"]}

    assert checked.run(before, {"name": "it", "memory": 512})[0] == {
        "name": "it",
        "memory": 512,
        "impact": "memory: reboot",
    }


def test_a_preview_works_without_the_host_and_says_so(checked: Checked) -> None:
    checked.host.mishap = Unreachable("https://pve1:8006 can't be reached: no route")

    inputs, problems = checked.run({}, {"name": "it", "comment": "bad"})

    assert (inputs["memory"], problems) == (16, [])
    assert checked.warned == ["checked without the host: https://pve1:8006 can't be reached: no route"]


def test_a_preview_with_refused_credentials_fails_as_up_would(checked: Checked) -> None:
    checked.host.mishap = LoginRefused("the API token was refused")

    with pytest.raises(LoginRefused):
        checked.run({}, {"name": "it"})


def test_what_a_resource_will_be_is_announced_to_its_dependants(checked: Checked) -> None:
    checked.run({}, {"name": "it"})

    assert checked.host.announced == [("sample", "it")]


def test_a_change_says_what_it_takes(checked: Checked) -> None:
    inputs, _ = checked.run({"name": "it", "memory": 16}, {"name": "it", "memory": 32, "pin": "1", "adopt": "never"})

    assert inputs["impact"] == "memory: reboot; pin: live"


def test_a_new_resource_has_no_impact(checked: Checked) -> None:
    assert checking.IMPACT not in checked.run({}, {"name": "it", "memory": 32})[0]


def test_replacing_what_holds_data_is_refused_unless_it_is_allowed(checked: Checked) -> None:
    checked.handler.holds_data = True  # type: ignore[misc]  # of this one
    before, given = {"name": "it", "backing": "a", "memory": 16}, {"name": "it", "backing": "b", "memory": 16}

    _, problems = checked.run(before, given)
    inputs, allowed = checked.run(before, {**given, "replace_allowed": True})

    assert [name for name, _ in problems] == ["backing"]
    assert "from 'a' to 'b'" in problems[0][1]
    assert "replace_allowed=True" in problems[0][1]
    assert allowed == []
    assert inputs["impact"] == "backing: data loss"


def test_a_value_that_is_not_known_yet_may_replace_and_does_not_do_so_for_sure() -> None:
    handler, old = Sample(), {"name": "it", "backing": "a", "memory": 16}
    unknown = frozenset({"backing", "memory"})

    assert replaced_by(handler, old, {"name": "it"}, unknown) == []
    assert impact_text(handler, old, {"name": "it"}, unknown) == "backing: may replace; memory: not known yet"
    assert differing(handler, old, {"name": "it"}, unknown, []) == ["backing", "memory"]


def test_what_differs_is_named_without_what_was_computed_planned_or_said_about_adoption() -> None:
    old = {"name": "it", "memory": 16, "pin": "1", "serial": "S-1"}
    wanted = {"name": "it", "memory": 32, "adopt": "required", "impact": "pin: live"}

    assert differing(Sample(), old, wanted, NOTHING, ["memory"]) == ["pin"]
    assert replaced_by(Sample(), old, {**wanted, "name": "other"}, NOTHING) == ["name"]


class PlacedInputs(SampleInputs):
    """A sample at a place, or at none."""

    place: Annotated[str | None, Immutable(names=True)] = None


class Placed(Planning):
    """The same at a place, which is a part of its name."""

    inputs = PlacedInputs
    outputs = PlacedInputs


def test_a_field_that_is_part_of_the_name_replaces_also_where_it_comes_or_goes() -> None:
    here, nowhere = {"name": "it", "place": "here"}, {"name": "it"}

    assert replaced_by(Placed(), here, nowhere, NOTHING) == ["place"]
    assert replaced_by(Placed(), nowhere, here, NOTHING) == ["place"]
    assert impact_text(Placed(), here, nowhere, NOTHING) == "place: replace"


def test_nothing_is_said_of_an_object_while_it_is_not_known_which_one_is_meant() -> None:
    checked = Checked(Placed(), Host(granted={}))

    assert checked.run({}, {"name": "it", "comment": "bad"}, frozenset({"place"})) == (
        {"name": "it", "comment": "bad"},
        [],
    )
    assert (checked.host.asked, checked.host.announced) == (0, [])
