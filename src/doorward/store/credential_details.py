"""What only Doorward knows of a credential: its state with who and why, its uses, its entrances."""

from typing import Final
from uuid import UUID

from doorward.resources.enrollment import CredentialDetails
from doorward.resources.values import iso_or_none
from doorward.store.credential_uses import use_count
from doorward.store.select import Source

_FIND: Final = """
select c.*, array(select k.acs_entrance_id from credential_entrance k
  where k.workspace_id = c.workspace_id and k.acs_credential_id = c.acs_credential_id
    and k.is_desired order by k.revision) as entrances
from acs_credential c where c.workspace_id = $1 and c.acs_credential_id = $2 and c.is_managed"""


async def get(
    source: Source, workspace_id: UUID, acs_credential_id: UUID
) -> CredentialDetails | None:
    """A credential, None for an unknown id and for an unmanaged one."""
    row = await source.fetchrow(_FIND, workspace_id, acs_credential_id)
    if row is None:
        return None
    return CredentialDetails(
        acs_credential_id=row["acs_credential_id"],
        acs_system_id=row["acs_system_id"],
        acs_user_id=row["acs_user_id"],
        access_method=row["access_method"],
        allowed_acs_entrance_ids=row["entrances"],
        code_length=row["code_length"],
        is_issued=row["issued_at"] is not None,
        state=row["state"],
        state_changed_at=iso_or_none(row["state_changed_at"]),
        state_changed_by=row["state_changed_by"],
        state_reason=row["state_reason"],
        use_count=use_count(row["uses"]),
        use_limit=row["use_limit"],
    )
