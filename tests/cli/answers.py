"""Answers of a server with two doors, for the fake one."""

from typing import Any

FRONT = "f2f6a1f0-6c38-4a3f-8a0b-5f54a9a6b001"
LAB = "f2f6a1f0-6c38-4a3f-8a0b-5f54a9a6b002"
CONTROLLER = "f2f6a1f0-6c38-4a3f-8a0b-5f54a9a6b0c0"
SYSTEM = "f2f6a1f0-6c38-4a3f-8a0b-5f54a9a6b0d0"
JANE = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"
JOHN = "8d7e0b3a-b889-49a7-9164-4b71a0506a34"
STAFF = "123e4567-e89b-12d3-a456-426614174000"
CARD = "0a9b3d6e-2f0e-4c53-a1b2-93b8a6c1d001"
AT = "2026-01-31T08:00:00.000Z"


def decision(outcome: str, reason: str, rule: int, **more: Any) -> dict[str, Any]:
    """An answer of /doorward/doors/present."""
    told = {
        "outcome": outcome,
        "reason": reason,
        "rule": rule,
        "cause": None,
        "acs_entrance_id": FRONT,
        "acs_user_id": JANE,
        "acs_credential_id": CARD,
        "policy_revision": 12,
        "decided_at": AT,
    }
    return {"decision": told | more, "ok": True}


def user(acs_user_id: str = JANE, name: str = "Jane Doe") -> dict[str, Any]:
    """A person, as far as the command looks."""
    email = f"{name.split(' ', maxsplit=1)[0].lower()}@example.com"
    return {
        "acs_user_id": acs_user_id,
        "acs_system_id": SYSTEM,
        "display_name": name,
        "email_address": email,
    }


def door(acs_entrance_id: str, name: str, **more: Any) -> dict[str, Any]:
    """A locked door that nobody has been at."""
    told = {
        "acs_entrance_id": acs_entrance_id,
        "acs_system_id": SYSTEM,
        "display_name": name,
        "is_locked": True,
        "light": "off",
        "last_read": None,
        "controller": controller(),
        "readers": [],
        "warnings": [],
    }
    return told | more


def controller(**more: Any) -> dict[str, Any]:
    """A controller that is well."""
    told = {
        "controller_id": CONTROLLER,
        "name": "Ground floor",
        "is_connected": True,
        "is_held": False,
        "is_running_here": True,
        "confirmed_revision": 12,
        "confirmed_epoch": 1,
        "last_contact_at": AT,
    }
    return told | more


def last_read(outcome: str, reason: str) -> dict[str, Any]:
    """Jane at a door."""
    return {
        "at": AT,
        "outcome": outcome,
        "reason": reason,
        "acs_user_id": JANE,
        "acs_credential_id": CARD,
        "policy_revision": 12,
    }


def doors(*found: dict[str, Any]) -> dict[str, Any]:
    """An answer of /doorward/doors/list."""
    return {"doors": list(found), "ok": True}
