"""All attacks by name."""

from tests.faults.attacks import over_http, over_sockets
from tests.faults.attacks.running import Attack

ATTACKS = (
    Attack("malformed packets", over_sockets.malformed_packets),
    Attack("wrong fields", over_sockets.wrong_fields),
    Attack("random frames", over_sockets.random_frames),
    Attack("false tokens", over_sockets.false_tokens),
    Attack("replays", over_sockets.replays),
    Attack("other people's sessions", over_http.other_peoples_sessions),
    Attack("foreign pages", over_http.foreign_pages),
    Attack("strange requests", over_http.strange_requests),
    Attack("event flood", over_sockets.event_flood),
    Attack("ignoring backpressure", over_sockets.ignoring_backpressure),
    Attack("never reading", over_sockets.never_reading),
    Attack("control frames", over_sockets.control_frames),
    Attack("half frames", over_sockets.half_frames),
    Attack("silent sockets", over_sockets.silent_sockets, waits=True),
    Attack("slow headers", over_http.slow_headers, waits=True),
    Attack("slow bodies", over_http.slow_bodies, waits=True),
)
