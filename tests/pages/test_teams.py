"""A lab that moves out of a checkout into a team's PostgreSQL, and is there for another checkout."""

from __future__ import annotations

import shutil

import pytest

from tests.pages.postgres import postgres
from tests.pages.reader import Reader

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

PASSWORD = "of-the-team"
SUDO = '#!/bin/sh\nshift 2\nexec "$@"\n'
"""Stands for `sudo -u postgres`: the variables say that it is the superuser who asks."""


def test_a_lab_moves_to_where_all_of_the_team_work_on_it(reader: Reader) -> None:
    sudo = reader.home / "bin" / "sudo"
    sudo.parent.mkdir()
    sudo.write_text(SUDO)
    sudo.chmod(0o755)
    with postgres() as server:
        reader.run("make up")
        for name, value in {**server.variables, "PATH": f"{sudo.parent}:$PATH"}.items():
            reader.run(f"export {name}={value}")
        reader.typed = f"{PASSWORD}\n{PASSWORD}\n"
        url = f"postgres://labs:{PASSWORD}@127.0.0.1:{server.port}/labs?sslmode=disable"
        reader.values["postgres://labs:…@db.example.org/labs"] = url

        reader.read("docs/guides/teams.md")

        shutil.rmtree(reader.checkout / ".pulumi")
        assert "    8 unchanged\n" in reader.run("make preview"), "a checkout that knows nothing but the variables"
