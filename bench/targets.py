"""What a figure is to be, printed beside it: met, or missed."""


def at_least(value: float, target: float) -> str:
    """The verdict on a figure that is to be large."""
    return _verdict(f"at least {target:g}", is_met=value >= target)


def at_most(value: float, target: float) -> str:
    """The verdict on a figure that is to be small."""
    return _verdict(f"at most {target:g}", is_met=value <= target)


def _verdict(target: str, *, is_met: bool) -> str:
    return f" (target: {target}: {'met' if is_met else 'missed'})"
