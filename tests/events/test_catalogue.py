"""Every event has what the API requires of its type (seam-api section 7)."""

from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID, uuid4

import msgspec
import pytest

from doorward.events import catalogue
from doorward.resources.event import DenialCode, Event, UnlockMethod

ACCOUNT, SYSTEM, THING = uuid4(), uuid4(), uuid4()
OCCASION = catalogue.Occasion(
    uuid4(),
    datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC),
    datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
)
AT_DOOR = catalogue.AtDoor(ACCOUNT, SYSTEM, THING)
ALWAYS = {"event_id", "event_type", "workspace_id", "created_at", "occurred_at"}

# Each event with what its type has beyond ALWAYS.
EVENTS: list[tuple[Event, str, dict[str, Any]]] = [
    (
        catalogue.lock_unlocked(OCCASION, AT_DOOR, "code"),
        "lock.unlocked",
        {"acs_entrance_id": THING, "method": "keycode"},
    ),
    (
        catalogue.lock_access_denied(OCCASION, AT_DOOR, "deny_no_access"),
        "lock.access_denied",
        {
            "acs_entrance_id": THING,
            "reason": {"message": "deny_no_access", "reason_code": "credential_error"},
        },
    ),
    (
        catalogue.acs_user_created(OCCASION, ACCOUNT, SYSTEM, THING),
        "acs_user.created",
        {"acs_user_id": THING},
    ),
    (
        catalogue.acs_credential_issued(OCCASION, ACCOUNT, SYSTEM, THING),
        "acs_credential.issued",
        {"acs_credential_id": THING},
    ),
    (
        catalogue.acs_entrance_added(OCCASION, ACCOUNT, SYSTEM, THING),
        "acs_entrance.added",
        {"acs_entrance_id": THING},
    ),
    (catalogue.acs_system_added(OCCASION, ACCOUNT, SYSTEM), "acs_system.added", {}),
    (catalogue.acs_system_connected(OCCASION, ACCOUNT, SYSTEM), "acs_system.connected", {}),
]


@pytest.mark.parametrize(
    ("event", "event_type", "more"), EVENTS, ids=[kind for _, kind, _ in EVENTS]
)
def test_fields(event: Event, event_type: str, more: dict[str, Any]) -> None:
    assert msgspec.to_builtins(event) == msgspec.to_builtins(
        {
            "event_id": OCCASION.event_id,
            "event_type": event_type,
            "workspace_id": OCCASION.workspace_id,
            "created_at": "2026-01-02T03:04:06.000Z",
            "occurred_at": "2026-01-02T03:04:05.678Z",
            "connected_account_id": ACCOUNT,
            "acs_system_id": SYSTEM,
            **more,
        }
    )


def test_an_account_has_no_system() -> None:
    event = catalogue.connected_account_connected(OCCASION, ACCOUNT)
    assert event.event_type == "connected_account.connected"
    assert set(msgspec.to_builtins(event)) == ALWAYS | {"connected_account_id"}


def test_who_it_was() -> None:
    user, identity = uuid4(), uuid4()
    at_door = catalogue.AtDoor(ACCOUNT, SYSTEM, THING, user, identity)
    event = catalogue.lock_unlocked(OCCASION, at_door, "card")
    assert (event.acs_user_id, event.user_identity_id) == (user, identity)


def test_each_occasion_has_an_id_of_its_own() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ids: set[UUID] = {catalogue.Occasion(THING, at, at).event_id for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("deny_unknown_credential", "unknown_code"),
        ("deny_credential_expired", "expired_code"),
        ("deny_expired", "expired_code"),
        ("deny_credential_lost", "blocklisted_code"),
        ("deny_credential_disabled", "blocklisted_code"),
        ("deny_too_many_attempts", "too_many_attempts"),
        ("deny_privacy_mode", "blocked_by_privacy_mode"),
        ("deny_suspended", "credential_error"),
        ("deny_anything_newer", "credential_error"),
    ],
)
def test_the_nearest_code(reason: str, code: DenialCode) -> None:
    assert catalogue.denial_code(reason) == code


def test_every_origin_has_a_method_of_the_api() -> None:
    assert set(catalogue.UNLOCK_METHODS.values()) <= set(get_args(UnlockMethod))
