"""What a card or a keypad gives: card formats, and the one form that each number is hashed in."""

import re
from typing import Final, Literal

import msgspec

CardFormat = Literal["h10301", "csn"]

H10301_BITS: Final = 26
CSN_LENGTHS: Final = (4, 7, 10)

_H10301_TEXT: Final = re.compile(r"([0-9]{1,3})-([0-9]{1,5})")
_CSN_TEXT: Final = re.compile(r"[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2})*")
_CODE_TEXT: Final = re.compile(r"[0-9]+")


class CardNumber(msgspec.Struct, frozen=True):
    """A card: its format, and its fields as the one text that stands for them.

    h10301: "FACILITY-NUMBER" without leading zeros; csn: upper-case hexadecimal digits.
    """

    format: CardFormat
    text: str

    @property
    def canonical(self) -> bytes:
        """What the keyed hash is taken of; no two numbers of whatever format share it."""
        return f"{self.format}:{self.text}".encode()


class CodeNumber(msgspec.Struct, frozen=True):
    """A code: its digits, of which leading zeros count."""

    text: str

    @property
    def canonical(self) -> bytes:
        """What the keyed hash is taken of; no card number shares it."""
        return f"code:{self.text}".encode()


class Unreadable(msgspec.Struct, frozen=True):
    """Why there is no number: the cause as rung 7 tells it."""

    cause: Literal["unreadable", "parity"]


def parse_card(text: str) -> CardNumber | Unreadable:
    """The card that a text such as "42-12345" or "04:A1:B2:C3" stands for."""
    stripped = text.strip()
    if match := _H10301_TEXT.fullmatch(stripped):
        return h10301(int(match[1]), int(match[2]))
    if _CSN_TEXT.fullmatch(stripped):
        return csn(bytes.fromhex(stripped.replace(":", "")))
    return Unreadable("unreadable")


def parse_code(text: str) -> CodeNumber | Unreadable:
    """The code that a text of digits stands for. How long a code must be, its issuer says."""
    return CodeNumber(text) if _CODE_TEXT.fullmatch(text) else Unreadable("unreadable")


def h10301(facility: int, number: int) -> CardNumber | Unreadable:
    """The 26-bit card with a facility code of 8 bits and a number of 16."""
    if not _fits(facility, number):
        return Unreadable("unreadable")
    return CardNumber("h10301", f"{facility}-{number}")


def csn(serial: bytes) -> CardNumber | Unreadable:
    """The card with a serial number as ISO 14443-3 has them: 4, 7 or 10 bytes."""
    if len(serial) not in CSN_LENGTHS:
        return Unreadable("unreadable")
    return CardNumber("csn", serial.hex().upper())


def encode_h10301(facility: int, number: int) -> int:
    """The 26 bits that a reader sends for this card, the first one sent as the highest.

    Raises ValueError where a field does not fit. Even parity over the first half, odd over the
    second, as SIA AC-01 has it.
    """
    if not _fits(facility, number):
        raise ValueError(f"{facility}-{number} is no 26-bit card")
    data = facility << 16 | number
    return _even_parity(data) << 25 | data << 1 | _odd_parity(data)


def decode_h10301(bits: int, length: int) -> CardNumber | Unreadable:
    """The card that `length` raw bits of a reader stand for, the first one sent as the highest."""
    if length != H10301_BITS or not 0 <= bits < 1 << H10301_BITS:
        return Unreadable("unreadable")
    facility, number = bits >> 17 & 0xFF, bits >> 1 & 0xFFFF
    if bits != encode_h10301(facility, number):
        return Unreadable("parity")
    return h10301(facility, number)


def _fits(facility: int, number: int) -> bool:
    return 0 <= facility <= 0xFF and 0 <= number <= 0xFFFF


def _even_parity(data: int) -> int:
    return (data >> 12).bit_count() & 1


def _odd_parity(data: int) -> int:
    return (data & 0xFFF).bit_count() & 1 ^ 1
