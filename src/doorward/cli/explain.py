"""`doorward explain`: the ladder of a decision, rung by rung, now or in the past."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from cyclopts import App, Parameter
from rich.text import Text

from doorward.cli.http import connect
from doorward.cli.lookup import entrance_id, names_of, user_id
from doorward.cli.output import say, table
from doorward.errors import UsageError

app = App(
    name="explain",
    help_epilogue="""\
With --at, the policy of that time decides. A time without an offset is in this
machine's time zone.

Example:  doorward explain --user jane@example.com --entrance "Front Door"
          doorward explain --user Jane --entrance Lab --at 2026-01-31T08:00""",
)

_STYLES: Final = {"allow": "green", "deny": "red", "need": "yellow"}


@app.default
async def explain(
    *,
    user: Annotated[str, Parameter(help="An id, or an e-mail address or name of one person.")],
    entrance: Annotated[str, Parameter(help="Its id or display name.")],
    at: Annotated[str | None, Parameter(help="An instant in ISO 8601; otherwise now.")] = None,
) -> None:
    """Explains what an entrance would answer to somebody."""
    when = {} if at is None else {"at": _instant(at)}
    async with connect() as client:
        where = await entrance_id(client, entrance)
        who = await user_id(client, user, where)
        answer = await client.look(
            "/doorward/decisions/explain", acs_user_id=who, acs_entrance_id=where, **when
        )
        names = await names_of(client, [who])
    for line in _told(answer["explanation"], names.get(who, who), entrance):
        say(line)


def _instant(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at takes a time such as 2026-01-31T08:00, not {text!r}") from None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _told(explanation: dict[str, Any], who: str, where: str) -> list[Text]:
    return [
        _verdict(explanation, who, where),
        Text(),
        *table(("RULE", "NAME", "VERDICT", "REASON", "DETAIL"), _rungs(explanation)),
        Text(),
        *_paths(explanation["paths"]),
    ]


def _verdict(explanation: dict[str, Any], who: str, where: str) -> Text:
    return Text.assemble(
        f"{who} at {where}: ",
        (explanation["reason"], _STYLES[explanation["outcome"]]),
        f", rule {explanation['rule']}, policy revision {explanation['policy_revision']}",
        f", {explanation['at']}",
    )


def _rungs(explanation: dict[str, Any]) -> list[list[str | Text]]:
    style = _STYLES[explanation["outcome"]]
    return [
        [
            str(rung["rule"]),
            rung["name"],
            Text(rung["verdict"], style=style if rung["verdict"] == "decides" else ""),
            rung["reason"] or "",
            rung["detail"] or "",
        ]
        for rung in explanation["rungs"]
    ]


def _paths(paths: list[dict[str, Any]]) -> list[Text]:
    if not paths:
        return [Text("No path leads here.")]
    rows = [(path["source"], path["name"], path["source_id"], _window(path)) for path in paths]
    return table(("PATH", "NAME", "ID", "OPEN"), rows)


def _window(path: dict[str, Any]) -> str:
    starts, ends = path["starts_at"], path["ends_at"]
    words = [f"from {starts}" if starts else "", f"until {ends}" if ends else ""]
    return " ".join(filter(None, words)) or "always"
