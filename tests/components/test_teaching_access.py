"""Who may do what in courses: each team in a pool of its own, and one login for everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components.teaching_access import CourseAccess, CourseAccessArgs
from components.teaching_args import PUPILS_MAY, TEACHERS_MAY, Course, Team
from tests.components.asked import Asked, asked
from tests.components.teaching_lab import COURSE

OTHER = Course(name="nets", teachers=("ann",), teams=(Team(name="eve"),))


def asked_for(*courses: Course, **more: Any) -> Asked:
    """What is asked for."""
    args = CourseAccessArgs(courses=courses, **more)
    return asked(lambda: {user: each["password"] for user, each in CourseAccess("lab", args).logins.items()})


def test_a_teams_pool_is_in_its_courses_and_each_of_them_has_its_own_permission() -> None:
    found = asked_for(COURSE).inputs

    pools = [inputs["poolid"] for inputs in found.values() if "poolid" in inputs]
    assert sorted(pools) == ["linux", "linux/ann", "linux/red"]
    permissions = {inputs["path"]: (inputs["group"], inputs["roleid"]) for inputs in found.values() if "path" in inputs}
    assert permissions == {
        "/pool/linux": ("linux-teachers", "lab-teacher"),
        "/pool/linux/ann": ("linux.ann", "lab-pupil"),
        "/pool/linux/red": ("linux.red", "lab-pupil"),
    }


def test_somebody_in_several_courses_has_one_login_and_is_in_several_groups() -> None:
    found = asked_for(COURSE, OTHER)

    users = {inputs["userid"]: inputs["groups"] for inputs in found.inputs.values() if "userid" in inputs}
    assert users == {
        "kim@pve": ["linux-teachers"],
        "ann@pve": ["linux.ann", "nets-teachers"],
        "eve@pve": ["linux.red", "nets.eve"],
        "joe@pve": ["linux.red"],
    }
    assert set(found.outputs) == set(users)


def test_teachers_may_put_backups_on_the_storage_for_them() -> None:
    found = asked_for(COURSE, replace(OTHER, teachers=()), backup_storage="nfs1").inputs

    on_storages = [inputs for inputs in found.values() if inputs.get("path", "").startswith("/storage/")]
    assert [(each["path"], each["group"], each["roleid"]) for each in on_storages] == [
        ("/storage/nfs1", "linux-teachers", "PVEDatastoreUser")
    ]


def test_nobody_may_make_or_remove_guests_and_teachers_may_more_than_pupils() -> None:
    found = asked_for(COURSE, pupils_may=("VM.Console",)).inputs

    assert found["lab-role-pupil"]["privs"] == ["VM.Console"]
    assert found["lab-role-teacher"]["privs"] == list(TEACHERS_MAY)
    assert set(PUPILS_MAY) < set(TEACHERS_MAY)
    assert not {"VM.Allocate", "VM.Clone", "Permissions.Modify"} & set(TEACHERS_MAY)
