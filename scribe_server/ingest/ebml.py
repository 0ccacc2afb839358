"""Is this a WebM document? Told from the EBML header alone (RFC 8794), nothing is decoded."""

from functools import lru_cache
from typing import Final

_EBML_ID: Final = b"\x1a\x45\xdf\xa3"
_DOCTYPE_ID: Final = 0x4282
_LONGEST_SIZE: Final = 8
_ONE_BYTE_SIZE: Final = 0x80
_SHORT_HEADER: Final = len(_EBML_ID) + 1 + 0x7F


def is_webm(data: bytes) -> bool:
    """Whether the bytes begin with an EBML header that says doctype `webm`."""
    # A recorder's chunks all begin with the same header, whose size nearly always takes one byte.
    if len(data) > _SHORT_HEADER and data[len(_EBML_ID)] & _ONE_BYTE_SIZE:
        return _known(data[: len(_EBML_ID) + 1 + (data[len(_EBML_ID)] & ~_ONE_BYTE_SIZE)])
    return _says_webm(data)


def _says_webm(data: bytes) -> bool:
    if not data.startswith(_EBML_ID):
        return False
    header = _number(data, len(_EBML_ID), keep_marker=False)
    if header is None:
        return False
    size, position = header
    return _doctype(data, position, min(position + size, len(data))) == b"webm"


_known = lru_cache(maxsize=64)(_says_webm)


def _doctype(data: bytes, position: int, end: int) -> bytes | None:
    while position < end:
        name = _number(data, position, keep_marker=True)
        size = None if name is None else _number(data, name[1], keep_marker=False)
        if name is None or size is None or size[1] + size[0] > end:
            return None
        position = size[1] + size[0]
        if name[0] == _DOCTYPE_ID:
            # RFC 8794, 7.5: a string element may be padded with zeros.
            return data[size[1] : position].rstrip(b"\0")
    return None


def _number(data: bytes, position: int, *, keep_marker: bool) -> tuple[int, int] | None:
    """An EBML variable-size integer (RFC 8794, 4) and the position after it."""
    if position >= len(data) or data[position] == 0:
        return None
    length = _LONGEST_SIZE + 1 - data[position].bit_length()
    if position + length > len(data):
        return None
    value = int.from_bytes(data[position : position + length], "big")
    if not keep_marker:
        value &= (1 << 7 * length) - 1
    return value, position + length
