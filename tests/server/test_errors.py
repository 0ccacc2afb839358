from scribe_server.errors import ConfigError, StartupError


def test_a_config_error_is_its_message() -> None:
    assert str(ConfigError("PORT must be a number.")) == "PORT must be a number."


def test_a_startup_error_carries_the_way_out() -> None:
    error = StartupError("The folder is in use.", "Stop the other server.")
    assert (error.message, error.remedy) == ("The folder is in use.", "Stop the other server.")
    assert str(error) == "The folder is in use."
