"""What of a workspace an end user's session may see."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sight:
    """The accounts, the person or the customer that a client session is for (seam-api 1.1, 1.2).

    customer_key: the session is a customer's, and sees what has this key. is_read_only: of its
    calls only those that change nothing are answered.
    """

    connected_account_ids: tuple[UUID, ...] = ()
    user_identity_id: UUID | None = None
    customer_key: str | None = None
    is_read_only: bool = False
