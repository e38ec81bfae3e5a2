"""What a file must not do to the database it meets: take what is somebody else's, or move what
stays where it is.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from doorward.site.declaration import Declaration
from doorward.site.kinds import KINDS
from doorward.site.model import Site
from doorward.site.plan import Actual, Step
from doorward.site.problems import Problems
from doorward.store import bulk, site_objects
from doorward.store.bulk import Clash, Touched
from doorward.store.database import Connection
from doorward.store.links import CredentialEntrance, Membership
from doorward.store.people import Credential, Identity, User
from doorward.store.published import PublishedToken, tokens_elsewhere
from doorward.store.site_objects import SiteObject

T = TypeVar("T")

_SHARED_CODE: Final = "would open an entrance with a code that another person opens it with"


def check_fixed(
    declared: Iterable[Declaration],
    actual: Actual,
    memory: Iterable[SiteObject],
    problems: Problems,
) -> None:
    """Notes objects whose id or owner the file changes; both stay for life."""
    earlier = {(each.kind, each.key): each.ids for each in memory}
    for each in declared:
        name = f"{KINDS[each.kind].title} {each.key}"
        ids = earlier.get((each.kind, each.key), each.row.ids)
        if ids != each.row.ids:
            reason = f"{name} was declared with the id {ids[0]}; another one needs another key"
            problems.add(each.line, reason)
        row = actual.get(each.address)
        for field in KINDS[each.kind].fixed & set(_names(row)):
            if getattr(row, field) != getattr(each.row, field):
                problems.add(each.line, f"{name} is there with another {field}, which stays")


def _names(row: object) -> Iterable[str]:
    return getattr(row, "__dataclass_fields__", ())


async def check_taken(
    connection: Connection, workspace_id: UUID, steps: Sequence[Step], problems: Problems
) -> None:
    """Notes values of new and changed objects that must be unique and are somebody else's."""
    changed = [step for step in steps if step.action in ("create", "update")]
    given_up = {step.ids[0] for step in steps if step.action == "delete"}
    check = _Taken(connection, workspace_id, given_up, problems)
    await check.numbers(_of(changed, Credential))
    await check.addresses(_of(changed, Identity))
    await check.identities(_of(changed, User))
    await check.tokens(_of(changed, PublishedToken))


_OPENING: Final = frozenset({"membership", "credential", "credential_entrance"})


async def meeting_codes(
    connection: Connection, workspace_id: UUID, steps: Iterable[Step]
) -> set[Clash]:
    """Where equal codes open one entrance now, as far as the steps have to do with it."""
    changed = [step for step in steps if step.action in ("create", "update")]
    touched: Touched | None = None
    if not any(step.kind == "access_group_entrance" for step in changed):
        rows = [step.row for step in changed if step.kind in _OPENING]
        if not rows:
            return set()
        touched = Touched(
            [row.acs_user_id for row in rows if isinstance(row, Membership)],
            [row.ids[0] for row in rows if isinstance(row, Credential | CredentialEntrance)],
        )
    return await bulk.clashing_codes(connection, workspace_id, touched)


def check_codes(site: Site, made: Iterable[Clash], problems: Problems) -> None:
    """Notes codes that the steps have let open an entrance which another person's equal code
    opens. A door could not tell the two apart.
    """
    clashing = {each for clash in made for each in clash.acs_credential_ids}
    lines = {entry.acs_credential_id: entry for entry in site.credentials.values()}
    declared = [lines[each] for each in clashing if each in lines]
    for entry in declared:
        problems.add(entry.line, f"users.{entry.key}: {_SHARED_CODE}")
    if clashing and not declared:
        problems.add(site.workspace.line, f"of two people, one {_SHARED_CODE}")


def _of(steps: Iterable[Step], row_type: type[T]) -> list[tuple[Step, T]]:
    return [(step, step.row) for step in steps if isinstance(step.row, row_type)]


class _Taken:
    def __init__(
        self,
        connection: Connection,
        workspace_id: UUID,
        given_up: set[UUID],
        problems: Problems,
    ) -> None:
        self._connection = connection
        self._workspace_id = workspace_id
        self._given_up = given_up
        self._problems = problems

    async def numbers(self, found: Sequence[tuple[Step, Credential]]) -> None:
        lookups = [row.lookup for _, row in found if row.lookup]
        taken = await site_objects.numbers_taken(self._connection, self._workspace_id, lookups)
        owners = {(system, lookup): owner for system, lookup, owner in taken}
        for step, row in found:
            owner = owners.get((row.acs_system_id, row.lookup or b""))
            self._check(step, owner, f"this {row.access_method} is already credential")

    async def addresses(self, found: Sequence[tuple[Step, Identity]]) -> None:
        taken = await site_objects.identities_taken(
            self._connection,
            self._workspace_id,
            keys=[row.user_identity_key for _, row in found if row.user_identity_key],
            emails=[row.email_address.lower() for _, row in found if row.email_address],
            phones=[row.phone_number for _, row in found if row.phone_number],
        )
        owners = {(what, value): owner for what, value, owner in taken}
        for step, row in found:
            values: dict[str, Any] = {
                "user_identity_key": row.user_identity_key,
                "email": row.email_address and row.email_address.lower(),
                "phone": row.phone_number,
            }
            for what, value in values.items():
                self._check(step, owners.get((what, value)), f"this {what} is already of identity")

    async def identities(self, found: Sequence[tuple[Step, User]]) -> None:
        ids = [row.user_identity_id for _, row in found if row.user_identity_id]
        taken = await site_objects.users_of_identities(self._connection, self._workspace_id, ids)
        owners = {(identity, system): owner for identity, system, owner in taken}
        for step, row in found:
            owner = owners.get((row.user_identity_id or UUID(int=0), row.acs_system_id))
            self._check(step, owner, "this identity already has user")

    async def tokens(self, found: Sequence[tuple[Step, PublishedToken]]) -> None:
        hashes = [row.hash for _, row in found]
        elsewhere = await tokens_elsewhere(self._connection, self._workspace_id, hashes)
        for step, row in found:
            if row.hash in elsewhere:
                self._problems.add(step.line, f"token {step.key} belongs to another workspace")

    def _check(self, step: Step, owner: UUID | None, reason: str) -> None:
        if owner not in (None, step.ids[0], *self._given_up):
            name = f"{KINDS[step.kind].title} {step.key}"
            self._problems.add(step.line, f"{name}: {reason} {owner}")
