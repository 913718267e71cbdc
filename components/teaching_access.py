"""Who may do what in a cluster for teaching: a pool for each course and for each of its teams, and logins for all.

A team sees its own pool and nothing else; a teacher sees the whole course, since its teams' pools are inside of its
own. Whoever is in several teams or courses has one login. The passwords are made up here, and are secrets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_random

from components.outputs import LoginOutput, login
from components.teaching_args import PUPILS_MAY, TEACHERS_MAY, Course, Team
from providers.acl import Acl
from providers.group import Group
from providers.pool import Pool
from providers.role import Role
from providers.user import User

REALM = "pve"
"""The realm whose passwords Proxmox keeps itself."""
DATASTORE_USER = "PVEDatastoreUser"
"""Proxmox's own role of those who may put something on a storage."""


@dataclass(frozen=True, kw_only=True)
class CourseAccessArgs:
    """For whom, and what."""

    courses: Sequence[Course]
    pupils_may: Sequence[str] = PUPILS_MAY
    teachers_may: Sequence[str] = TEACHERS_MAY
    backup_storage: str | None = None
    """The storage that teachers may put backups on."""
    connection: str | None = None


class CourseAccess(pulumi.ComponentResource):
    """Pools, roles, groups, users and permissions of courses."""

    pools: dict[tuple[str, str], Pool]
    """Course and team -> the team's pool."""
    logins: dict[str, LoginOutput]
    """Everybody's, by the name of the user with its realm."""

    def __init__(self, name: str, args: CourseAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:CourseAccess", name, None, opts)
        self._name, self._args, self._at = name, args, args.connection
        self._groups: dict[str, dict[str, Group]] = {}
        self._roles = {
            who: Role(f"{name}-role-{who}", self._after(), roleid=f"{name}-{who}", privs=list(may), connection=self._at)
            for who, may in (("pupil", args.pupils_may), ("teacher", args.teachers_may))
        }
        self.pools = {}
        for course in args.courses:
            self._course(course)
        self.logins = {f"{user}@{REALM}": self._user(user, groups) for user, groups in self._groups.items()}
        self.register_outputs({"logins": dict(self.logins)})

    def _course(self, course: Course) -> None:
        """The course's pool, its teachers, and what they may do with all in it."""
        pool = Pool(
            f"{self._name}-pool-{course.name}",
            self._after(),
            poolid=course.name,
            comment=f"Course {course.name}",
            connection=self._at,
        )
        if course.teachers:
            group = self._group(f"{course.name}-teachers", f"Teachers of {course.name}", course.teachers)
            self._permit(group, f"/pool/{course.name}", "teacher", pool)
            if self._args.backup_storage is not None:
                self._permit(group, f"/storage/{self._args.backup_storage}", DATASTORE_USER)
        for team in course.teams:
            self._team(course, team, pool)

    def _team(self, course: Course, team: Team, above: Pool) -> None:
        """The team's pool in the course's, and what it may do with its own."""
        label, poolid = f"{course.name}.{team.name}", f"{course.name}/{team.name}"
        comment = f"{', '.join(team.members)} in {course.name}"
        pool = Pool(
            f"{self._name}-pool-{label}", self._after(above), poolid=poolid, comment=comment, connection=self._at
        )
        self._permit(self._group(label, comment, team.members), f"/pool/{poolid}", "pupil", pool)
        self.pools[course.name, team.name] = pool

    def _group(self, groupid: str, comment: str, members: Sequence[str]) -> tuple[str, Group]:
        group = Group(
            f"{self._name}-group-{groupid}", self._after(), groupid=groupid, comment=comment, connection=self._at
        )
        for member in members:
            self._groups.setdefault(member, {})[groupid] = group
        return groupid, group

    def _permit(self, whom: tuple[str, Group], path: str, role: str, *after: pulumi.Resource) -> None:
        """Let a group do on a path what a role says, one of this component's own or of Proxmox's."""
        groupid, group = whom
        own = self._roles.get(role)
        roleid = role if own is None else f"{self._name}-{role}"
        waits = self._after(group, *([own] if own else []), *after)
        Acl(
            f"{self._name}-acl-{groupid}{path.replace('/', '.')}",
            waits,
            path=path,
            roleid=roleid,
            group=groupid,
            connection=self._at,
        )

    def _user(self, user: str, groups: Mapping[str, Group]) -> LoginOutput:
        password = pulumi_random.RandomPassword(
            f"{self._name}-user-{user}", length=16, special=False, opts=self._after()
        )
        made = login(f"{user}@{REALM}", password)
        User(
            f"{self._name}-user-{user}",
            self._after(*groups.values()),
            userid=made["user"],
            password=made["password"],
            groups=list(groups),
            connection=self._at,
        )
        return made

    def _after(self, *others: pulumi.Resource) -> pulumi.ResourceOptions:
        """Names are plain text, so that a preview knows them; what has to be there first is said here."""
        return pulumi.ResourceOptions(parent=self, depends_on=list(others))
