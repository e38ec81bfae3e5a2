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

    def has_account(self, connected_account_id: UUID, customer_key: str | None) -> bool:
        """Whether it shows all that belongs to an account of this id and customer."""
        is_of_customer = self.customer_key is not None and self.customer_key == customer_key
        return is_of_customer or connected_account_id in self.connected_account_ids
