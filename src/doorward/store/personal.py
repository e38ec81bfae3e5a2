"""Names, addresses and numbers of people, apart from everything else, and how they are searched.

Search reads an index over the 1-, 2- and 3-grams of the text, each prefixed with the workspace
(DESIGN.md, stack): a text can only match where all grams of the searched term are, and is then
compared in full.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from doorward.store.database import Connection


@dataclass(frozen=True, slots=True)
class Personal:
    """A person's values, each None where it is not known."""

    full_name: str | None = None
    email_address: str | None = None
    phone_number: str | None = None


def normalise(text: str) -> str:
    """How texts are compared in a search: case folded, runs of white space as one blank."""
    return re.sub(r"\s+", " ", text.casefold()).strip()


def grams(workspace_id: UUID, *texts: str | None) -> list[str]:
    """The sorted distinct 1-, 2- and 3-grams of the texts, prefixed with the workspace."""
    prefix = workspace_id.hex[:8]
    found = {gram for text in texts if text for gram in _grams(normalise(text))}
    return [f"{prefix}{gram}" for gram in sorted(found)]


def term_grams(workspace_id: UUID, term: str) -> list[str]:
    """The grams that a text must have to contain the term: only the longest ones say anything.
    None for a blank term, which every text contains.
    """
    text = normalise(term)
    size = max(1, min(3, len(text)))
    prefix = workspace_id.hex[:8]
    return sorted({f"{prefix}{text[i : i + size]}" for i in range(len(text) - size + 1)})


def _grams(text: str) -> Iterator[str]:
    for size in (1, 2, 3):
        for start in range(len(text) - size + 1):
            yield text[start : start + size]


def personal_hash(salt: bytes, personal: Personal) -> bytes:
    """What the journal keeps of the values: erasing salt and values leaves nothing to guess."""
    hashed = hashlib.sha256(salt)
    for value in (personal.full_name, personal.email_address, personal.phone_number):
        encoded = (value or "").encode()
        hashed.update(len(encoded).to_bytes(4, "big") + encoded)
    return hashed.digest()


async def put_personal(
    connection: Connection,
    workspace_id: UUID,
    subject_id: UUID,
    acs_system_id: UUID | None,
    personal: Personal,
) -> bytes:
    """Writes a person's values with a new salt; answers the hash for the journal.

    `subject_id` is an acs_user_id with its system, or a user_identity_id without one. Raises
    asyncpg.UniqueViolationError when another identity has the e-mail address or phone number.
    """
    salt = os.urandom(16)
    values = (personal.full_name, personal.email_address, personal.phone_number)
    await connection.execute(
        "insert into personal values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict (workspace_id, subject_id) do update set salt = excluded.salt,"
        " full_name = excluded.full_name, email_address = excluded.email_address,"
        " phone_number = excluded.phone_number, grams = excluded.grams",
        workspace_id,
        subject_id,
        acs_system_id,
        salt,
        *values,
        grams(workspace_id, *values),
    )
    return personal_hash(salt, personal)
