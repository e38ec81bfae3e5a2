"""/doorward/doors: presenting credentials at virtual readers, and how the doors are."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from doorward.api.parameters import AcsEntranceId, ReaderId
from doorward.api.requests import NoParameters, exactly_one, or_none
from doorward.api.services import Services
from doorward.resources.decision import Decision
from doorward.resources.door import Door
from doorward.wire.route import Call, Route

CardNumber = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=100,
        description="The card's number, as readers tell it.",
        extra_json_schema={"example": "42-10001"},
    ),
]
Code = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, description="The code typed at the keypad.")
]


class Present(msgspec.Struct):
    """A card or a code at an entrance; a text that is no card is a card that cannot be read."""

    acs_entrance_id: AcsEntranceId
    card_number: CardNumber | UnsetType = UNSET
    code: Code | UnsetType = UNSET
    reader_id: ReaderId | UnsetType = UNSET

    def check(self) -> list[str]:
        """One read is one card or one code."""
        return exactly_one(self, "card_number", "code")


async def present(call: Call[Services], request: Present) -> Decision:
    """What the door answers."""
    return await call.services.doors.present(
        call.workspace_id,
        request.acs_entrance_id,
        card_number=or_none(request.card_number),
        code=or_none(request.code),
        reader_id=or_none(request.reader_id),
    )


async def list_doors(call: Call[Services], _request: NoParameters) -> list[Door]:
    """Every door of the workspace."""
    return [*await call.services.doors.status(call.workspace_id)]


ROUTES = (
    Route(
        path="/doorward/doors/present",
        verbs=("POST",),
        request=Present,
        handler=present,
        summary="Present a card or a code at an entrance's virtual reader",
        response_key="decision",
        resource=Decision,
        scope="doors",
        refuses=("controller_disk_failed", "controller_not_here"),
    ),
    Route(
        path="/doorward/doors/list",
        verbs=("GET", "POST"),
        request=NoParameters,
        handler=list_doors,
        summary="List the doors with lock, light, last read and controller",
        response_key="doors",
        resource=Door,
        is_list=True,
        scope="doors",
    ),
)
