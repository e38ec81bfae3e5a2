"""A dialog of the live view: a list to choose from, narrowed by what is typed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """Something to choose: how it reads, and what it means."""

    label: str
    value: T


class Choice(ModalScreen[Option[T] | None], Generic[T]):
    """Asks for one of the options. `typed` makes further ones out of what was typed."""

    CSS = """
    Choice { align: center middle; }
    Choice Vertical { width: 76; max-width: 95%; height: 24; max-height: 90%;
                      border: round $primary; padding: 0 1; background: $surface; }
    Choice OptionList { height: 1fr; border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
    ]

    def __init__(
        self,
        title: str,
        options: Sequence[Option[T]],
        typed: Callable[[str], Sequence[Option[T]]] | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._options = options
        self._typed = typed
        self._shown: Sequence[Option[T]] = options

    def compose(self) -> ComposeResult:
        """A title, a line to type in, the options."""
        with Vertical():
            yield Static(self._title, markup=False)
            yield Input(placeholder="type to narrow the list; Enter takes the marked line")
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Shows every option."""
        self._narrow("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Shows the options that have what was typed."""
        self._narrow(event.value.strip())

    def on_input_submitted(self) -> None:
        """Takes the marked option."""
        self._take(self.query_one(OptionList).highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Takes the option that was clicked."""
        self._take(event.option_index)

    def action_move(self, by: int) -> None:
        """Moves the mark while the cursor stays in the input."""
        options = self.query_one(OptionList)
        last = len(self._shown) - 1
        options.highlighted = max(0, min(last, (options.highlighted or 0) + by))

    def action_leave(self) -> None:
        """Leaves without a choice."""
        self.dismiss(None)

    def _narrow(self, text: str) -> None:
        found = [one for one in self._options if text.casefold() in one.label.casefold()]
        more = self._typed(text) if self._typed and text else ()
        self._shown = [*found, *more]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([one.label for one in self._shown])
        options.highlighted = 0 if self._shown else None

    def _take(self, index: int | None) -> None:
        if index is not None and index < len(self._shown):
            self.dismiss(self._shown[index])
