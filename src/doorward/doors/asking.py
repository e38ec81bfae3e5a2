"""What callers of the API ask of doors: present, unlock from afar, wait for a card."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from uuid import UUID

from doorward.doors import status
from doorward.doors.controller import Controller, controller_not_here
from doorward.doors.virtual import VirtualReader
from doorward.errors import Unavailable, decided_elsewhere, invalid_input, not_found
from doorward.policy.shown import Take
from doorward.resources.decision import Decision
from doorward.store import controllers
from doorward.store.database import Database


class Asking(ABC):
    """Finds the controller that decides at an entrance, and asks it.

    Everything here raises ApiError: 404 for an entrance unknown in this workspace, 400 where
    another system decides, 503 where its controller cannot decide here; `Unavailable` where
    PostgreSQL is away and no controller here knows the entrance.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def present(
        self,
        workspace_id: UUID,
        acs_entrance_id: UUID,
        *,
        card_number: str | None = None,
        code: str | None = None,
        reader_id: UUID | None = None,
    ) -> Decision:
        """Presents a card or else a code at a virtual reader of an entrance.

        Answers the decision, which is on disk by then. reader_id None: the entrance's first virtual
        reader, entry readers before others. Raises ApiError 404 `reader_not_found`, 400 where the
        reader is none that can be tried so.
        """
        controller = await self._find(workspace_id, acs_entrance_id)
        readers = controller.attached(acs_entrance_id, VirtualReader, reader_id)
        if not readers:
            raise invalid_input("there is no such virtual reader to present a credential to")
        if card_number is not None:
            read = await readers[0].present_card(card_number)
        elif code is not None:
            read = await readers[0].present_code(code)
        else:
            raise invalid_input("card_number or code is required")
        return status.decision(read)

    async def unlock(
        self,
        workspace_id: UUID,
        acs_entrance_id: UUID,
        acs_credential_id: UUID,
        *,
        deadline: float,
    ) -> Decision:
        """Opens an entrance once for a credential named by its id, if the ladder allows.

        deadline: in real seconds since 1970; raises TooLate instead of opening later.
        """
        controller = await self._find(workspace_id, acs_entrance_id)
        return status.decision(
            await controller.unlock(acs_entrance_id, acs_credential_id, deadline)
        )

    async def await_card(
        self,
        workspace_id: UUID,
        acs_entrance_id: UUID,
        reader_id: UUID | None,
        timeout: float,
        take: Take,
    ) -> bool:
        """Offers `take` the cards that a reader does not know; False after `timeout` seconds.

        reader_id None: the entrance's first reader, entry readers before others. Raises ApiError
        404 `reader_not_found`, and what `take` raises.
        """
        controller = await self._find(workspace_id, acs_entrance_id)
        for reader in controller.readers(acs_entrance_id):
            if reader_id in (None, reader.reader_id):
                return await controller.expecting.card(reader.reader_id, timeout, take)
        raise not_found("reader")

    async def _find(self, workspace_id: UUID, acs_entrance_id: UUID) -> Controller:
        running = self._running(workspace_id)
        knowing = [each for each in running if each.has_entrance(acs_entrance_id)]
        for controller in knowing:
            if await controller.may_decide():
                return controller
        try:
            decides = await controllers.decides_at(self._database, workspace_id, acs_entrance_id)
        except Unavailable:
            if not knowing:
                raise
            decides = True
        if decides is None:
            raise not_found("acs_entrance")
        raise controller_not_here() if decides else decided_elsewhere()

    @abstractmethod
    def _running(self, workspace_id: UUID) -> Sequence[Controller]:
        """The controllers of a workspace that this process runs."""
