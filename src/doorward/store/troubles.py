"""What systems with lists of their own do not take, as the API's errors and warnings say it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import asyncpg

from doorward.resources.pending_mutation import Creating, Deleting
from doorward.resources.provider import NATIVE
from doorward.resources.values import ErrorEntry, WarningEntry, iso

_REASONS: Final[Mapping[str, str]] = {
    "acs_system_disconnected": "The access system is disconnected.",
    "deleted_externally": "Somebody else deleted it at the access system; it is put there again.",
    "failed_to_create_on_acs_system": "The access system refuses to take it; Doorward goes on"
    " trying, more and more seldom.",
    "failed_to_update_on_acs_system": "The access system refuses the change; Doorward goes on"
    " trying, more and more seldom.",
    "failed_to_delete_on_acs_system": "The access system refuses to give it up; Doorward goes on"
    " trying, more and more seldom.",
    "provider_service_unavailable": "The access system does not answer; Doorward goes on trying.",
    "salto_ks_subscription_limit_exceeded": "The site has no place left for another user.",
    "visionline_instance_unreachable": "The Visionline server does not answer; Doorward goes on"
    " trying.",
}
_COMING: Final = "The access system has still to confirm that it has taken this."
_LEAVING: Final = "The access system has still to confirm that it has let go of this."
_IS_WRONG: Final = "x.error_since is not null"
_CROWDED: Final = "More than four fifths of the places for users are taken."
_STUCK: Final = (
    "The access system says that it has done what it was asked, and has not; Doorward has stopped"
    " repeating itself and looks again from time to time."
)


def of(row: str, object_id: str) -> str:
    """A lateral subquery of an object's troubles, in arrays side by side; null for none. And
    is_taken: whether its system was ever seen to have it.

    row: the object's alias, with workspace_id and acs_system_id. object_id: its id's column.
    `errors`, `warnings` and `passages` read it.
    """
    return f"""(
  select array_agg(x.error_code order by x.error_since) filter (where {_IS_WRONG}) trouble_codes,
    array_agg(x.error_since order by x.error_since) filter (where {_IS_WRONG}) troubled_since,
    array_agg(x.is_stuck order by x.error_since) filter (where {_IS_WRONG}) are_stuck,
    coalesce(bool_or(x.kind <> 'membership' and x.confirmed_revision is not null), false) is_taken
  from external_object x
  where x.workspace_id = {row}.workspace_id and x.acs_system_id = {row}.acs_system_id
    and x.object_id = {row}.{object_id}
)"""  # noqa: S608


def errors(row: asyncpg.Record) -> list[ErrorEntry]:
    """The errors of a row with the columns of `of`, each code once."""
    found: dict[str, ErrorEntry] = {}
    for code, since in zip(row["trouble_codes"] or (), row["troubled_since"] or (), strict=True):
        if code is not None:
            found.setdefault(code, error(code, iso(since)))
    return [*found.values()]


def error(error_code: str, since: str) -> ErrorEntry:
    """An error that holds since an instant."""
    return ErrorEntry(created_at=since, error_code=error_code, message=_REASONS[error_code])


def crowded(warning_code: str, since: str) -> WarningEntry:
    """The warning of a system that has few places left since an instant."""
    return WarningEntry(created_at=since, message=_CROWDED, warning_code=warning_code)


def warnings(row: asyncpg.Record, warning_code: str) -> Iterator[WarningEntry]:
    """One warning, or none, of a row with the columns of `of`: its circuit breaker is open."""
    for since, is_stuck in zip(row["troubled_since"] or (), row["are_stuck"] or (), strict=True):
        if is_stuck:
            yield WarningEntry(created_at=iso(since), message=_STUCK, warning_code=warning_code)
            return


def passages(row: asyncpg.Record) -> Iterator[Creating | Deleting]:
    """What a system with a list of its own has still to take, or to let go of.

    Of rows with the columns of `of`, `system_type` and `deleted_at`.
    """
    if row["deleted_at"] is not None:
        yield Deleting(created_at=iso(row["deleted_at"]), message=_LEAVING)
    elif row["is_managed"] and row["system_type"] != NATIVE.external_type and not row["is_taken"]:
        yield Creating(created_at=iso(row["created_at"]), message=_COMING)


def leaving(row: asyncpg.Record) -> list[WarningEntry]:
    """The warning of what was deleted and is still there."""
    if row["deleted_at"] is None:
        return []
    since = iso(row["deleted_at"])
    return [WarningEntry(created_at=since, message=_LEAVING, warning_code="being_deleted")]


def ours(row: str) -> str:
    """A condition on a row, by its alias: managed here, or so until it was deleted."""
    return f"{row}.is_managed or {row}.deleted_at is not null"


def others(row: str) -> str:
    """A condition on a row, by its alias: what another system manages."""
    return f"not {row}.is_managed and {row}.deleted_at is null"


def is_ours(row: asyncpg.Record) -> Any:
    """What `ours` is, of a row that was read."""
    return row["is_managed"] or row["deleted_at"] is not None
