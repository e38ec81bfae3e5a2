"""Console sessions: signed texts (JWT, RFC 7519), told from others before the database is asked."""

from datetime import datetime
from typing import Final
from uuid import UUID

import jwt

_ISSUER: Final = "doorward"
_ALGORITHM: Final = "HS256"


def sign(key: bytes, token_id: UUID, expires_at: datetime) -> str:
    """The text of a session that counts until `expires_at`, whose fraction of a second is cut."""
    claims = {"iss": _ISSUER, "jti": str(token_id), "exp": int(expires_at.timestamp())}
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def is_ours(key: bytes, text: str) -> bool:
    """Whether a text was signed with this key and its time is not over."""
    required = ["exp", "iss", "jti"]
    try:
        jwt.decode(
            text, key, algorithms=[_ALGORITHM], issuer=_ISSUER, options={"require": required}
        )
    except jwt.InvalidTokenError:
        return False
    return True
