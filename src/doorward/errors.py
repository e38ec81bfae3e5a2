"""Errors that more than one room raises or understands."""

from typing import Any


class StartError(Exception):
    """Doorward cannot start or go on: one line that tells the operator what to do, exit code 1."""


class UsageError(StartError):
    """What was typed cannot be meant: one line that tells how to type it, exit code 2."""


class ApiError(Exception):
    """An answer of the API that is no success, in the error envelope (seam-api section 2).

    `status` is the HTTP status, `kind` the envelope's error.type. `validation_errors` belongs to
    `invalid_input` alone and has the shape of Zod's formatted errors.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        validation_errors: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.validation_errors = validation_errors
        self.retry_after = retry_after


class Unavailable(Exception):
    """PostgreSQL cannot answer now, or a commit's outcome is unknown: 503, never a success."""


class TooLate(Exception):
    """A momentary command's time is over: it is not carried out any more."""


def not_found(resource: str) -> ApiError:
    """404 `<resource>_not_found`, for an unknown id and for another workspace's alike."""
    return ApiError(404, f"{resource}_not_found", f"{resource} not found")


def decided_elsewhere() -> ApiError:
    """400 for what only doors of ours can be asked: a system of another kind decides there."""
    return invalid_input("another access system decides at this entrance, at doors of its own")


def invalid_input(message: str) -> ApiError:
    """400 `invalid_input` for a rule that no single parameter breaks."""
    return ApiError(400, "invalid_input", message, validation_errors={"_errors": [message]})
