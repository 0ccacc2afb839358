"""What strangers say to a server that it must not fall for."""

import random
import uuid

PLACEHOLDER = '{"_placeholder":true,"num":0}'

PACKETS: list[list[str | bytes]] = [
    ["zzzz"],
    [""],
    ["49"],
    ['42["audio-chunk",'],
    ['42["a",' + "[" * 100_000 + "]" * 100_000 + "]"],
    ["4" + "[" * 100_000],
    ["42" + "9" * 5000 + '["audio-chunk"]'],
    ["42[{}]"],
    ["42[]"],
    ['451-["audio-chunk",{"_placeholder":true,"num":99}]', b"abc"],
    ['451-["audio-chunk",{"_placeholder":true,"num":-1}]', b"abc"],
    [f'4510000000-["audio-chunk",{PLACEHOLDER}]', b"abc"],
    ['4599999999999-["a"]'],
    [f'452-["audio-chunk",{PLACEHOLDER}]', b"abc", b"def"],
    [b"nobody announced this"],
    ["40{}"],
    ["40/" + "../" * 1000],
    ['42["\\ud800"]'],
    ["4" * 9_000_000],
    [bytes(11_000_000)],
    [bytes(64_000_000)],
]
"""Each ends its own connection."""

IDS = [
    "../../etc/passwd",
    "a\0b",
    "x" * 1_000_000,
    "",
    7,
    None,
    True,
    [],
    {},
    str(uuid.uuid4()) + "\n",
]
SEQUENCES = [-1, 1.5, 2**63, 10**6, True, "0", None, [0]]
"""Each is answered with invalid_payload."""


def random_frame(rng: random.Random) -> str:
    """A text frame that begins like a packet."""
    text = "".join(rng.choices('0123456789[]{}",-:abc/', k=40))
    return rng.choice(("42", "451-", "4", "40")) + text
