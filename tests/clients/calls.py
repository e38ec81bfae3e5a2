"""What the drivers of all clients take and give: who calls, about whom, and what came of it."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Target:
    """A server and who calls it: an API key, or a personal access token and its workspace."""

    endpoint: str
    token: str
    workspace_id: str | None = None

    @property
    def authority(self) -> str:
        """Host and port, as the header `Host` has them."""
        return urlsplit(self.endpoint).netloc


@dataclass(frozen=True)
class Member:
    """Who is to be removed from which group: by access system user or by user identity (ids)."""

    acs_access_group_id: str
    acs_user_id: str | None = None
    user_identity_id: str | None = None

    def parameters(self) -> dict[str, str]:
        """The call's parameters in the documentation's order: the person, then the group."""
        person = {"acs_user_id": self.acs_user_id, "user_identity_id": self.user_identity_id}
        given = {name: value for name, value in person.items() if value is not None}
        return {**given, "acs_access_group_id": self.acs_access_group_id}


@dataclass(frozen=True)
class Outcome:
    """What came of a call: whether the client took it as done, and what it printed.

    `answer` is the part of the output that the documentation shows as such. curl ends with exit
    code 0 on an error of the API too; `ok` knows.
    """

    ok: bool
    exit_code: int
    answer: str
    stdout: str
    stderr: str
