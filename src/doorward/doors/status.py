"""The doors of a workspace as they are now: what the database declares, what controllers see."""

from collections.abc import Mapping
from uuid import UUID

from doorward.doors import door
from doorward.doors.controller import Controller
from doorward.doors.door import Read
from doorward.errors import Unavailable
from doorward.resources.decision import Decision
from doorward.resources.door import ControllerStatus, Door, DoorWarning, LastRead
from doorward.resources.values import iso, iso_or_none
from doorward.store import controllers
from doorward.store.controllers import ControllerRow, EntranceRow
from doorward.store.database import Database

_UNSEEN = door.Door()


class StatusBoard:
    """Remembers what each workspace declared, so that its doors can be shown without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._declared: dict[UUID, list[EntranceRow]] = {}

    async def doors(self, workspace_id: UUID, running: Mapping[UUID, Controller]) -> list[Door]:
        """Every door of a workspace; doors whose controller runs elsewhere are shown locked.

        Raises `Unavailable` where PostgreSQL is away and was never asked for this workspace.
        """
        is_away = False
        try:
            rows = await controllers.list_entrances(self._database, workspace_id)
            self._declared[workspace_id] = rows
        except Unavailable:
            is_away = True
            if workspace_id not in self._declared:
                raise
        return [
            _door(row, running.get(row.controller.key.controller_id), is_away=is_away)
            for row in self._declared[workspace_id]
        ]


def _door(row: EntranceRow, controller: Controller | None, *, is_away: bool) -> Door:
    seen = controller.door(row.acs_entrance_id) if controller else _UNSEEN
    return Door(
        acs_entrance_id=row.acs_entrance_id,
        acs_system_id=row.controller.key.acs_system_id,
        display_name=row.display_name,
        is_locked=seen.is_locked,
        light=seen.light,
        last_read=_last_read(seen.last_read),
        controller=_controller(row.controller, controller, is_away=is_away),
        readers=row.readers,
        warnings=_warnings(controller.odds.one_in(row.acs_entrance_id) if controller else None),
    )


def _warnings(one_in: int | None) -> list[DoorWarning]:
    if one_in is None:
        return []
    message = (
        f"Whoever tries codes here all day finds one on 1 of {one_in} days, a slow keypad"
        " notwithstanding; give out longer codes, or fewer."
    )
    return [DoorWarning(warning_code="codes_can_be_guessed", message=message)]


def _controller(
    row: ControllerRow, controller: Controller | None, *, is_away: bool
) -> ControllerStatus:
    return ControllerStatus(
        controller_id=row.key.controller_id,
        name=row.name,
        is_connected=row.is_connected and not is_away,
        is_held=row.is_held,
        is_running_here=controller is not None and controller.follower.may_decide,
        confirmed_revision=row.confirmed.revision,
        confirmed_epoch=row.confirmed.epoch,
        last_contact_at=iso_or_none(row.last_contact_at),
    )


def decision(read: Read) -> Decision:
    """A decision as the API shows it."""
    made = read.decision
    return Decision(
        outcome=made.outcome,
        reason=made.reason,
        rule=made.rule,
        cause=made.cause,
        acs_entrance_id=made.acs_entrance_id,
        acs_user_id=made.acs_user_id,
        acs_credential_id=made.acs_credential_id,
        policy_revision=made.policy_revision,
        decided_at=iso(read.at),
    )


def _last_read(read: Read | None) -> LastRead | None:
    if read is None:
        return None
    made = read.decision
    return LastRead(
        at=iso(read.at),
        outcome=made.outcome,
        reason=made.reason,
        acs_user_id=made.acs_user_id,
        acs_credential_id=made.acs_credential_id,
        policy_revision=made.policy_revision,
    )
