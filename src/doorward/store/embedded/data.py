"""The data folder itself: making it, and saying why it cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from doorward.errors import StartError


def make_data_folder(data: Path) -> Path:
    """`data` without links and relative parts, made for this user alone if it was not there.

    Raises:
        StartError: it cannot be made.
    """
    with explained(data):
        folder = data.resolve()
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder


@contextmanager
def explained(data: Path) -> Iterator[None]:
    """Turns what the system says of a folder that cannot be used into what to do about it."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename not in (None, str(data)) else ""
        raise StartError(
            f"data folder {data} cannot be written: {error.strerror or error}{where}; "
            "make it writable for this user or choose another with --data"
        ) from error
