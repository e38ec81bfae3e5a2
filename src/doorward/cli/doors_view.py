"""The live view of `doorward doors`: a table that is asked for twice a second, and its keys."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, RichLog, Static

from doorward.cli.choice import Choice, Option
from doorward.cli.door_rows import HEADER, row
from doorward.cli.http import Client, NoServer
from doorward.cli.lookup import list_doors, names_of
from doorward.cli.people import factors, membership_changes, people
from doorward.errors import StartError

_EVERY: Final = 0.5


class DoorsView(App[None]):
    """Every door of a workspace. Errors of the server are shown, and never end the view."""

    TITLE = "Doorward"
    CSS = """
    #status { padding: 0 1; height: 1; background: $surface; }
    #doors { height: 2fr; }
    #log { height: 1fr; border-top: solid $surface-lighten-2; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "present", "Present a card or code"),
        Binding("c", "cut", "Cut / restore the controller"),
        Binding("g", "groups", "Out of / into a group"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._doors: list[dict[str, Any]] = []
        self._names: dict[str, str] = {}
        self._status = Static(id="status", markup=False)
        self._table: DataTable[Text] = DataTable(id="doors", cursor_type="row", zebra_stripes=True)
        self._log_lines = RichLog(id="log", wrap=True)

    def compose(self) -> ComposeResult:
        """Status, table, and what the keys have done."""
        self._table.add_columns(*HEADER)
        yield from (self._status, self._table, self._log_lines)
        yield Footer()

    def on_mount(self) -> None:
        """Starts asking."""
        self._poll()
        self.set_interval(_EVERY, self._poll_unless_polling)

    def _poll_unless_polling(self) -> None:
        """Leaves a slow server the time to answer: a new poll would give up the one before."""
        if not any(worker.group == "poll" for worker in self.workers):
            self._poll()

    @work(exclusive=True, group="poll")
    async def _poll(self) -> None:
        try:
            await self._ask()
        except NoServer:
            self._show("no answer; what you see is old. Trying again …", "red")
        except StartError as error:
            self._show(str(error), "red")
        else:
            self._show(f"{len(self._doors)} entrances", "green")

    async def _ask(self) -> None:
        self._doors = await list_doors(self._client)
        reads = [door["last_read"] for door in self._doors if door["last_read"]]
        unknown = {read["acs_user_id"] for read in reads} - self._names.keys()
        self._names |= await names_of(self._client, unknown)

    def _show(self, status: str, style: str) -> None:
        # An answer may come when the view is being left, and what it has to show is gone.
        if not self._table.is_attached:
            return
        self._status.update(Text.assemble(f"{self._client.endpoint}  ", (status, style)))
        cursor = self._table.cursor_row
        self._table.clear()
        for door in self._doors:
            self._table.add_row(*row(door, self._names), key=door["acs_entrance_id"])
        self._table.move_cursor(row=cursor)

    def _selected(self) -> dict[str, Any] | None:
        cursor = self._table.cursor_row
        return self._doors[cursor] if cursor < len(self._doors) else None

    def action_present(self) -> None:
        """Asks whose card or code to present at the selected entrance."""
        if door := self._selected():
            self._try(lambda: self._present(door))

    def action_cut(self) -> None:
        """Cuts the selected entrance's controller off, or lets it back."""
        if door := self._selected():
            self._try(lambda: self._cut(door["controller"]))

    def action_groups(self) -> None:
        """Asks for a person and a group to take them out of or put them into."""
        self._try(self._change_group)

    @work(group="keys")
    async def _try(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except StartError as error:
            self._note(str(error), "red")
        self._poll()

    async def _present(self, door: dict[str, Any]) -> None:
        known = await factors(self._client)
        title = f"Present at {door['display_name']}"
        chosen = await self.push_screen_wait(Choice(title, known, _typed_factor))
        if chosen is None:
            return
        call = {"acs_entrance_id": door["acs_entrance_id"], **chosen.value}
        answer = await self._client.look("/doorward/doors/present", **call)
        decision = answer["decision"]
        style = "green" if decision["outcome"] == "allow" else "red"
        told = f"{decision['reason']}, rule {decision['rule']}"
        told += f", revision {decision['policy_revision']}"
        self._note(f"{door['display_name']}: {chosen.label}: {told}", style)

    async def _cut(self, controller: dict[str, Any]) -> None:
        is_held = not controller["is_held"]
        await self._client.call(
            "/doorward/simulate/hold_controller",
            controller_id=controller["controller_id"],
            is_held=is_held,
        )
        state = "cut off; it goes on deciding on what it holds" if is_held else "connected again"
        self._note(f"{controller['name']}: {state}", "yellow" if is_held else "green")

    async def _change_group(self) -> None:
        person = await self.push_screen_wait(Choice("Who?", await people(self._client)))
        if person is None:
            return
        changes = await membership_changes(self._client, person.value)
        change = await self.push_screen_wait(Choice(person.label, changes))
        if change is not None:
            path, parameters = change.value
            await self._client.call(path, **parameters)
            self._note(f"{person.label}: {change.label}", "cyan")

    def _note(self, text: str, style: str) -> None:
        self._log_lines.write(Text(text, style=style))


def _typed_factor(text: str) -> list[Option[dict[str, str]]]:
    """What a text could be that is on no list: a card, and of digits a code as well."""
    card = Option(f"card {text}", {"card_number": text})
    return [card, Option(f"code {text}", {"code": text})] if text.isdecimal() else [card]
