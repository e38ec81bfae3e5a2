"""A plan in words: a line for each change, and one that sums up. It tells no personal value."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from doorward.site.kinds import KINDS
from doorward.site.plan import Action, Step

_SUMMARY: Final[tuple[tuple[Action, str, str], ...]] = (
    ("create", "created", "to create"),
    ("update", "changed", "to change"),
    ("delete", "deleted", "to delete"),
    ("drift", "drifted", "drifted"),
    ("leftover", "no longer in the file", "no longer in the file"),
)
_CHANGES: Final = frozenset({"create", "update", "delete"})


@dataclass(frozen=True, slots=True)
class Report:
    """What an apply did, or with `is_plan` would do."""

    steps: tuple[Step, ...]
    is_plan: bool

    @property
    def has_changes(self) -> bool:
        """Whether anything is created, changed or deleted; drift alone is no change."""
        return any(step.action in _CHANGES for step in self.steps)

    def lines(self) -> Iterator[str]:
        """What to print, the summary last."""
        for step in self.steps:
            text = _text(step)
            if text:
                yield text
        yield self.summary()

    def summary(self) -> str:
        """One line with the numbers of each."""
        counts = Counter(step.action for step in self.steps)
        parts = [
            f"{counts[action]} {planned if self.is_plan else done}"
            for action, done, planned in _SUMMARY
            if counts[action]
        ]
        if not self.has_changes:
            parts.insert(0, "nothing to change")
        return ", ".join(parts)


def _text(step: Step) -> str:
    name = f"{KINDS[step.kind].title if step.kind in KINDS else step.kind} {step.key}".rstrip()
    match step.action:
        case "create":
            return f"+ {name}" + (f" ({step.note})" if step.note else "")
        case "update":
            return f"~ {name}: {', '.join(_change(step, field) for field in step.names)}"
        case "delete":
            return f"- {name}"
        case "drift":
            names = f" ({', '.join(step.names)})" if step.names else ""
            return f"! drift: {name}: {step.note}{names}; --grant-again puts it back"
        case "leftover":
            return f"- {name}: no longer in the file; kept, --prune deletes it"
        case _:
            return ""


def _change(step: Step, field: str) -> str:
    """A structure's texts and numbers as they were and will be; of people only the field's name."""
    before, after = getattr(step.old, field), getattr(step.row, field)
    is_structure = step.kind not in KINDS or KINDS[step.kind].is_structure
    if not is_structure or isinstance(after, UUID):
        return field
    return f"{field} {before} -> {after}"
