"""Presenting cards and codes at a test's doors, and saying what is expected of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from doorward.testing.site import Site


@dataclass(frozen=True, slots=True)
class Decision:
    """What a door answered.

    outcome: "allow", "deny" or "need". reason: such as "deny_no_access". rule: the rung of the
    ladder that decided. decided_at: by the workspace's time.
    """

    outcome: str
    reason: str
    rule: int
    cause: str | None
    acs_entrance_id: str
    acs_user_id: str | None
    acs_credential_id: str | None
    policy_revision: int
    decided_at: datetime


class Door:
    """The entrances of a test's server. They are named as in the site file, or by id."""

    def __init__(self, call: Callable[..., Any], site: Site) -> None:
        self._call = call
        self._site = site

    def present(
        self, entrance: str, *, card: str | None = None, code: str | None = None
    ) -> Decision:
        """Holds a card to the entrance's reader, or types a code; answers what the door decides.

        Raises KeyError for an entrance that there is not.
        """
        told = self._call(
            "/doorward/doors/present",
            acs_entrance_id=self._id(entrance),
            **{key: value for key, value in (("card_number", card), ("code", code)) if value},
        )["decision"]
        known = {each.name: told[each.name] for each in fields(Decision)}
        return Decision(**{**known, "decided_at": datetime.fromisoformat(told["decided_at"])})

    def opens(self, entrance: str, *, card: str | None = None, code: str | None = None) -> Decision:
        """Asserts that the door opens. The failure says why it did not."""
        __tracebackhide__ = True
        decision = self.present(entrance, card=card, code=code)
        if decision.outcome != "allow":
            raise AssertionError(self._told(decision, "was to open", card, code))
        return decision

    def refuses(
        self,
        entrance: str,
        because: str | None = None,
        *,
        card: str | None = None,
        code: str | None = None,
    ) -> Decision:
        """Asserts that the door stays shut, for a reason such as "deny_no_access", or for any."""
        __tracebackhide__ = True
        decision = self.present(entrance, card=card, code=code)
        if decision.outcome != "deny" or because not in {None, decision.reason}:
            wanted = f"was to refuse because of {because}" if because else "was to refuse"
            raise AssertionError(self._told(decision, wanted, card, code))
        return decision

    def _id(self, entrance: str) -> str:
        is_id = len(entrance) == 36 and entrance.count("-") == 4
        return entrance if is_id else self._site.entrances[entrance]

    def _told(self, decision: Decision, wanted: str, card: str | None, code: str | None) -> str:
        """What was expected, what came, and what leads there or does not."""
        where = self._site.name_of(decision.acs_entrance_id)
        shown = f"card {card}" if card else f"code {code}"
        whose = decision.acs_user_id and self._site.name_of(decision.acs_user_id)
        did = {"allow": "opened", "deny": "refused"}.get(decision.outcome, "asked for more")
        head = f"{where} {wanted} for {shown} ({whose or 'nobody that it knows'}), and {did}:"
        return "\n  ".join((f"{head} {decision.reason}", *self._why(decision)))

    def _why(self, decision: Decision) -> Iterator[str]:
        if decision.cause:
            yield f"cause: {decision.cause}"
        yield (
            f"rung {decision.rule} of the ladder decided, at {decision.decided_at.isoformat()}"
            f" by the workspace's time, on policy revision {decision.policy_revision}"
        )
        if decision.acs_user_id is not None:
            yield from self._paths(decision.acs_user_id, decision.acs_entrance_id)

    def _paths(self, acs_user_id: str, acs_entrance_id: str) -> Iterator[str]:
        explained = self._call(
            "/doorward/decisions/explain", acs_user_id=acs_user_id, acs_entrance_id=acs_entrance_id
        )["explanation"]
        for path in explained["paths"]:
            source = path["source"].replace("_", " ")
            times = f"from {path['starts_at'] or 'ever'} until {path['ends_at'] or 'ever'}"
            yield f"the {source} {path['name']!r} leads here, {times}"
        if not explained["paths"]:
            yield "no access group, credential or grant leads here"
