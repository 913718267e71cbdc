"""A course with a teacher and two teams: logins, and a pool for each team that nobody else sees."""

import pulumi

from components.teaching_access import CourseAccess, CourseAccessArgs
from components.teaching_args import Course, Team

access = CourseAccess(
    "school",
    CourseAccessArgs(
        courses=[
            Course(name="linux", teachers=("kim",), teams=(Team(name="ann"), Team(name="red", pupils=("eve", "joe"))))
        ]
    ),
)
pulumi.export("logins", {user: login["password"] for user, login in access.logins.items()})
