"""The events that have to be told, in full but for their own id and times, from the model."""

from collections.abc import Iterable
from typing import Any

from tests.stateful.model import Model
from tests.stateful.site import Event

# The nearest word of the API for a reason of ours; for all others it is the credential's fault.
_CODES = {
    "deny_unknown_credential": "unknown_code",
    "deny_expired": "expired_code",
    "deny_credential_expired": "expired_code",
    "deny_credential_disabled": "blocklisted_code",
    "deny_credential_lost": "blocklisted_code",
    "deny_too_many_attempts": "too_many_attempts",
}
_METHODS = {"card": "card", "code": "keycode", "cloud_key": "remote"}


class Telling:
    """What every event of a site names beside its subject."""

    def __init__(self, workspace_id: str, accounts: dict[str, str]) -> None:
        self._workspace_id = workspace_id
        self._accounts = accounts
        # The system of everything that there ever was: what is gone is told of too.
        self._systems: dict[str, str] = {}

    def know(self, model: Model) -> None:
        """Remembers what belongs to which system."""
        for things in (model.people, model.credentials, model.groups, model.entrances):
            self._systems.update({id_: thing.system for id_, thing in things.items()})

    def of(self, event_type: str, id_: str) -> Event:
        """What an event about something in a system says."""
        subject, _, _ = event_type.partition(".")
        return self._event(event_type, self._systems[id_], {f"{subject}_id": id_})

    def attempt(self, attempt: Any, system: str) -> Event:
        """What the end of an attempt to unlock a door says."""
        is_success = attempt["status"] == "success"
        return {
            "event_type": f"action_attempt.unlock_door.{'succeeded' if is_success else 'failed'}",
            "workspace_id": self._workspace_id,
            "connected_account_id": self._accounts[system],
            "action_attempt_id": attempt["action_attempt_id"],
            "action_type": "UNLOCK_DOOR",
            "status": attempt["status"],
        }

    def at_door(
        self, model: Model, method: str, entrance: str, reason: str, credential: str
    ) -> Event:
        """What a decision says; credential: the one that it was taken for, or ""."""
        holder = model.credentials.get(credential)
        person = None if holder is None else holder.person
        ids = {"acs_entrance_id": entrance}
        if person is not None:
            identity = model.people[person].identity
            ids |= {"acs_user_id": person} | ({"user_identity_id": identity} if identity else {})
        system = model.entrances[entrance].system
        if reason == "allow":
            return self._event("lock.unlocked", system, ids) | {"method": _METHODS[method]}
        nearest = {"message": reason, "reason_code": _CODES.get(reason, "credential_error")}
        return self._event("lock.access_denied", system, ids) | {"reason": nearest}

    def _event(self, event_type: str, system: str, ids: dict[str, str]) -> Event:
        return {
            "event_type": event_type,
            "workspace_id": self._workspace_id,
            "connected_account_id": self._accounts[system],
            "acs_system_id": system,
            **ids,
        }


def in_order(events: Iterable[Event]) -> list[str]:
    """Events without their own id and times, so that they can be compared."""
    own = {"event_id", "created_at", "occurred_at"}
    return sorted(str(sorted((k, str(v)) for k, v in e.items() if k not in own)) for e in events)
