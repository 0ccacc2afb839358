import dataclasses

from scribe_server.config import ServerConfig
from scribe_server.operations.flags import SERVE_FLAGS, STORAGE_FLAGS, config_of


def test_every_setting_has_a_flag() -> None:
    fields = {field.name for field in dataclasses.fields(ServerConfig)} - {"announce", "child"}
    names = {name.lower() for name in SERVE_FLAGS}
    assert fields == names
    assert set(STORAGE_FLAGS) < set(SERVE_FLAGS)


def test_flags_that_were_not_given_leave_the_defaults() -> None:
    config = config_of({"DATA_DIR": "/data", **dict.fromkeys(("PORT", "HOST", "AUTH"))})
    assert (config.port, config.host, config.auth) == (8765, "127.0.0.1", "token")
