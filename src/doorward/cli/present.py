"""`doorward present`: a card or a code at an entrance, as if somebody stood there."""

from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from doorward.cli.http import connect
from doorward.cli.lookup import entrance_id, names_of
from doorward.cli.output import say
from doorward.errors import UsageError

STAYS_SHUT: Final = 3

app = App(
    name="present",
    help_epilogue="""\
Only virtual readers can be tried in this way.
Exit code 0: the door opens, 3: it stays shut.

Example:  doorward present --entrance "Front Door" --card 42-12345""",
)


@app.default
async def present(
    *,
    entrance: Annotated[str, Parameter(help="Its id or display name.")],
    card: Annotated[str | None, Parameter(help="42-12345, or a serial number in hex.")] = None,
    code: Annotated[str | None, Parameter(help="The digits that are entered.")] = None,
    reader: Annotated[
        str | None, Parameter(help="Its id, where it is not the entrance's first.")
    ] = None,
) -> int:
    """Presents one card or one code."""
    if (card is None) == (code is None):
        raise UsageError("give either --card or --code")
    read = {"card_number": card} if code is None else {"code": code}
    if reader is not None:
        read["reader_id"] = reader
    async with connect() as client:
        where = await entrance_id(client, entrance)
        answer = await client.look("/doorward/doors/present", acs_entrance_id=where, **read)
        decision = answer["decision"]
        who = decision["acs_user_id"]
        names = await names_of(client, [who])
    for line in _told(decision, entrance, f"{names.get(who, '')} {who or 'nobody known'}".strip()):
        say(line)
    return 0 if decision["outcome"] == "allow" else STAYS_SHUT


def _told(decision: dict[str, Any], entrance: str, who: str) -> list[str]:
    cause = f" ({decision['cause']})" if decision.get("cause") else ""
    reason = f"{decision['reason']}{cause}"
    return [
        f"{reason}, rule {decision['rule']}, policy revision {decision['policy_revision']}",
        f"{entrance}, {who}, {decision['decided_at']}",
    ]
