"""Every setting, its environment variable and its default."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from doorward.errors import StartError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765
DEFAULT_RATE_LIMIT = 1000.0
DEFAULT_IN_FLIGHT = 256
DEFAULT_CONNECTIONS = 1000
DEFAULT_DEADLINE = 10.0

_LOGS = ("console", "json")
_YES_NO = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


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
    rate_limit: float = DEFAULT_RATE_LIMIT
    in_flight: int = DEFAULT_IN_FLIGHT
    connections: int = DEFAULT_CONNECTIONS
    deadline: float = DEFAULT_DEADLINE
    log: str = "console"

    @property
    def endpoint(self) -> str:
        """The address that clients are given; a wildcard host is reached by the loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        scheme = "http" if self.tls_cert is None else "https"
        return (
            f"{scheme}://[{host}]:{self.port}" if ":" in host else f"{scheme}://{host}:{self.port}"
        )


def load(
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    database_url: str | None = None,
    site: Path | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    insecure_http: bool | None = None,
    proxy: str | None = None,
    rate_limit: float | None = None,
    in_flight: int | None = None,
    connections: int | None = None,
    deadline: float | None = None,
    log: str | None = None,
) -> Settings:
    """The settings given on the command line, else in the environment, else the defaults.

    Raises StartError for a value that cannot be one.
    """
    chosen_data = data or _path("DOORWARD_DATA") or default_data()
    certificate = _certificate(tls_cert, tls_key)
    return Settings(
        host=host or _text("DOORWARD_HOST") or DEFAULT_HOST,
        port=_port(port),
        data=chosen_data.expanduser().absolute(),
        database_url=database_url or _text("DOORWARD_DATABASE_URL"),
        site=site or _path("DOORWARD_SITE"),
        secret_key=_text("DOORWARD_SECRET_KEY"),
        tls_cert=certificate[0],
        tls_key=certificate[1],
        insecure_http=_yes_no("DOORWARD_INSECURE_HTTP") if insecure_http is None else insecure_http,
        proxy=_list(proxy or _text("DOORWARD_PROXY") or ""),
        rate_limit=_number("--rate-limit", rate_limit, DEFAULT_RATE_LIMIT, is_zero_allowed=True),
        in_flight=_count("--in-flight", in_flight, DEFAULT_IN_FLIGHT),
        connections=_count("--connections", connections, DEFAULT_CONNECTIONS),
        deadline=_number("--deadline", deadline, DEFAULT_DEADLINE),
        log=_log(log or _text("DOORWARD_LOG") or "console"),
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


def _certificate(chain: Path | None, key: Path | None) -> tuple[Path | None, Path | None]:
    chain, key = chain or _path("DOORWARD_TLS_CERT"), key or _path("DOORWARD_TLS_KEY")
    if (chain is None) != (key is None):
        raise StartError("--tls-cert and --tls-key go together: give both or none")
    return chain and chain.expanduser().absolute(), key and key.expanduser().absolute()


def _yes_no(name: str) -> bool:
    text = _text(name) or "no"
    if text.lower() not in _YES_NO:
        raise StartError(f"{name}={text} is neither yes nor no")
    return _YES_NO[text.lower()]


def _list(text: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


def _count(option: str, given: int | None, default: int) -> int:
    number = _number(option, given, default)
    if number != int(number):
        raise StartError(f"{option} must be a whole number, not {number}")
    return int(number)


def _number(
    option: str, given: float | None, default: float, *, is_zero_allowed: bool = False
) -> float:
    """A number given as an option, else in the variable of the same name. Raises StartError."""
    name = "DOORWARD_" + option.removeprefix("--").replace("-", "_").upper()
    text = str(given) if given is not None else _text(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0 or (number == 0 and not is_zero_allowed):
        least = "from 0" if is_zero_allowed else "above 0"
        raise StartError(f"{option} must be a number {least}, not {text!r}")
    return number


def _log(text: str) -> str:
    if text not in _LOGS:
        raise StartError(f"--log must be one of {', '.join(_LOGS)}, not {text!r}")
    return text
