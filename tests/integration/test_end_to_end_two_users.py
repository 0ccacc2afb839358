"""Two people on one server: each has their own recordings and never sees the other's."""

import json
from pathlib import Path

import pytest

from tests.parts.desktop import Desktop
from tests.parts.proof import assert_delivered, rest
from tests.parts.server import ServerProcess
from tests.parts.sound import make_speech

pytestmark = pytest.mark.real


def record(server: ServerProcess, home: Path, user: str, sound: Path) -> str:
    env = {"SCRIBE_SERVER": server.url, "SCRIBE_TOKEN": server.tokens[user]}
    command = ["record", "--input", str(sound), "--speed", "max", "--wait", "--timeout", "60"]
    result = Desktop(home, env=env).run(*command, "--title", f"Of {user}", json=True)
    session_id: str = result.json["sessionId"]
    return session_id


def test_two_users_of_one_server_do_not_see_each_others_sessions(tmp_path: Path, seed: int) -> None:
    sound = tmp_path / "speech.wav"
    make_speech(sound, seconds=3, seed=seed)
    with ServerProcess(tmp_path / "server", users=("ann", "ben")) as server:
        of_ann = record(server, tmp_path / "ann", "ann", sound)
        of_ben = record(server, tmp_path / "ben", "ben", sound)
        assert_delivered(tmp_path / "ann", server, of_ann)

        for user, own in (("ann", of_ann), ("ben", of_ben)):
            listed = json.loads(rest(server, "/api/sessions", token=server.tokens[user]).body)
            assert [session["sessionId"] for session in listed["sessions"]] == [own]

        nobodys = "00000000-0000-4000-8000-000000000000"
        for rest_of_path in ("", "/chunks", "/chunks/0", "/missing-chunks", "/audio"):
            token = server.tokens["ben"]
            foreign = rest(server, f"/api/sessions/{of_ann}{rest_of_path}", token=token)
            unknown = rest(server, f"/api/sessions/{nobodys}{rest_of_path}", token=token)
            assert foreign.status == 404
            assert foreign == unknown, "an answer tells that somebody else's session exists"

        rest(server, f"/api/sessions/{of_ann}", token=server.tokens["ben"], method="DELETE")
        assert_delivered(tmp_path / "ann", server, of_ann)


def test_a_wrong_token_opens_nothing_and_the_recording_stays_here(
    tmp_path: Path, seed: int
) -> None:
    sound = tmp_path / "speech.wav"
    samples = make_speech(sound, seconds=3, seed=seed)
    with ServerProcess(tmp_path / "server") as server:
        env = {"SCRIBE_SERVER": server.url, "SCRIBE_TOKEN": "scribe_" + "x" * 43}
        desktop = Desktop(tmp_path / "home", env=env)
        command = ["record", "--input", str(sound), "--speed", "max", "--wait", "--timeout", "4"]
        refused = desktop.run(*command, expect=None)
        assert refused.exit_code in {5, 6}
        assert rest(server, "/api/sessions", token="scribe_" + "x" * 43).status == 401
        listed = desktop.run("sessions", json=True).json
        assert len(listed) == 1

        desktop.run("sync", "--once", env={"SCRIBE_TOKEN": server.token})
        delivered = assert_delivered(desktop.home, server, listed[0]["sessionId"])
        assert delivered.session.total_samples == len(samples)
