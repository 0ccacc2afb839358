import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketio import packet

from scribe_server.sockets.packets import (
    MALFORMED,
    StrictJson,
    StrictPacket,
    check_polling_body,
    is_text_frame,
)


def decoded(text: str, *attachments: object) -> object:
    arrived = StrictPacket(encoded_packet=text)
    for attachment in attachments:
        arrived.add_attachment(attachment)
    return arrived.data


def test_an_event_with_its_attachment_is_put_together() -> None:
    text = '51-["audio-chunk",{"audio":{"_placeholder":true,"num":0},"list":[1]}]'
    assert decoded(text, b"sound") == ["audio-chunk", {"audio": b"sound", "list": [1]}]


def test_what_we_send_is_what_a_stock_client_reads() -> None:
    sent = StrictPacket(packet.EVENT, data=["welcome", {"a": [1, None]}]).encode()
    assert packet.Packet(encoded_packet=sent).data == ["welcome", {"a": [1, None]}]


@pytest.mark.parametrize(
    "text",
    [
        "x",
        '2["a"',
        '2["a",NaN]',
        '2["\\ud800"]',
        '2["a",' + "[" * 50_000 + "]" * 50_000 + "]",
        "2" + "9" * 5000 + '["a"]',
        '50-["a"]',
        '52-["a"]',
        '510000000-["a",{"_placeholder":true,"num":0}]',
        '599999999999-["a"]',
        '5["a"]',
        '21-["a"]',
        '²["a"]',
    ],
)
def test_a_broken_text_part_is_refused(text: str) -> None:
    with pytest.raises(MALFORMED):
        StrictPacket(encoded_packet=text)


@pytest.mark.parametrize("placeholder", ["7", "-1", "true", "0.5", '"0"', "null"])
def test_a_placeholder_for_no_attachment_is_refused(placeholder: str) -> None:
    with pytest.raises(MALFORMED):
        decoded(f'51-["a",{{"_placeholder":true,"num":{placeholder}}}]', b"x")


@pytest.mark.parametrize(
    "text",
    [
        '51-["a"]',
        '51-["a",{"_placeholder":true}]',
        '51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]',
        '51-["a",' + "[" * 2000 + '{"_placeholder":true,"num":0}' + "]" * 2000 + "]",
    ],
)
def test_an_attachment_without_exactly_one_reachable_place_is_refused(text: str) -> None:
    with pytest.raises(MALFORMED):
        decoded(text, b"x")


def test_text_in_place_of_the_attachment_is_refused() -> None:
    with pytest.raises(MALFORMED):
        decoded('51-["a",{"_placeholder":true,"num":0}]', '2["b"]')


def test_bytes_that_nothing_announced_are_refused() -> None:
    with pytest.raises(MALFORMED):
        StrictPacket(encoded_packet=b"abc")


@given(st.text())
def test_any_text_is_read_or_refused_as_malformed(text: str) -> None:
    try:
        count = StrictPacket(encoded_packet=text).attachment_count
    except MALFORMED:
        return
    assert count in {0, 1}


@pytest.mark.parametrize("frame", ["1", "2probe", "3", '40{"token":"x"}', "42[]", "451-[]", "5"])
def test_frames_that_clients_send_are_known(frame: str) -> None:
    assert is_text_frame(frame)


@pytest.mark.parametrize("frame", ["", "0{}", "4", "4[[[[", "44{}", "49", "6", "x", "3" + "[" * 99])
def test_other_frames_are_not(frame: str) -> None:
    assert not is_text_frame(frame)


def test_polling_bodies_are_checked_packet_by_packet() -> None:
    check_polling_body(b"42[]\x1ebAAEC")
    for body in (b"", b"\xff", b"bA", b"b!!!!", b"d=42[]", b"\x1e" * 9, b"3\x1e" * 10_000 + b"3"):
        with pytest.raises(ValueError, match=r"."):
            check_polling_body(body)


def test_our_json_writes_no_spaces() -> None:
    assert StrictJson.dumps({"a": [1, 2]}, separators=(",", ":")) == '{"a":[1,2]}'
