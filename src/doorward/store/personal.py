"""Names, addresses and numbers of people, apart from everything else, and how they are searched.

Search reads an index over the 1-, 2- and 3-grams of the text, each prefixed with the workspace
(DESIGN.md, stack): a text can only match where all grams of the searched term are, and is then
compared in full.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from doorward.store.database import Connection

# The most characters of a text that somebody gives: beyond this it does not fit into an index; a
# search for more than any name finds nothing.
LONGEST_TEXT: Final = 255
# An e-mail address, without what neither a terminal nor a mail program takes, and a phone number.
EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+")
PHONE: Final = re.compile(r"\+[1-9][0-9]{4,14}")
# White space to Python, so that no normalised text has it.
_SEPARATOR: Final = "\x1f"

_PUT: Final = f"""
insert into personal select $1, x.subject_id, x.acs_system_id, x.salt, x.full_name,
  x.email_address, x.phone_number, string_to_array(x.grams, e'\\x{ord(_SEPARATOR):02x}')
from unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[])
  as x (subject_id, acs_system_id, salt, full_name, email_address, phone_number, grams)
order by x.subject_id
on conflict (workspace_id, subject_id) do update set salt = excluded.salt,
  full_name = excluded.full_name, email_address = excluded.email_address,
  phone_number = excluded.phone_number, grams = excluded.grams"""  # noqa: S608


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
    return [f"{prefix}{gram}" for gram in sorted(_grams(texts))]


def term_grams(workspace_id: UUID, term: str) -> list[str]:
    """The grams that a text must have to contain the term: only the longest ones say anything.
    None for a blank term, which every text contains.
    """
    text = normalise(term)
    size = max(1, min(3, len(text)))
    prefix = workspace_id.hex[:8]
    return sorted({f"{prefix}{text[i : i + size]}" for i in range(len(text) - size + 1)})


def _grams(texts: Iterable[str | None]) -> set[str]:
    found: set[str] = set()
    for text in map(normalise, filter(None, texts)):
        found.update(text)
        found.update([text[i : i + 2] for i in range(len(text) - 1)])
        found.update([text[i : i + 3] for i in range(len(text) - 2)])
    return found


def personal_hash(salt: bytes, personal: Personal) -> bytes:
    """What the journal keeps of the values: erasing salt and values leaves nothing to guess."""
    hashed = hashlib.sha256(salt)
    for value in _texts(personal):
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
    await put_all(connection, workspace_id, [Of(subject_id, acs_system_id, salt, personal)])
    return personal_hash(salt, personal)


class Of(NamedTuple):
    """Whose values: as `put_personal` has them, and the salt of the values' hash."""

    subject_id: UUID
    acs_system_id: UUID | None
    salt: bytes
    personal: Personal


async def put_all(connection: Connection, workspace_id: UUID, persons: Sequence[Of]) -> None:
    """Writes the values of many, each once. Raises as `put_personal`."""
    texts = [_texts(of.personal) for of in persons]
    await connection.execute(
        _PUT,
        workspace_id,
        [of.subject_id for of in persons],
        [of.acs_system_id for of in persons],
        [of.salt for of in persons],
        [full_name for full_name, _, _ in texts],
        [email_address for _, email_address, _ in texts],
        [phone_number for _, _, phone_number in texts],
        [_join(workspace_id, each) for each in texts],
    )


def _texts(personal: Personal) -> tuple[str | None, str | None, str | None]:
    return personal.full_name, personal.email_address, personal.phone_number


def _join(workspace_id: UUID, texts: Iterable[str | None]) -> str:
    """The grams as one text: an array of arrays would have to be rectangular."""
    prefix = workspace_id.hex[:8]
    found = sorted(_grams(texts))
    return prefix + f"{_SEPARATOR}{prefix}".join(found) if found else ""
