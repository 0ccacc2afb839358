import msgspec
import pytest

from scribe_server.protocol import Count, Label, Range, Sequence, SessionId, Sha256Hex

GOOD_ID = "01234567-89AB-4cde-8f01-23456789abcd"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SessionId, GOOD_ID),
        (Sequence, 0),
        (Sequence, 999_999),
        (Sha256Hex, "0a" * 32),
        (Count, 2**53 - 1),
        (Label, "é" * 1000),
    ],
)
def test_a_value_within_its_bounds_is_kept_as_it_is(kind: object, value: object) -> None:
    assert msgspec.convert(value, kind) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SessionId, GOOD_ID[:-1]),
        (SessionId, GOOD_ID + "0"),
        (SessionId, GOOD_ID.replace("-", "")),
        (SessionId, GOOD_ID.replace("0", "g")),
        (SessionId, GOOD_ID + "\n"),
        (Sequence, -1),
        (Sequence, 1_000_000),
        (Sequence, 1.0),
        (Sha256Hex, "0A" * 32),
        (Sha256Hex, "0a" * 31),
        (Sha256Hex, "0a" * 32 + "\n"),
        (Count, 2**53),
        (Count, -5),
        (Label, "x" * 1001),
        (Range, [0, 1, 2]),
        (Range, [0, -1]),
    ],
)
def test_a_value_beyond_its_bounds_is_refused(kind: object, value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind)


def test_a_range_is_an_inclusive_pair() -> None:
    assert msgspec.convert([3, 7], Range) == (3, 7)
