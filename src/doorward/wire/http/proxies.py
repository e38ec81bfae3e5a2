"""The proxies in front: who they are, and what they tell of the client (X-Forwarded-*)."""

import ipaddress
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from doorward.errors import ApiError, StartError
from doorward.wire.links import origin

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Proxies:
    """The named proxies, none by default.

    is_exclusive: nobody else may come from another machine, because what they say would have
    travelled in the clear.
    """

    networks: tuple[_Network, ...] = ()
    is_exclusive: bool = False

    def __contains__(self, address: str) -> bool:
        return any(_address(address) in network for network in self.networks)

    def admit(self, address: str) -> bool:
        """Whether a connection from this address is answered. A loopback one always is."""
        return not self.is_exclusive or _address(address).is_loopback or address in self

    def apply(self, scope: MutableMapping[str, Any], known: dict[bytes, bytes]) -> None:
        """Lets a request that a named proxy passed on say where it came from.

        Of a list the last entry counts: the proxy itself wrote it, the client may have written the
        others. Raises ApiError 400 for a host that can be none.
        """
        proto = _last(known.get(b"x-forwarded-proto"))
        if proto in {"http", "https"}:
            scope["scheme"] = proto
        host = _last(known.get(b"x-forwarded-host"))
        if host:
            _replace_host(scope["headers"], host.encode("latin-1"))
        sender = self._sender(known.get(b"x-forwarded-for", b""))
        if sender is not None:
            scope["client"] = (sender, 0)

    def _sender(self, forwarded: bytes) -> str | None:
        """The nearest address that is no proxy of ours."""
        for entry in reversed(forwarded.decode("latin-1").split(",")):
            address = entry.strip()
            if not _is_address(address):
                return None
            if address not in self:
                return address
        return None


def read_proxies(names: Iterable[str], *, is_exclusive: bool) -> Proxies:
    """The proxies that a setting names. Raises StartError for what is no address or network."""
    return Proxies(tuple(_network(name) for name in names), is_exclusive)


def _network(name: str) -> _Network:
    try:
        return ipaddress.ip_network(name)
    except ValueError as trouble:
        raise StartError(
            f"--proxy: {trouble}; give IP addresses or networks such as 10.0.0.7,10.1.0.0/16"
        ) from trouble


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text)
    # A listener for both families shows IPv4 peers as ::ffff:a.b.c.d.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _last(value: bytes | None) -> str:
    return "" if value is None else value.decode("latin-1").rpartition(",")[2].strip()


def _replace_host(headers: _Headers, host: bytes) -> None:
    if origin("http", host) is None:
        raise ApiError(400, "invalid_request", "X-Forwarded-Host is no host")
    headers[:] = [(b"host", host), *((name, value) for name, value in headers if name != b"host")]
