"""Pages of lists: signed cursors, and the `pagination` object (seam-api section 3.5).

A cursor holds where the next page starts and a digest of the call's other parameters. It is
signed for one token, workspace and route, and is nothing anywhere else.
"""

import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import msgspec

from doorward.errors import ApiError
from doorward.wire.issues import Issue, refusal
from doorward.wire.links import LONGEST_URL, write_query
from doorward.wire.parameters import Given, Parameters
from doorward.wire.route import Caller, Page, Route

_VERSION = 1
# Version, created_at in microseconds since 1970, id, digest of the other parameters; 57 bytes with
# the signature, so that base64 leaves no bits over that could be changed unnoticed.
_CONTENT = struct.Struct(">Bq16s16s")
_SIGNATURE_LENGTH = 16
_TEXT_LENGTH = (_CONTENT.size + _SIGNATURE_LENGTH) * 4 // 3

_canonical = msgspec.json.Encoder(order="deterministic").encode


class Pagination(msgspec.Struct, frozen=True):
    """Where a list goes on; the clients' paginators need all three."""

    next_page_cursor: str | None
    has_next_page: bool
    next_page_url: str | None


class Pager:
    """The pages of one route."""

    def __init__(self, key: bytes, route: Route, parameters: Parameters) -> None:
        self._key = key
        self._route = route
        self._parameters = parameters

    def page(self, caller: Caller, given: Given) -> Page:
        """The page that a call asks for.

        Raises ApiError 400: `invalid_input` for a cursor that was not made for this token,
        workspace and route, `mismatched_page_parameters` when another parameter has changed.
        """
        if given.page_cursor is None:
            return Page(given.limit)
        micros, row_id, digest = self._open(caller, given.page_cursor)
        if digest != _digest(given):
            message = "All parameters but page_cursor must be those of the previous page"
            raise ApiError(400, "mismatched_page_parameters", message)
        return Page(given.limit, (micros, UUID(bytes=row_id)))

    def pagination(
        self, caller: Caller, given: Given, after: tuple[int, UUID] | None, origin: str | None
    ) -> Pagination:
        """What follows a page, `after` being its last row's, None at the end of the list.

        `origin` is the server's address for `next_page_url`, which is null without it.
        """
        if after is None:
            return Pagination(None, False, None)
        cursor = self._seal(caller, _digest(given), after)
        return Pagination(cursor, True, self._url(given, cursor, origin))

    def _seal(self, caller: Caller, digest: bytes, after: tuple[int, UUID]) -> str:
        content = _CONTENT.pack(_VERSION, after[0], after[1].bytes, digest)
        return urlsafe_b64encode(content + self._sign(caller, content)).decode()

    def _open(self, caller: Caller, cursor: str) -> tuple[int, bytes, bytes]:
        sealed = _decoded(cursor)
        content, signature = sealed[: _CONTENT.size], sealed[_CONTENT.size :]
        if not hmac.compare_digest(self._sign(caller, content), signature):
            raise _not_a_cursor()
        _, micros, row_id, digest = _CONTENT.unpack(content)
        return micros, row_id, digest

    def _sign(self, caller: Caller, content: bytes) -> bytes:
        assert caller.workspace_id is not None
        bound = caller.workspace_id.bytes + caller.token_id.bytes + self._route.path.encode()
        return hmac.digest(self._key, content + bound, "sha256")[:_SIGNATURE_LENGTH]

    def _url(self, given: Given, cursor: str, origin: str | None) -> str | None:
        if origin is None or "GET" not in self._route.verbs:
            return None
        values = msgspec.to_builtins(given.request)
        query = write_query({**values, "limit": given.limit, "page_cursor": cursor})
        url = f"{origin}{self._route.path}?{query}"
        return url if len(url) <= LONGEST_URL and self._says(query, given) else None

    def _says(self, query: str, given: Given) -> bool:
        # An empty string or object cannot be told in a query, so not every call has an address.
        try:
            return _digest(self._parameters.read(query.encode(), {})) == _digest(given)
        except ApiError:
            return False


def _digest(given: Given) -> bytes:
    # Of what was understood, not of what was written: GET and POST may go on with each other.
    return hashlib.sha256(_canonical([given.request, given.limit])).digest()[:16]


def _decoded(cursor: str) -> bytes:
    if len(cursor) != _TEXT_LENGTH:
        raise _not_a_cursor()
    try:
        sealed = urlsafe_b64decode(cursor)
    except ValueError:
        raise _not_a_cursor() from None
    # The decoder passes over foreign characters; a cursor has one spelling.
    if urlsafe_b64encode(sealed).decode() != cursor:
        raise _not_a_cursor()
    return sealed


def _not_a_cursor() -> ApiError:
    return refusal([Issue("Invalid cursor", ("page_cursor",))])
