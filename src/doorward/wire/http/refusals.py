"""The answers to what is no request that the API could answer. Made once, needed under attack."""

from typing import Final

from doorward.errors import ApiError
from doorward.wire.body import too_large
from doorward.wire.errors import refused
from doorward.wire.http.head import ambiguous

NO_HTTP: Final = refused(ambiguous("The request is no HTTP"))
NO_PROXY: Final = refused(ambiguous("This server answers its proxies alone"))
NO_TUNNEL: Final = refused(ambiguous("This server is no proxy"))
TOO_LATE: Final = refused(ApiError(408, "request_timeout", "The request was not whole in time"))
BODY_TOO_LARGE: Final = refused(too_large())
URL_TOO_LONG: Final = refused(ApiError(414, "uri_too_long", "Path and query are too long"))
HEAD_TOO_LARGE: Final = refused(ApiError(431, "headers_too_large", "The headers are too large"))
