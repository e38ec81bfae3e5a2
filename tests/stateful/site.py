"""A running sandbox: calls, what its journal and events gained, and the model read from it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from doorward.testing.server import Server
from tests.stateful.model import ALWAYS, NOBODY, Credential, Identity, Model, Person, Window

SYSTEM = "72a95f5e-d842-412a-9ed4-d7484aa1d712"

# What journal and events gained by one call: facts with whether they are gone, types with ids.
Gained = tuple[list[tuple[str, str, str, bool]], list[tuple[str, str]]]


class Site:
    """A server of one history; its database is looked into past the API."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.runner = asyncio.Runner()
        self.client = httpx.Client(
            headers={"authorization": f"Bearer {server.api_key}"}, timeout=30, trust_env=False
        )
        self.database = self.runner.run(asyncpg.connect(server.database_url))
        self.offset = timedelta()

    def close(self) -> None:
        """Lets go of the connections."""
        self.runner.run(self.database.close())
        self.runner.close()
        self.client.close()

    def post(self, path: str, key: str | None = None, **parameters: Any) -> httpx.Response:
        """One call; under an Idempotency-Key, where there is one."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.client.post(self.server.endpoint + path, json=parameters, headers=headers)

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

    def revision(self) -> int:
        """The journal's newest."""
        return int(self._value("select max(revision) from policy_revision"))

    def event_ids(self) -> set[str]:
        """Every event but those of the doors."""
        rows = self.runner.run(
            self.database.fetch("select event_id from event where event_type not like 'lock.%'")
        )
        return {str(row["event_id"]) for row in rows}

    def gained(self, revision: int, event_ids: set[str]) -> Gained:
        """What came after."""
        entries = self.runner.run(
            self.database.fetch(
                "select kind, key_a, key_b, state is null gone from policy_journal"
                " where revision > $1 order by revision",
                revision,
            )
        )
        events = self.runner.run(
            self.database.fetch(
                "select event_type, subject_ids, payload from event"
                " where event_type not like 'lock.%' and event_id <> all ($1::uuid[])",
                list(event_ids),
            )
        )
        return (
            [(e["kind"], str(e["key_a"]), str(e["key_b"]), e["gone"]) for e in entries],
            [(e["event_type"], _subject(e["event_type"], e["payload"])) for e in events],
        )

    def _value(self, query: str) -> Any:
        return self.runner.run(self.database.fetchval(query))

    def model(self) -> Model:
        """Everything, as the server shows it now."""
        listed = self.read("/acs/entrances/list", "acs_entrances")
        entrances = [e["acs_entrance_id"] for e in listed]
        groups = self.groups()
        return Model(
            entrances,
            groups,
            self.people(set(groups)),
            self.credentials(),
            self.identities(),
        )

    def groups(self) -> dict[str, set[str]]:
        """Every group, with the entrances that it opens."""
        return {
            g["acs_access_group_id"]: {
                e["acs_entrance_id"]
                for e in self.read(
                    "/acs/access_groups/list_accessible_entrances",
                    "acs_entrances",
                    acs_access_group_id=g["acs_access_group_id"],
                )
            }
            for g in self.read("/acs/access_groups/list", "acs_access_groups")
        }

    def people(self, groups: set[str]) -> dict[str, Person]:
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
        grants = self._grants()
        return {
            u["acs_user_id"]: Person(
                u.get("full_name"),
                u.get("email_address"),
                u.get("phone_number"),
                u.get("user_identity_id"),
                u["is_suspended"],
                _schedule(u.get("access_schedule")),
                {group for group, users in members.items() if u["acs_user_id"] in users},
                grants.get(u["acs_user_id"], set()),
            )
            for u in self.read("/acs/users/list", "acs_users", acs_system_id=SYSTEM)
        }

    def _grants(self) -> dict[str, set[str]]:
        # The API has no word for these alone.
        found: dict[str, set[str]] = {}
        rows = self.runner.run(
            self.database.fetch(
                "select acs_user_id, acs_entrance_id from user_entrance where is_desired"
            )
        )
        for row in rows:
            found.setdefault(str(row["acs_user_id"]), set()).add(str(row["acs_entrance_id"]))
        return found

    def credentials(self) -> dict[str, Credential]:
        """Every credential, in the order of the list."""
        found = {}
        for c in self.read("/acs/credentials/list", "acs_credentials", acs_system_id=SYSTEM):
            more = self.read(
                "/doorward/credentials/get",
                "credential",
                acs_credential_id=c["acs_credential_id"],
            )
            found[c["acs_credential_id"]] = Credential(
                c["access_method"],
                c.get("acs_user_id"),
                c["card_number"] or c["code"],
                more["state"],
                (_moment(c.get("starts_at")), _moment(c.get("ends_at"))),
                set(more["allowed_acs_entrance_ids"]),
                more["use_limit"],
                more["use_count"],
            )
        return found

    def identities(self) -> dict[str, Identity]:
        """Every identity, in the order of the list."""
        return {
            i["user_identity_id"]: Identity(
                i["full_name"], i["email_address"], i["phone_number"], i["user_identity_key"]
            )
            for i in self.read("/user_identities/list", "user_identities")
        }


_SUBJECTS = {
    "acs_user": "acs_user_id",
    "acs_credential": "acs_credential_id",
    "acs_access_group": "acs_access_group_id",
    "client_session": "client_session_id",
    "action_attempt": "action_attempt_id",
}


def _subject(event_type: str, payload: str) -> str:
    return str(json.loads(payload).get(_SUBJECTS.get(event_type.partition(".")[0], ""), NOBODY))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _schedule(shown: dict[str, str | None] | None) -> Window:
    return ALWAYS if shown is None else (_moment(shown["starts_at"]), _moment(shown["ends_at"]))
