import stat
from pathlib import Path

import pytest

from scribe_desktop.config import (
    Settings,
    check_transport,
    is_loopback,
    load_settings,
    origin_of,
    save_settings,
)
from scribe_desktop.errors import UsageError
from scribe_desktop.paths import Paths
from tests.parts.fake_app_parts import paths_in


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return paths_in(tmp_path)


def write(paths: Paths, text: str) -> None:
    paths.config_dir.mkdir(parents=True, exist_ok=True)
    paths.settings_file.write_text(text, encoding="utf-8")


def test_without_a_file_the_defaults_hold(paths: Paths) -> None:
    assert load_settings(paths, {}) == Settings()


def test_flags_go_before_environment_before_file_before_defaults(paths: Paths) -> None:
    write(paths, 'bitrate = 24000\nchannels = 2\ndevice = "USB"\n')
    environ = {"SCRIBE_CHANNELS": "1", "SCRIBE_BITRATE": "48000"}
    settings = load_settings(paths, environ, {"bitrate": 64_000, "server": None})
    assert (settings.bitrate, settings.channels, settings.device) == (64_000, 1, "USB")
    assert settings.server == "local"


def test_a_mistake_in_the_syntax_names_file_and_line(paths: Paths) -> None:
    write(paths, "bitrate = 24000\nchannels = = 2\n")
    with pytest.raises(UsageError, match=r"settings\.toml.*line 2"):
        load_settings(paths, {})


def test_a_value_that_does_not_fit_names_its_line_and_key(paths: Paths) -> None:
    write(paths, "# mine\nbitrate = 24000\nchannels = 3\n")
    with pytest.raises(UsageError, match="line 3: channels must be from 1 to 2, not 3"):
        load_settings(paths, {})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('bitrate = "fast"', "a whole number"),
        ("bitrate = true", "a whole number"),
        ("device = 3", "text in quotes"),
        ("insecure = 1", "true or false"),
        ("[server]\nurl = 1", "text in quotes"),
    ],
)
def test_a_value_of_another_kind_is_refused(paths: Paths, line: str, words: str) -> None:
    write(paths, line)
    with pytest.raises(UsageError, match=f"line 1.*{words}"):
        load_settings(paths, {})


def test_an_unknown_key_comes_with_a_suggestion(paths: Paths) -> None:
    write(paths, "bitrat = 24000\n")
    with pytest.raises(UsageError, match=r"line 1: bitrat .*did you mean bitrate\?"):
        load_settings(paths, {})


def test_a_key_like_no_other_is_refused_with_the_known_ones(paths: Paths) -> None:
    write(paths, "zzz = 1\n")
    with pytest.raises(UsageError, match=r"known are .*bitrate.*server"):
        load_settings(paths, {})


@pytest.mark.parametrize(
    ("name", "value"), [("SCRIBE_BITRATE", "fast"), ("SCRIBE_INSECURE", "maybe")]
)
def test_a_variable_that_does_not_fit_is_named(paths: Paths, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        load_settings(paths, {name: value})


def test_a_flag_that_does_not_fit_is_named(paths: Paths) -> None:
    with pytest.raises(UsageError, match="--server"):
        load_settings(paths, {}, {"server": "scribe.example"})


def test_the_server_is_kept_as_an_origin(paths: Paths) -> None:
    write(paths, 'server = "HTTPS://Scribe.Example:443/"\n')
    assert load_settings(paths, {}).server == "https://scribe.example"


@pytest.mark.parametrize(
    "url",
    ["ftp://a", "https://", "https://u:p@a", "https://a/b", "https://a?b", "https://a:b", "local"],
)
def test_what_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        origin_of(url)


def test_an_ipv6_origin_keeps_its_brackets() -> None:
    assert origin_of("http://[::1]:8080") == "http://[::1]:8080"


@pytest.mark.parametrize(
    ("origin", "is_here"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:1", True),
        ("http://localhost", True),
        ("http://localhost.example", False),
        ("http://192.0.2.1", False),
    ],
)
def test_loopback_is_told_by_the_name(origin: str, is_here: bool) -> None:
    assert is_loopback(origin) is is_here


def test_plain_http_to_another_computer_needs_a_decision() -> None:
    with pytest.raises(UsageError, match="--insecure"):
        check_transport("http://192.0.2.1", insecure=False)
    check_transport("http://192.0.2.1", insecure=True)
    check_transport("http://127.0.0.1:1", insecure=False)
    check_transport("https://scribe.example", insecure=False)


def test_saving_changes_one_line_and_keeps_the_others(paths: Paths) -> None:
    write(paths, '# mine\nbitrate = 24000 # low\nserver = "local"\n')
    save_settings(paths, server="https://scribe.example", insecure=True)
    text = paths.settings_file.read_text(encoding="utf-8")
    assert text == (
        '# mine\nbitrate = 24000 # low\nserver = "https://scribe.example"\ninsecure = true\n'
    )
    assert stat.S_IMODE(paths.settings_file.stat().st_mode) == 0o600


def test_any_text_survives_saving(paths: Paths) -> None:
    name = 'a "mic" \\ with\ttab, ü and \x7f'
    save_settings(paths, device=name)
    assert load_settings(paths, {}).device == name


def test_a_value_that_does_not_fit_is_not_saved(paths: Paths) -> None:
    with pytest.raises(UsageError, match="bitrate"):
        save_settings(paths, bitrate=1)
    assert not paths.settings_file.exists()
