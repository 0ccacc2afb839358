"""Pure functions of the wire: parsing, canonical JSON, digests, ranges."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from scribe_server.protocol.names import RECEIPT_PREFIX
from scribe_server.protocol.payloads import Manifest, Receipt

P = TypeVar("P", bound=msgspec.Struct)


def parse(data: object, kind: type[P]) -> P:
    """Turn a decoded message into a payload.

    Raises:
        msgspec.ValidationError: with the offending field's path in its text.
    """
    # Without builtin_types a str would silently be base64-decoded into a bytes field.
    return msgspec.convert(data, kind, builtin_types=(bytes, bytearray, memoryview))


def to_wire(payload: msgspec.Struct) -> dict[str, Any]:
    """Turn a payload into plain values for Socket.IO or JSON, leaving out what is None."""
    built: dict[str, Any] = msgspec.to_builtins(
        payload, builtin_types=(bytes, bytearray, memoryview)
    )
    return {name: value for name, value in built.items() if value is not None}


def canonical_json(value: Any) -> bytes:
    """RFC 8785 canonical JSON of a value that holds integers, strings, lists and objects.

    Raises:
        ValueError: for a float or an integer beyond 2**53 - 1, which RFC 8785 (through
            ECMAScript numbers) would write in another way.
    """
    _refuse_inexact(value)
    # Key order: RFC 8785 sorts UTF-16 code units; all our names are ASCII, where it is the same.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


def _refuse_inexact(value: Any) -> None:
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > 2**53 - 1):
        raise ValueError(f"canonical JSON holds exact integers only, not {value!r}")
    if isinstance(value, dict):
        for inner in value.values():
            _refuse_inexact(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_inexact(inner)


def manifest_digest(manifest: Manifest) -> str:
    """SHA-256 (hex) of the manifest's canonical JSON."""
    return hashlib.sha256(canonical_json(msgspec.to_builtins(manifest))).hexdigest()


def receipt_message(receipt: Receipt) -> bytes:
    """The bytes that a receipt's signature covers."""
    fields = msgspec.to_builtins(receipt)
    del fields["signature"]
    return RECEIPT_PREFIX + canonical_json(fields)


def digest_of(chunks: Iterable[tuple[int, str]]) -> str:
    """The sync-check digest over (sequence, SHA-256 hex) pairs given in ascending order.

    SHA-256 over each sequence as uint64 big-endian followed by the hash's 32 raw bytes.
    """
    state = hashlib.sha256()
    for sequence, sha256 in chunks:
        state.update(sequence.to_bytes(8, "big"))
        state.update(bytes.fromhex(sha256))
    return state.hexdigest()


def to_ranges(sequences: Iterable[int]) -> list[tuple[int, int]]:
    """Inclusive pairs covering the given sequences, which come in ascending order."""
    ranges: list[tuple[int, int]] = []
    for sequence in sequences:
        if ranges and sequence <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], sequence)
        else:
            ranges.append((sequence, sequence))
    return ranges


def missing_ranges(stored: Iterable[tuple[int, int]], expected: int) -> list[tuple[int, int]]:
    """The inclusive pairs of 0 … expected - 1 that the (ascending) stored ranges leave out."""
    missing: list[tuple[int, int]] = []
    following = 0
    for first, last in stored:
        if first >= expected:
            break
        if first > following:
            missing.append((following, first - 1))
        following = max(following, last + 1)
    if following < expected:
        missing.append((following, expected - 1))
    return missing
