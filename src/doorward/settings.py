"""Every setting, its environment variable and its default."""

import os
from dataclasses import dataclass
from pathlib import Path

from doorward.errors import StartError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765


def default_data() -> Path:
    """The data folder of a user who names none (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "doorward"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server runs with; the environment variable of each is DOORWARD_ and its name.

    host, port: where to listen. data: the folder for the embedded PostgreSQL, the secret key and
    the controllers' slices. database_url: another PostgreSQL instead of the embedded one. site:
    the site file for a database that holds no workspace yet, None for the sandbox. secret_key:
    the master key as base64url, None for the one in the data folder. tls_cert, tls_key: PEM files
    with the certificate chain and its key, for HTTPS. insecure_http: plain HTTP on an address that
    is no loopback, on purpose. proxy: addresses of the proxies in front, whose X-Forwarded-* count.
    rate_limit: calls a second that one token may make in the long run, 0 for any number. in_flight:
    calls that are answered at a time; more are shed. connections: open ones at a time. deadline:
    seconds after which a call is answered 503. log: one of "console", "json".
    """

    host: str
    port: int
    data: Path
    database_url: str | None
    site: Path | None
    secret_key: str | None = None
    # How long the answer to a policy change waits for the doors' confirmation, in seconds.
    confirm_timeout: float = 0.05
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure_http: bool = False
    proxy: tuple[str, ...] = ()
    rate_limit: float = 1000.0
    in_flight: int = 256
    connections: int = 1000
    deadline: float = 10.0
    log: str = "console"

    @property
    def endpoint(self) -> str:
        """The address that clients are given; a wildcard host is reached by the loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def load(
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    database_url: str | None = None,
    site: Path | None = None,
) -> Settings:
    """The settings given on the command line, else in the environment, else the defaults.

    Raises StartError for a value that cannot be one.
    """
    chosen_data = data or _path("DOORWARD_DATA") or default_data()
    return Settings(
        host=host or _text("DOORWARD_HOST") or DEFAULT_HOST,
        port=_port(port),
        data=chosen_data.expanduser().absolute(),
        database_url=database_url or _text("DOORWARD_DATABASE_URL"),
        site=site or _path("DOORWARD_SITE"),
        secret_key=_text("DOORWARD_SECRET_KEY"),
    )


def _text(name: str) -> str | None:
    return os.environ.get(name) or None


def _path(name: str) -> Path | None:
    text = _text(name)
    return Path(text) if text else None


def _port(given: int | None) -> int:
    text = str(given) if given is not None else _text("DOORWARD_PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise StartError(f"{text!r} is no port; give a number from 0 to 65535")
    return int(text)
