"""Types of the fields, with their bounds."""

from typing import Annotated

import msgspec

from scribe_server.protocol.names import MAX_SEQUENCE

_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$(?!\n)"
SessionId = Annotated[str, msgspec.Meta(pattern=_UUID)]
Sequence = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQUENCE)]
Sha256Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A non-negative integer that JavaScript can hold exactly."""
Millis = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Label = Annotated[str, msgspec.Meta(max_length=1000)]
Range = tuple[Sequence, Sequence]
"""Inclusive pair of sequences."""
