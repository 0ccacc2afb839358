"""What strangers and bad clients say, as data: packets, fields, requests, tokens."""

import json
import random
import uuid

PLACEHOLDER = '{"_placeholder":true,"num":0}'

PACKETS: dict[str, list[str | bytes]] = {
    "no packet": ["zzzz"],
    "nothing": [""],
    "a type that is not": ["49"],
    "half an event": ['42["audio-chunk",'],
    "deep JSON in an event": ['42["a",' + "[" * 100_000 + "]" * 100_000 + "]"],
    "deep JSON before an event": ["4" + "[" * 100_000],
    "a huge packet id": ["42" + "9" * 5000 + '["audio-chunk"]'],
    "an event whose name is an object": ["42[{}]"],
    "an event without a name": ["42[]"],
    "a placeholder of another attachment": [
        '451-["audio-chunk",{"_placeholder":true,"num":99}]',
        b"abc",
    ],
    "a negative placeholder": ['451-["audio-chunk",{"_placeholder":true,"num":-1}]', b"abc"],
    "a placeholder that is a text": ['451-["audio-chunk",{"_placeholder":true,"num":"0"}]', b"abc"],
    "two placeholders": [f'451-["audio-chunk",{{"a":{PLACEHOLDER},"b":{PLACEHOLDER}}}]', b"abc"],
    "ten million attachments": [f'4510000000-["audio-chunk",{PLACEHOLDER}]', b"abc"],
    "more attachments than there are": ['4599999999999-["a"]'],
    "two attachments": [f'452-["audio-chunk",{PLACEHOLDER}]', b"abc", b"def"],
    "text for an attachment": [f'451-["audio-chunk",{PLACEHOLDER}]', '42["sync-check",{}]'],
    "an attachment nobody announced": [b"nobody announced this"],
    "a second CONNECT": ["40{}"],
    "a namespace of 3000 characters": ["40/" + "../" * 1000],
    "half a character": ['42["\\ud800"]'],
    "9 MB of text": ["4" * 9_000_000],
    "11 MB in a frame": [bytes(11_000_000)],
    "64 MB in a frame": [bytes(64_000_000)],
}
"""Each ends its own connection."""

SESSION_IDS: list[object] = [
    *("../../etc/passwd", "../../x", "a\0b", "x" * 1_000_000, "", 7, 1.5, None, True, [], {}),
    str(uuid.UUID(int=1)) + "\n",
    "{" + str(uuid.UUID(int=1)) + "}",
    str(uuid.UUID(int=1)).replace("0", "\u0660"),
    "' OR 1=1 --",
    "%2e%2e%2f",
]
SEQUENCES: list[object] = [-1, 1.5, 2**63, 2**64, 10**6, 1e300, True, "0", None, [0], {}]
SHA256: list[object] = ["", "0" * 63, "g" * 64, "0" * 65, 7, True, [], "A" * 1_000_000]
PAYLOADS: list[object] = [
    *([], "text", None, 5, True, {}, [[]]),
    {"sessions": [{}] * 300},
    {"sessions": [{"sessionId": str(uuid.UUID(int=1)), "have": [[5, 1]], "digest": "0"}]},
    {"sessionId": ["x"], "manifest": {"chunks": "all"}},
]
EVENTS = ("audio-chunk", "stop-session", "sync-check", "pause-session", "resume-session")

FALSE_TOKENS: list[object] = [None, "", "scribe_forged", "x" * 5000, "a\0b", 7, [], {}, True]
"""Beside them: real tokens, cut short, changed by a letter, expired and ended."""

FOREIGN_ORIGIN = "http://evil.example"
FOREIGN_HOST = "evil.example"

PATHS = [
    *("/api/sessions/../../etc/passwd", "/api/sessions/%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
    *("/api/sessions/..%00/audio", "/api/sessions/%00", "/api/sessions/'%20OR%201=1%20--"),
    *("/api/sessions/{id}/chunks/-1", "/api/sessions/{id}/chunks/1.5"),
    *("/api/sessions/{id}/chunks/9223372036854775808", "/api/sessions/{id}/chunks/%D9%A0"),
    *("/api/sessions/{id}/chunks/true", "/api/sessions/{id}/chunks/0x0"),
    *("/api/sessions?limit=-1", "/api/sessions?limit=0", "/api/sessions?limit=1e9"),
    *("/api/sessions?limit=99999999999999999999", "/api/sessions/" + "a" * 8_000),
    *("//evil.example/api/sessions", "/static/../../../etc/passwd", "/api//sessions"),
    "/socket.io/?EIO=3&transport=websocket",
    "/socket.io/?EIO=4&transport=carrier-pigeon",
    "/socket.io/?EIO=4&transport=polling&sid=../../x",
    "/socket.io/?EIO=4&transport=polling&j=0",
]
"""Asked for with a valid token: each is refused with a status of 4xx."""

BODIES: dict[str, bytes] = {
    "no JSON": b"title=Taken",
    "deep JSON": b'{"title":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "half a character": b'{"title":"\xff\xfe"}',
    "a title that is a number": b'{"title":7}',
    "a title of 60 000 letters": json.dumps({"title": "x" * 60_000}).encode(),
    "no title": b"{}",
    "nothing": b"",
    "9 MB": b'{"title":"' + b"x" * 9_000_000 + b'"}',
}
"""Of a PATCH: each is refused with a status of 4xx, or its connection is ended."""

REQUESTS: dict[str, str] = {
    "no HTTP": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no Host": "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "two Hosts": (
        "GET /healthz HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    ),
    "two lengths": (
        "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: {host}\r\n"
        "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"
    ),
    "a length and chunks": (
        "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: {host}\r\n"
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a negative length": (
        "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: {host}\r\n"
        "Content-Length: -4\r\n\r\nabcde"
    ),
    "a length without end": (
        "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: {host}\r\n"
        "Connection: close\r\nContent-Length: 99999999999999999999\r\n\r\nabcde"
    ),
    "a header of 100 kB": (
        "GET /healthz HTTP/1.1\r\nHost: {host}\r\nX-Long: " + "x" * 100_000 + "\r\n\r\n"
    ),
    "10 000 headers": (
        "GET /healthz HTTP/1.1\r\nHost: {host}\r\n" + "X-Many: 1\r\n" * 10_000 + "\r\n"
    ),
    "a method that is not": "BREW /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
}
"""Bytes on a fresh connection: an answer of 4xx or none, and the connection ends."""

RANGES = [
    *("bytes=-1", "bytes=5-1", "bytes=0-99999999999999999999", "bytes=99999999999999999999-"),
    *("bytes=a-b", "lines=0-5", "bytes=0-0," * 1_000 + "0-0", "bytes=--1", "bytes="),
]
"""Of a GET of audio: answered as the whole, as a part, or with 416."""


def random_frame(chance: random.Random) -> str:
    """A text frame that begins like a packet."""
    text = "".join(chance.choices('0123456789[]{}",-:abc/', k=40))
    return chance.choice(("42", "451-", "4", "40")) + text
