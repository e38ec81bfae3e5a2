"""What happens at doors and to the server."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.stateful.driver import CODES, PICK, Driver

# Seconds: within a block, after the first ones, until wrong codes are forgotten.
WAITS = st.sampled_from([4, 11, 45, 301])


class Moments(Driver):
    """Rules of doors, time and restarts."""

    @precondition(lambda self: self.numbers())
    @rule(pick=PICK, entrance=PICK)
    def present(self, pick: int, entrance: int) -> None:
        numbers = sorted(self.numbers())
        self.show(*numbers[pick % len(numbers)], self.some(self.model.entrances, entrance))
        self.check_told_at_doors()

    @rule(entrance=PICK, code=CODES, times=st.integers(1, 7))
    def guess(self, entrance: int, code: str, times: int) -> None:
        """Tries codes at a keypad, mostly wrong ones, until it is deaf."""
        door = self.some(self.model.entrances, entrance)
        for wrong in range(times):
            self.show("code", f"555{wrong}", door)
        self.show("code", code, door)
        self.check_told_at_doors()

    @precondition(lambda self: self.model.credentials)
    @rule(pick=PICK, entrance=PICK)
    def unlock(self, pick: int, entrance: int) -> None:
        keys = [i for i, c in self.model.credentials.items() if c.method == "cloud_key"]
        id_ = self.some(keys or self.model.credentials, pick)
        asked = {
            "acs_credential_id": id_,
            "acs_entrance_id": self.some(self.model.entrances, entrance),
        }
        entrance_system = self.model.entrances[asked["acs_entrance_id"]].system
        if not keys or self.model.credentials[id_].system != entrance_system:
            assert self.site.post("/acs/entrances/unlock", **asked).status_code == 400
            return
        reason = self.model.decision(id_, asked["acs_entrance_id"], self.site.now())
        attempt = self._ended(self.site.read("/acs/entrances/unlock", "action_attempt", **asked))
        is_allowed = reason == "allow"
        assert attempt["status"] == ("success" if is_allowed else "error"), (reason, attempt)
        assert is_allowed or attempt["error"]["type"] == reason, (reason, attempt)
        self.attempts.append(attempt["action_attempt_id"])
        entrance_id = asked["acs_entrance_id"]
        told = self.telling.at_door(self.model, "cloud_key", entrance_id, reason, id_)
        self.at_doors_told.append(told)
        system = self.model.entrances[entrance_id].system
        self.check_told([self.telling.attempt(attempt, system)], attempt)
        if is_allowed:
            self.used(id_)
        self.check_told_at_doors()

    def _ended(self, attempt: Any) -> Any:
        for _ in range(2000):
            if attempt["status"] != "pending":
                return attempt
            named = {"action_attempt_id": attempt["action_attempt_id"]}
            attempt = self.site.read("/action_attempts/get", "action_attempt", **named)
        raise AssertionError(f"{attempt} has no end")

    # What changes nothing.

    @rule(hours=st.sampled_from([0, 1, 3, 25]))
    def advance(self, hours: int) -> None:
        self.site.advance(timedelta(hours=hours, minutes=17))
        self.compare()

    @rule()
    def look(self) -> None:
        self.compare()

    @rule(seconds=WAITS)
    def wait(self, seconds: int) -> None:
        """Long enough for a keypad, and nothing to anybody else."""
        self.site.advance(timedelta(seconds=seconds))
        self.check_deaf()

    @rule()
    def restart(self) -> None:
        self.site.restart()
        self._come_back()

    @rule()
    def crash(self) -> None:
        self.site.restart(is_crash=True)
        self._come_back()

    def _come_back(self) -> None:
        """Also the keypads remember what they have heard."""
        self.follow()
        self.check_deaf()
        self.compare()

    def check_deaf(self) -> None:
        """Shows a code where keypads have not listened lately."""
        for entrance, keypad in self.keypads.items():
            if keypad.blocks:
                self.show("code", "7391", entrance)
        self.check_told_at_doors()
