"""A running site: calls, what its journal and events gained, and the model read from it."""

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import asyncpg

from doorward.testing.server import Server
from tests.stateful.model import (
    ALWAYS,
    Credential,
    Entrance,
    Group,
    Identity,
    Key,
    Model,
    Person,
    State,
    Window,
    milliseconds,
)

FILE = Path(__file__).with_name("site.yaml")
# What another system manages, by the table that says so.
STRANGERS = {
    "acs_user": ("users", "wolf"),
    "acs_access_group": ("access_groups", "strangers"),
    "acs_credential": ("credentials", "wolf/badge"),
    "user_identity": ("identities", "wanda"),
}
# Kinds of facts whose state has a window.
_WITH_WINDOW = {"user", "group", "credential"}
# Events are asked for again from so long before the newest: what is committed late is not missed.
_AGAIN = timedelta(seconds=10)

# An entry of the journal: the fact, its state, None where it is gone.
Entry = tuple[Key, State | None]
Event = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a call was answered."""

    status_code: int
    text: str

    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


class Site:
    """A server of one history; its database is looked into past the API for the journal, and for
    grants, of which the API has no word.

    events: all of them so far. created: when whatever lists show was made, by id.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.runner = asyncio.Runner()
        # A history makes thousands of calls: this takes a fifth of what httpx takes for each.
        self.http = HTTPConnection(server.endpoint.removeprefix("http://"), timeout=30)
        self.called_at = 0.0
        self.database = self.runner.run(asyncpg.connect(server.database_url))
        self.offset = timedelta()
        self.created: dict[str, str] = {}
        self.events: dict[str, Event] = {}
        self._since = datetime(2000, 1, 1, tzinfo=UTC)
        self._revision = 0

    def close(self) -> None:
        """Lets go of the connections."""
        self.runner.run(self.database.close())
        self.runner.close()
        self.http.close()

    def hand_over(self) -> dict[str, str]:
        """Marks as another system's what the file calls strangers; answers their ids."""
        found = {}
        for kind, (plural, name) in STRANGERS.items():
            found[kind] = getattr(self.server.site, plural)[name]
            statement = f"update {kind} set is_managed = false where {kind}_id = $1"
            self.runner.run(self.database.execute(statement, found[kind]))
        return found

    def restart(self, *, is_crash: bool = False) -> None:
        """Ends the server, and starts it again."""
        self.http.close()
        if is_crash:
            self.server.kill()
        else:
            self.server.stop()
        self.server.start()

    def post(self, path: str, key: str | None = None, **parameters: Any) -> Answer:
        """One call; under an Idempotency-Key, where there is one."""
        headers = {
            "authorization": f"Bearer {self.server.api_key}",
            "content-type": "application/json",
        } | ({} if key is None else {"Idempotency-Key": key})
        # The server ends connections that have been idle for some seconds.
        if time.monotonic() - self.called_at > 1:
            self.http.close()
        self.http.request("POST", path, json.dumps(parameters), headers)
        response = self.http.getresponse()
        answer = Answer(response.status, response.read().decode())
        self.called_at = time.monotonic()
        return answer

    def read(self, path: str, key: str, **parameters: Any) -> Any:
        """What a call answers under its key."""
        answer = self.post(path, **parameters)
        assert answer.status_code == 200, (path, parameters, answer.text)
        return answer.json()[key]

    def now(self) -> datetime:
        """The workspace's time."""
        return datetime.now(UTC) + self.offset

    def advance(self, by: timedelta) -> None:
        """Moves the workspace's time."""
        before = datetime.now(UTC)
        self.offset = self.server.advance_time(by) - before

    # What there is of news.

    def revision(self) -> int:
        """The journal's newest."""
        return int(self._value("select max(revision) from policy_revision"))

    def entries(self) -> list[Entry]:
        """What the journal gained since it was asked last."""
        rows = self.rows(
            "select revision, kind, key_a::text, key_b::text, state from policy_journal"
            " where revision > $1 order by revision",
            self._revision,
        )
        self._revision = max((row["revision"] for row in rows), default=self._revision)
        return [((r["kind"], r["key_a"], r["key_b"]), _plain(r["kind"], r["state"])) for r in rows]

    def news(self) -> list[Event]:
        """The events that there are since they were asked for last."""
        found: list[Event] = []
        for offset in range(0, 100_000, 1000):
            page = self.read(
                "/events/list",
                "events",
                since=self._since.isoformat(),
                limit=1000,
                unstable_offset=offset,
            )
            found += [event for event in page if event["event_id"] not in self.events]
            if len(page) < 1000:
                break
        self.events.update({event["event_id"]: event for event in found})
        newest = max((moment(event["created_at"]) for event in found), default=self._since)
        self._since = max(self._since, newest - _AGAIN)
        return found

    def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """What the database has."""
        return self.runner.run(self.database.fetch(query, *arguments))

    def _value(self, query: str) -> Any:
        return self.runner.run(self.database.fetchval(query))

    # The model.

    def model(self) -> Model:
        """Everything, as the server shows it now."""
        groups = self.groups()
        return Model(
            {
                self.server.site.systems["office"]: self.server.site.controllers["panel"],
                self.server.site.systems["annex"]: self.server.site.controllers["annex-panel"],
            },
            {
                e["acs_entrance_id"]: Entrance(e["acs_system_id"], e["display_name"])
                for e in self.listed("/acs/entrances/list", "acs_entrances")
            },
            groups,
            self.people(groups),
            self.credentials(),
            self.identities(),
        )

    def listed(self, path: str, key: str) -> list[Any]:
        """A whole list."""
        shown: list[Any] = self.read(path, key)
        name = "user_identity_id" if key == "user_identities" else f"{key[:-1]}_id"
        self.created.update({one[name]: one["created_at"] for one in shown})
        return shown

    def groups(self) -> dict[str, Group]:
        """Every group, in the order of the list."""
        return {
            g["acs_access_group_id"]: Group(
                g["acs_system_id"],
                g["name"],
                {
                    e["acs_entrance_id"]
                    for e in self.read(
                        "/acs/access_groups/list_accessible_entrances",
                        "acs_entrances",
                        acs_access_group_id=g["acs_access_group_id"],
                    )
                },
            )
            for g in self.listed("/acs/access_groups/list", "acs_access_groups")
        }

    def people(self, groups: Iterable[str]) -> dict[str, Person]:
        """Everybody, in the order of the list."""
        members = {
            group: {
                u["acs_user_id"]
                for u in self.read(
                    "/acs/access_groups/list_users", "acs_users", acs_access_group_id=group
                )
            }
            for group in groups
        }
        grants, begun = self._grants(), self._without_beginning()
        return {
            u["acs_user_id"]: Person(
                u["acs_system_id"],
                u.get("full_name"),
                u.get("email_address"),
                u.get("phone_number"),
                u.get("user_identity_id"),
                u["is_suspended"],
                _schedule(u.get("access_schedule"), u["created_at"], u["acs_user_id"] in begun),
                {group for group, users in members.items() if u["acs_user_id"] in users},
                grants.get(u["acs_user_id"], set()),
            )
            for u in self.listed("/acs/users/list", "acs_users")
        }

    def _grants(self) -> dict[str, set[str]]:
        # The API has no word for these alone.
        found: dict[str, set[str]] = {}
        for row in self.rows(
            "select acs_user_id, acs_entrance_id from user_entrance where is_desired"
        ):
            found.setdefault(str(row["acs_user_id"]), set()).add(str(row["acs_entrance_id"]))
        return found

    def _without_beginning(self) -> set[str]:
        # The API has no word for that either, and shows when somebody was made.
        rows = self.rows("select acs_user_id from acs_user where starts_at is null")
        return {str(row["acs_user_id"]) for row in rows}

    def credentials(self) -> dict[str, Credential]:
        """Every credential, in the order of the list."""
        found = {}
        for c in self.listed("/acs/credentials/list", "acs_credentials"):
            more = self.read(
                "/doorward/credentials/get",
                "credential",
                acs_credential_id=c["acs_credential_id"],
            )
            found[c["acs_credential_id"]] = Credential(
                c["acs_system_id"],
                c["access_method"],
                c.get("acs_user_id"),
                c["card_number"] or c["code"],
                more["state"],
                (_moment(c.get("starts_at")), _moment(c.get("ends_at"))),
                set(more["allowed_acs_entrance_ids"]),
                more["use_limit"],
                more["use_count"],
                c["display_name"],
            )
        return found

    def identities(self) -> dict[str, Identity]:
        """Every identity, in the order of the list."""
        return {
            i["user_identity_id"]: Identity(
                i["full_name"], i["email_address"], i["phone_number"], i["user_identity_key"]
            )
            for i in self.listed("/user_identities/list", "user_identities")
        }


def _plain(kind: str, state: str | None) -> State | None:
    """A state of the journal with what it leaves out."""
    if state is None:
        return None
    said = json.loads(state)
    fields: dict[str, State] = {
        "user": {"is_suspended": False},
        "credential": {
            "state": "active",
            "is_issued": True,
            "use_limit": None,
            "uses": {},
            "code_length": None,
        },
    }
    usual = fields.get(kind, {})
    window = said.pop("window", {})
    spans = {"starts_at": None, "ends_at": None} if kind in _WITH_WINDOW else {}
    plain: State = usual | spans | window | said
    return plain


def moment(text: str) -> datetime:
    """A time as answers have it."""
    return datetime.fromisoformat(text)


def decided_at(decision: Any) -> int:
    """When a door decided, in milliseconds since 1970."""
    return milliseconds(moment(decision["decided_at"]))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def _schedule(shown: dict[str, str | None] | None, made: str, has_begun: bool) -> Window:
    if shown is None:
        return ALWAYS
    assert not has_begun or shown["starts_at"] == made
    return (None if has_begun else _moment(shown["starts_at"]), _moment(shown["ends_at"]))
