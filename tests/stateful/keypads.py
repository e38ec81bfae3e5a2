"""The throttle of keypads as the documentation tells it, for the model; times in milliseconds."""

from dataclasses import dataclass, field

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


@dataclass
class Keypad:
    """What one keypad remembers of wrong codes, however often its server starts again."""

    wrong: list[int] = field(default_factory=list)
    blocks: int = 0
    deaf_until: int = 0

    def is_deaf(self, at: int) -> bool:
        """Whether it listens to no code."""
        return at < self.deaf_until

    def mistype(self, at: int) -> None:
        """A wrong code, listened to at this time."""
        if self.wrong and at - self.wrong[-1] >= HOUR:
            self.blocks = 0
        self.wrong.append(at)
        if len([one for one in self.wrong if at - one < 5 * MINUTE]) >= 5:
            self.deaf_until = at + min(10 * SECOND * 2**self.blocks, 15 * MINUTE)
            self.blocks += 1
