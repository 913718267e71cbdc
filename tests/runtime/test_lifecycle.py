"""A resource's life, with a host that fits into a dict: whose objects are taken, and what goes wrong in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, ClassVar, cast

import pytest

from providers._runtime import lifecycle
from providers._runtime.api import Api
from providers._runtime.client import Client
from providers._runtime.errors import AlreadyThere, ApiRefused, Missing, TookTooLong, Unanswered
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Immutable
from providers._runtime.model import Changes, Inputs, Values, fields_of
from providers._runtime.ownership import Owner
from tests.runtime.doors import OWNER, Call
from tests.runtime.sample import SampleInputs, SampleOutputs

NEIGHBOUR = Owner("labs/other", "ba9876543210")
SIBLING = Owner(OWNER.stack, "ba9876543210")
WANTED: Values = {"name": "it", "memory": 512, "password": "hush"}
REFUSED = ApiRefused("PUT", "/x", 500, "detected modified configuration - file changed by other user?", {})


class Sample(Handler):
    """Objects in a dict; a test says what goes wrong with the next steps."""

    inputs: ClassVar[type[Inputs]] = SampleInputs
    outputs: ClassVar[type[Inputs]] = SampleOutputs

    def __init__(self) -> None:
        self.host: dict[str, tuple[Values, Owner | None]] = {}
        self.mishaps: list[tuple[str, Callable[[], object]]] = []
        self.steps: list[str] = []

    def there_is(self, owner: Owner | None, **values: object) -> None:
        """Put an object on the host."""
        self.host[str(values["name"])] = (dict(values), owner)

    def next_time(self, step: str, mishap: Callable[[], object] | Exception) -> None:
        """Let something happen at the end of a step."""

        def strike() -> None:
            if isinstance(mishap, Exception):
                raise mishap
            mishap()

        self.mishaps.append((step, strike))

    def _done(self, step: str) -> None:
        self.steps.append(step)
        for entry in [entry for entry in self.mishaps if entry[0] == step][:1]:
            self.mishaps.remove(entry)
            entry[1]()

    def find(self, api: Api, wanted: Values) -> Found | None:
        """By name."""
        return self.read(api, f"samples/{wanted['name']}")

    def create(self, api: Api, wanted: Values) -> str:
        """Put it there."""
        name = wanted["name"]
        if name in self.host:
            raise AlreadyThere(f"sample {name} exists")
        self.there_is(api.owner, **{key: wanted[key] for key in wanted if fields_of(self.inputs)[key].in_config})
        self._done("create")
        return f"samples/{name}"

    def read(self, api: Api, id_: str) -> Found | None:
        """Look; without the secret."""
        values, owner = self.host.get(id_.removeprefix("samples/"), (None, None))
        self._done("read")
        if values is None:
            return None
        return Found(id_, {**{k: v for k, v in values.items() if k != "password"}, "serial": "S-1"}, owner)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Change it there."""
        self._done("update")
        values, _ = self.host[wanted["name"]]
        kept = {name: value for name, value in values.items() if name not in todo.cleared}
        self.there_is(api.owner, **{**kept, **todo.set})

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Take it away."""
        self.host.pop(id_.removeprefix("samples/"), None)


class MarklessInputs(Inputs):
    """A type that has no room for a mark."""

    name: Annotated[str, Immutable()]
    backing: Annotated[str | None, Immutable()] = None
    memory: int | None = None


class Markless(Sample):
    """The same, of a type that has no room for a mark."""

    inputs = MarklessInputs
    outputs = MarklessInputs


@pytest.fixture
def sample() -> Sample:
    """An empty host."""
    return Sample()


@pytest.fixture
def markless() -> Markless:
    """An empty host of a type that has no room for a mark."""
    return Markless()


@pytest.fixture
def call() -> Call:
    """One operation; nothing of it goes over a network."""
    made = Call(client=cast("Client", None), facts=cast("Facts", None), owner=OWNER, deadline=time.monotonic() + 9)
    made.warn = made.warned.append
    return made


def test_a_new_object_is_made_and_read_back(sample: Sample, call: Call) -> None:
    id_, outs = lifecycle.create(sample, call, WANTED)

    assert id_ == "samples/it" == call.kept
    assert outs == {**WANTED, "serial": "S-1"}
    assert sample.host["it"][1] == OWNER


def test_one_that_an_earlier_run_of_the_same_resource_made_is_gone_on_with(sample: Sample, call: Call) -> None:
    sample.there_is(OWNER, name="it", memory=256)

    _, outs = lifecycle.create(sample, call, WANTED)

    assert outs["memory"] == 512
    assert sample.steps.count("create") == 0


@pytest.mark.parametrize(
    ("owner", "told"),
    [
        (None, "sample it exists; to take it over, set adopt to `if-exists`"),
        (NEIGHBOUR, "sample it exists; it belongs to stack labs/other"),
        (SIBLING, "sample it exists; it belongs to stack labs/test"),
    ],
)
def test_somebody_elses_is_refused_and_left_alone(sample: Sample, call: Call, owner: Owner | None, told: str) -> None:
    sample.there_is(owner, name="it", memory=256)

    with pytest.raises(AlreadyThere, match=f"^{told}$"):
        lifecycle.create(sample, call, WANTED)

    assert sample.host["it"] == ({"name": "it", "memory": 256}, owner)
    assert call.kept is None


@pytest.mark.parametrize("owner", [None, OWNER, SIBLING])
@pytest.mark.parametrize("adopt", ["if-exists", "required"])
def test_one_is_adopted_where_that_is_said(sample: Sample, call: Call, adopt: str, owner: Owner | None) -> None:
    sample.there_is(owner, name="it", memory=256, pin="1234")

    lifecycle.create(sample, call, {**WANTED, "adopt": adopt})

    assert sample.host["it"] == ({"name": "it", "memory": 512, "pin": "1234", "password": "hush"}, OWNER)


def test_another_stacks_is_not_adopted(sample: Sample, call: Call) -> None:
    sample.there_is(NEIGHBOUR, name="it")

    with pytest.raises(AlreadyThere, match="belongs to stack labs/other, and can't be taken over"):
        lifecycle.create(sample, call, {**WANTED, "adopt": "if-exists"})


@pytest.mark.parametrize("owner", [None, OWNER])
def test_one_that_differs_in_what_can_not_be_changed_is_not_taken(
    sample: Sample, call: Call, owner: Owner | None
) -> None:
    sample.there_is(owner, name="it", backing="slow")

    with pytest.raises(AlreadyThere, match=r"^samples/it exists with another backing, which can't be changed$"):
        lifecycle.create(sample, call, {"name": "it", "backing": "fast", "adopt": "if-exists"})

    assert call.kept is None


def test_adopting_what_is_not_there_makes_it_or_is_refused(sample: Sample, call: Call) -> None:
    with pytest.raises(Missing, match="adopt is `required`"):
        lifecycle.create(sample, call, {**WANTED, "adopt": "required"})
    lifecycle.create(sample, call, {**WANTED, "adopt": "if-exists"})

    assert list(sample.host) == ["it"]


def test_without_room_for_a_mark_one_that_is_as_declared_is_taken(markless: Markless, call: Call) -> None:
    markless.there_is(None, name="it", memory=512)

    lifecycle.create(markless, call, {"name": "it", "memory": 512})

    assert call.warned == ["samples/it exists exactly as declared, and is taken over"]


@pytest.mark.parametrize("other", [{"memory": 256}, {"memory": 512, "backing": "slow"}])
def test_without_room_for_a_mark_one_that_is_not_as_declared_is_refused(
    markless: Markless, call: Call, other: Values
) -> None:
    markless.there_is(None, name="it", **other)

    with pytest.raises(AlreadyThere, match="set adopt to `if-exists`"):
        lifecycle.create(markless, call, {"name": "it", "memory": 512, "backing": "fast"})


def test_one_that_was_made_without_an_answer_is_found_again(sample: Sample, call: Call) -> None:
    sample.next_time("create", Unanswered("no answer"))

    lifecycle.create(sample, call, WANTED)

    assert list(sample.host) == ["it"]
    assert sample.steps.count("create") == 1


def test_without_any_answer_it_is_tried_five_times(sample: Sample, call: Call) -> None:
    for _ in range(9):
        sample.next_time("read", Unanswered("no answer"))

    with pytest.raises(Unanswered):
        lifecycle.create(sample, call, WANTED)

    assert sample.steps.count("read") == 5


def test_a_neighbours_change_is_read_and_kept(sample: Sample, call: Call) -> None:
    sample.there_is(OWNER, name="it", memory=256)

    def neighbour() -> None:
        sample.there_is(OWNER, name="it", memory=256, pin="theirs")
        raise REFUSED

    sample.next_time("update", neighbour)
    outs = lifecycle.update(sample, call, "samples/it", {"name": "it", "memory": 256}, {"name": "it", "memory": 512})

    assert sample.host["it"][0] == {"name": "it", "memory": 512, "pin": "theirs"}
    assert outs["memory"] == 512


def test_a_neighbour_that_never_stops_is_told(sample: Sample, call: Call) -> None:
    sample.there_is(OWNER, name="it")
    for _ in range(20):
        sample.next_time("update", REFUSED)

    with pytest.raises(ApiRefused, match="detected modified configuration"):
        lifecycle.update(sample, call, "samples/it", {}, WANTED)

    assert sample.steps.count("update") == lifecycle.UPDATE_TRIES


def test_any_other_refusal_is_told_at_once(sample: Sample, call: Call) -> None:
    sample.there_is(OWNER, name="it")
    sample.next_time("update", ApiRefused("PUT", "/x", 500, "no", {}))

    with pytest.raises(ApiRefused):
        lifecycle.update(sample, call, "samples/it", {}, WANTED)

    assert sample.steps.count("update") == 1


def test_what_is_gone_is_told_with_the_remedy(sample: Sample, call: Call) -> None:
    assert lifecycle.read(sample, call, "samples/it", WANTED) is None
    with pytest.raises(Missing, match="`pulumi refresh` takes note of it"):
        lifecycle.update(sample, call, "samples/it", {}, WANTED)


def test_a_read_shows_drift_in_what_is_declared_only(sample: Sample, call: Call) -> None:
    sample.there_is(OWNER, name="it", memory=64, pin="theirs")

    assert lifecycle.read(sample, call, "samples/it", WANTED) == {**WANTED, "memory": 64, "serial": "S-1"}


def test_a_secret_of_a_failed_operation_counts_as_not_written(sample: Sample, call: Call) -> None:
    sample.there_is(OWNER, name="it", memory=512)

    assert lifecycle.left_behind(sample, call, "samples/it", {}, WANTED) == {
        "name": "it",
        "memory": 512,
        "serial": "S-1",
    }
    left = lifecycle.left_behind(sample, call, "samples/it", {**WANTED, "password": "old"}, WANTED)
    assert left
    assert left["password"] == "old"


def test_of_one_that_can_not_be_read_after_a_failure_the_old_knowledge_is_kept(sample: Sample, call: Call) -> None:
    sample.next_time("read", TookTooLong("over"))
    before = {"name": "it", "memory": 256, "serial": "S-1"}

    left = lifecycle.left_behind(sample, call, "samples/it", before, {**WANTED, "connection": "lab"})

    assert left == {**before, "connection": "lab"}


def test_a_failed_operation_that_left_nothing_leaves_nothing(sample: Sample, call: Call) -> None:
    assert lifecycle.left_behind(sample, call, "samples/it", {}, WANTED) is None
