"""Byte ranges and conditions of HTTP (RFC 9110, 13 and 14). Pure."""

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Slice:
    """Bytes `start` … `start + length - 1` of a whole of `size` bytes."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


def requested(header: str | None, size: int) -> Slice | None:
    """The one range that is asked for; None for the whole.

    What is no single range of bytes is ignored, as the RFC allows.

    Raises:
        ValueError: the range lies outside of the whole (416).
    """
    found = _SINGLE.fullmatch(header or "")
    if found is None or (found[1], found[2]) == ("", ""):
        return None
    if found[1] == "":
        start, end = max(0, size - int(found[2])), size - 1
        if int(found[2]) == 0:
            raise ValueError("an empty range")
    else:
        start = int(found[1])
        end = min(int(found[2]), size - 1) if found[2] else size - 1
        if found[2] and int(found[2]) < start:
            return None
    if start >= size:
        raise ValueError("a range beyond the end")
    return Slice(start, end - start + 1, size)


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this strong tag (weak comparison)."""
    if header is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags
