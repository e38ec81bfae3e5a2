"""Card formats: what is read, what is refused, and that no two numbers look alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.policy.cards import (
    CardNumber,
    CodeNumber,
    Unreadable,
    csn,
    decode_h10301,
    encode_h10301,
    h10301,
    parse_card,
    parse_code,
)

facilities = st.integers(0, 0xFF)
numbers = st.integers(0, 0xFFFF)
serials = st.sampled_from((4, 7, 10)).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@given(facilities, numbers)
def test_what_is_encoded_is_decoded(facility: int, number: int) -> None:
    card = decode_h10301(encode_h10301(facility, number), 26)
    assert card == h10301(facility, number) == parse_card(f"{facility}-{number}")


@given(facilities, numbers)
def test_parity_is_even_over_the_first_half_and_odd_over_the_second(
    facility: int, number: int
) -> None:
    bits = f"{encode_h10301(facility, number):026b}"
    assert bits[:13].count("1") % 2 == 0
    assert bits[13:].count("1") % 2 == 1
    assert bits[1:25] == f"{facility:08b}{number:016b}"


@given(facilities, numbers)
def test_any_bit_that_flips_is_noticed(facility: int, number: int) -> None:
    bits = encode_h10301(facility, number)
    for place in range(26):
        assert decode_h10301(bits ^ 1 << place, 26) == Unreadable("parity")


def test_a_card_as_a_reader_sends_it() -> None:
    # Facility 1, number 1: a one in each half, so even parity adds one and odd parity none.
    assert encode_h10301(1, 1) == 0b1_00000001_0000000000000001_0
    assert encode_h10301(0, 0) == 1
    assert encode_h10301(255, 65535) == 0b0_11111111_1111111111111111_1


@pytest.mark.parametrize(("bits", "length"), [(1, 25), (1, 27), (1, 0), (-1, 26), (1 << 26, 26)])
def test_bits_of_another_length_are_no_card(bits: int, length: int) -> None:
    assert decode_h10301(bits, length) == Unreadable("unreadable")


@pytest.mark.parametrize(("facility", "number"), [(256, 0), (-1, 0), (0, 65536), (0, -1)])
def test_fields_that_do_not_fit_are_refused(facility: int, number: int) -> None:
    assert h10301(facility, number) == Unreadable("unreadable")
    with pytest.raises(ValueError, match="no 26-bit card"):
        encode_h10301(facility, number)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42-12345", CardNumber("h10301", "42-12345")),
        (" 042-00007\n", CardNumber("h10301", "42-7")),
        ("0-0", CardNumber("h10301", "0-0")),
        ("255-65535", CardNumber("h10301", "255-65535")),
        ("04a1b2c3", CardNumber("csn", "04A1B2C3")),
        ("04:A1:B2:C3:D4:E5:F6", CardNumber("csn", "04A1B2C3D4E5F6")),
        ("00010203040506070809", CardNumber("csn", "00010203040506070809")),
        ("12345678", CardNumber("csn", "12345678")),
    ],
)
def test_a_text_is_read(text: str, number: CardNumber) -> None:
    assert parse_card(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "42", "42-", "-12345", "256-1", "1-65536", "0001-1", "1-000001", "42-12345-6",
     "\u0664\u0662-\u0661",
     "04A1B2", "04A1B2C3D4", "04A1B2C", "04:A1:B2:C3:", "0:4A1B2C3", "04-A1-B2-C3", "0x04A1B2",
     "04A1B2C3\0", "\u00b2-1"],
)  # fmt: skip
def test_a_text_that_is_no_card_is_unreadable(text: str) -> None:
    assert parse_card(text) == Unreadable("unreadable")


@given(st.text())
def test_any_text_is_answered_and_reads_the_same_again(text: str) -> None:
    number = parse_card(text)
    if isinstance(number, CardNumber):
        assert parse_card(number.text) == number


def test_a_code_keeps_its_leading_zeros() -> None:
    assert parse_code("0042") == CodeNumber("0042")
    assert parse_code("42") != parse_code("0042")


@pytest.mark.parametrize(
    "text", ["", " 1234", "1234\n", "12a4", "-123", "\u0661\u0662\u0663\u0664", "12:34"]
)
def test_a_text_that_is_no_code_is_unreadable(text: str) -> None:
    assert parse_code(text) == Unreadable("unreadable")


@given(
    st.lists(
        st.tuples(facilities, numbers).map(lambda fields: h10301(*fields))
        | serials.map(csn)
        | st.integers(0, 10**20).map(lambda digits: parse_code(str(digits))),
        unique=True,
    )
)
def test_no_two_numbers_are_hashed_alike(
    drawn: list[CardNumber | CodeNumber | Unreadable],
) -> None:
    canonical = [one.canonical for one in drawn if not isinstance(one, Unreadable)]
    assert len(set(canonical)) == len(canonical) == len(drawn)


def test_digits_that_are_a_card_and_a_code_are_hashed_apart() -> None:
    card, code = parse_card("12345678"), parse_code("12345678")
    assert isinstance(card, CardNumber)
    assert isinstance(code, CodeNumber)
    assert card.text == code.text
    assert card.canonical != code.canonical
    assert CardNumber("h10301", card.text).canonical not in (card.canonical, code.canonical)


@given(st.binary(max_size=12).filter(lambda serial: len(serial) not in (4, 7, 10)))
def test_a_serial_number_of_another_length_is_no_card(serial: bytes) -> None:
    assert csn(serial) == Unreadable("unreadable")
