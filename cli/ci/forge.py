"""Comments, labels and issues at GitHub and GitLab, by their APIs; the token comes from the environment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

PAGE = 100
PATIENCE = 30


class ForgeError(Exception):
    """The forge has not done what it was asked for."""


class NotAllowed(ForgeError):
    """The token may not do that, as the one of a change from a fork."""


@dataclass(frozen=True)
class Note:
    """A comment or an issue."""

    id: int
    text: str
    author: str = ""


class Forge(ABC):
    """Where changes are proposed."""

    def __init__(self, api: str, headers: Mapping[str, str]) -> None:
        self._api = api.rstrip("/")
        self._session = requests.Session()
        self._session.headers.update(headers)

    @abstractmethod
    def author(self) -> str:
        """Who writes with this token."""

    @abstractmethod
    def comments(self, change: str) -> Iterator[Note]:
        """All comments of a change."""

    @abstractmethod
    def write_comment(self, change: str, text: str, old: Note | None) -> None:
        """Write a comment, in the place of an old one if there is one."""

    @abstractmethod
    def labels(self, change: str) -> set[str]:
        """The labels of a change."""

    @abstractmethod
    def change_of(self, commit: str) -> str | None:
        """The change that a commit came in by."""

    @abstractmethod
    def issues(self) -> Iterator[Note]:
        """All open issues."""

    @abstractmethod
    def write_issue(self, title: str, text: str, old: Note | None) -> None:
        """Open an issue, or write an open one anew."""

    @abstractmethod
    def close_issue(self, issue: Note) -> None:
        """Close an issue."""

    def own_comment(self, change: str, mark: str) -> Note | None:
        """The comment that begins with a mark, unless somebody else has written it."""
        author = self.author()
        return next(
            (note for note in self.comments(change) if note.text.startswith(mark) and note.author == author), None
        )

    def own_issue(self, mark: str) -> Note | None:
        """The open issue that begins with a mark, unless somebody else has opened it."""
        author = self.author()
        return next((note for note in self.issues() if note.text.startswith(mark) and note.author == author), None)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """One call."""
        try:
            answer = self._session.request(method, f"{self._api}{path}", json=body, params=query, timeout=PATIENCE)
        except requests.RequestException as problem:
            raise ForgeError(f"{method} {path}: {problem}") from None
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise NotAllowed(f"{method} {path}: {answer.status_code} {answer.reason}")
        if not answer.ok:
            raise ForgeError(f"{method} {path}: {answer.status_code} {answer.reason}")
        return answer.json() if answer.content else None

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """Everything in a list that comes in pages."""
        number = 1
        while True:
            rows = self.ask("GET", path, per_page=PAGE, page=number, **query)
            yield from rows
            if len(rows) < PAGE:
                return
            number += 1


class GitHub(Forge):
    """GitHub, with the token of a workflow."""

    def __init__(self, api: str, repository: str, token: str, author: str) -> None:
        super().__init__(api, {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"})
        self._repository, self._author = f"/repos/{repository}", author

    def author(self) -> str:
        """A workflow's token can't ask who it is."""
        return self._author

    def comments(self, change: str) -> Iterator[Note]:
        """A pull request's are those of its issue."""
        for row in self.pages(f"{self._repository}/issues/{change}/comments"):
            yield Note(row["id"], row["body"] or "", (row["user"] or {}).get("login", ""))

    def write_comment(self, change: str, text: str, old: Note | None) -> None:
        """With what there is already, or anew."""
        if old:
            self.ask("PATCH", f"{self._repository}/issues/comments/{old.id}", {"body": text})
        else:
            self.ask("POST", f"{self._repository}/issues/{change}/comments", {"body": text})

    def labels(self, change: str) -> set[str]:
        """By their names."""
        return {row["name"] for row in self.pages(f"{self._repository}/issues/{change}/labels")}

    def change_of(self, commit: str) -> str | None:
        """The first pull request, which there is at most one of as a rule."""
        rows = self.ask("GET", f"{self._repository}/commits/{commit}/pulls")
        return next((str(row["number"]) for row in rows), None)

    def issues(self) -> Iterator[Note]:
        """Pull requests are in the list too."""
        for row in self.pages(f"{self._repository}/issues", state="open"):
            if "pull_request" not in row:
                yield Note(row["number"], row["body"] or "", (row["user"] or {}).get("login", ""))

    def write_issue(self, title: str, text: str, old: Note | None) -> None:
        """With title and text."""
        method, path = ("PATCH", f"/{old.id}") if old else ("POST", "")
        self.ask(method, f"{self._repository}/issues{path}", {"title": title, "body": text})

    def close_issue(self, issue: Note) -> None:
        """It stays to be read."""
        self.ask("PATCH", f"{self._repository}/issues/{issue.id}", {"state": "closed"})


class GitLab(Forge):
    """GitLab, with an access token of the project."""

    def __init__(self, api: str, project: str, token: str) -> None:
        super().__init__(api, {"PRIVATE-TOKEN": token})
        self._project = f"/projects/{quote(project, safe='')}"

    def author(self) -> str:
        """The user of the token."""
        return str(self.ask("GET", "/user")["username"])

    def comments(self, change: str) -> Iterator[Note]:
        """Called notes there."""
        for row in self.pages(f"{self._project}/merge_requests/{change}/notes"):
            yield Note(row["id"], row["body"] or "", row["author"]["username"])

    def write_comment(self, change: str, text: str, old: Note | None) -> None:
        """With what there is already, or anew."""
        method, path = ("PUT", f"/{old.id}") if old else ("POST", "")
        self.ask(method, f"{self._project}/merge_requests/{change}/notes{path}", {"body": text})

    def labels(self, change: str) -> set[str]:
        """By their names."""
        return set(self.ask("GET", f"{self._project}/merge_requests/{change}")["labels"])

    def change_of(self, commit: str) -> str | None:
        """The first merge request."""
        rows = self.ask("GET", f"{self._project}/repository/commits/{commit}/merge_requests")
        return next((str(row["iid"]) for row in rows), None)

    def issues(self) -> Iterator[Note]:
        """Of the project."""
        for row in self.pages(f"{self._project}/issues", state="opened"):
            yield Note(row["iid"], row["description"] or "", row["author"]["username"])

    def write_issue(self, title: str, text: str, old: Note | None) -> None:
        """With title and text."""
        method, path = ("PUT", f"/{old.id}") if old else ("POST", "")
        self.ask(method, f"{self._project}/issues{path}", {"title": title, "description": text})

    def close_issue(self, issue: Note) -> None:
        """It stays to be read."""
        self.ask("PUT", f"{self._project}/issues/{issue.id}", {"state_event": "close"})


def forge_in(environment: Mapping[str, str]) -> Forge:
    """The forge whose pipeline this is.

    Raises:
        ForgeError: it is no pipeline, or it has no token.

    """
    if environment.get("GITHUB_REPOSITORY"):
        return GitHub(
            environment.get("GITHUB_API_URL") or "https://api.github.com",
            environment["GITHUB_REPOSITORY"],
            _token(environment, "GITHUB_TOKEN"),
            environment.get("LABS_AUTHOR") or "github-actions[bot]",
        )
    if environment.get("CI_API_V4_URL"):
        return GitLab(environment["CI_API_V4_URL"], environment["CI_PROJECT_ID"], _token(environment, "LABS_TOKEN"))
    raise ForgeError("this is no pipeline of GitHub or GitLab: neither GITHUB_REPOSITORY nor CI_API_V4_URL is set")


def _token(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise NotAllowed(f"there is no token: {name} is not set")
    return environment[name]
