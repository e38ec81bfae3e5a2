"""Wrong codes at a controller's readers, and how long codes are not listened to there.

Counted in memory before anybody is answered, so that guesses at once are as many guesses, and
written together with the refusal that they are. What the server has heard of them, from here or
from who decided here before, counts too.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from doorward.doors.disk import Observed
from doorward.policy.model import Decision, Request
from doorward.policy.throttle import Attempts, after_wrong, is_wrong_code, stricter


class Keypads:
    """The wrong codes of each reader; readers without any are not in here."""

    def __init__(self) -> None:
        self._attempts: dict[UUID, Attempts] = {}

    def load(self, observed: Observed) -> None:
        """Takes a reader's wrong codes from disk."""
        self._attempts[observed.key] = msgspec.json.decode(observed.body, type=Attempts)

    def remembered(self, reader_id: UUID) -> Attempts:
        """What one keypad remembers."""
        return self._attempts.get(reader_id, Attempts())

    def hear(self, handed_in: Mapping[UUID, Attempts]) -> Sequence[Observed]:
        """Takes what the server knows of keypads, beside what they remember here; answers what is
        new.
        """
        known = {id_: self.remembered(id_) for id_ in handed_in}
        merged = {id_: stricter(old, handed_in[id_]) for id_, old in known.items()}
        return [self._keep(id_, new) for id_, new in merged.items() if new != known[id_]]

    def blocked_until(self, reader_id: UUID | None) -> int | None:
        """Until when a reader does not listen to codes, in milliseconds since 1970."""
        attempts = None if reader_id is None else self._attempts.get(reader_id)
        return None if attempts is None else attempts.blocked_until

    def follow(self, request: Request, decision: Decision, now: int) -> Observed | None:
        """Counts a wrong code, at an instant in milliseconds since 1970."""
        if request.reader_id is None or not is_wrong_code(request.origin, decision):
            return None
        attempts = after_wrong(self.remembered(request.reader_id), now)
        return self._keep(request.reader_id, attempts)

    def _keep(self, reader_id: UUID, attempts: Attempts) -> Observed:
        self._attempts[reader_id] = attempts
        return Observed("keypad", reader_id, msgspec.json.encode(attempts))
