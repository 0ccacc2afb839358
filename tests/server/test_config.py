from pathlib import Path

import pytest

from scribe_server.config import ServerConfig, is_loopback, load_config
from scribe_server.errors import ConfigError


def load(environ: dict[str, str] | None = None, **flags: object) -> ServerConfig:
    return load_config({"DATA_DIR": "/data", **flags}, environ or {})


def test_the_defaults_are_loopback_with_tokens_and_everything_below_one_folder() -> None:
    config = load()
    assert (config.host, config.port, config.auth) == ("127.0.0.1", 8765, "token")
    assert config.storage_dir == Path("/data")
    assert config.archive_storage_path == Path("/data/archives")
    assert config.database_url is None
    assert config.max_queue_size == 10
    assert config.max_socket_buffer == 5 * 1024 * 1024
    assert config.max_unstored_bytes is None


def test_without_a_data_dir_the_users_data_folder_is_used() -> None:
    assert load_config({}, {}).data_dir.name == "scribe-server"


def test_a_flag_beats_the_environment_which_beats_the_default() -> None:
    environ = {"PORT": "1", "MAX_QUEUE_SIZE": "3"}
    config = load(environ, PORT=2)
    assert (config.port, config.max_queue_size) == (2, 3)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load({"PORT": "", "ALLOWED_ORIGINS": ""}).port == 8765


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("512K", 524_288), ("5MiB", 5_242_880), ("1 g", 1_073_741_824)]
)
def test_sizes_may_have_a_unit(text: str, size: int) -> None:
    assert load({"MAX_SOCKET_BUFFER": text}).max_socket_buffer == size


def test_retention_has_the_documented_defaults() -> None:
    config = load()
    assert (config.retention_days, config.warm_days, config.cold_days) == (7, 30, 0)
    assert config.retention_timezone == "UTC"
    assert config.cold_engines == ("faster-whisper", "openai")
    assert config.cold_without_transcript is False


def test_retention_can_be_set() -> None:
    config = load(
        {
            "WARM_DAYS": "0",
            "RETENTION_TIMEZONE": "Europe/Berlin",
            "COLD_ENGINES": "openai other",
            "COLD_WITHOUT_TRANSCRIPT": "Yes",
            "ARCHIVE_STORAGE_PATH": "s3://recordings/scribe/",
        }
    )
    assert (config.warm_days, config.cold_without_transcript) == (0, True)
    assert config.retention_timezone == "Europe/Berlin"
    assert config.cold_engines == ("openai", "other")
    assert config.archive_storage_path == "s3://recordings/scribe"


def test_origins_are_normalised() -> None:
    config = load({"ALLOWED_ORIGINS": "https://Scribe.example.com/, http://[::1]:3000"})
    assert config.allowed_origins == ("https://scribe.example.com", "http://[::1]:3000")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("HOST", "a b"),
        ("AUTH", "maybe"),
        ("DATABASE_URL", "scribe.db"),
        ("DATA_DIR", "\0"),
        ("RETENTION_DAYS", "0"),
        ("WARM_DAYS", "a month"),
        ("COLD_DAYS", "-1"),
        ("RETENTION_TIMEZONE", "Middle/Earth"),
        ("RETENTION_TIMEZONE", "Europe"),
        ("RETENTION_TIMEZONE", "../../etc/passwd"),
        ("COLD_ENGINES", "openai, rm -rf /"),
        ("COLD_ENGINES", ","),
        ("COLD_WITHOUT_TRANSCRIPT", "perhaps"),
        ("ARCHIVE_STORAGE_PATH", "gs://bucket"),
        ("ARCHIVE_STORAGE_PATH", "s3://"),
        ("ARCHIVE_STORAGE_PATH", "s3://Bucket/a?b"),
        ("MAX_QUEUE_SIZE", "0"),
        ("MEMORY_THRESHOLD", "1.5"),
        ("MEMORY_THRESHOLD", "nan"),
        ("MEMORY_THRESHOLD", "."),
        ("MAX_SOCKET_BUFFER", "0"),
        ("MAX_UNSTORED_BYTES", "lots"),
        ("ALLOWED_ORIGINS", "scribe.example.com"),
        ("ALLOWED_ORIGINS", "https://a:port"),
        ("ALLOWED_ORIGINS", "https://[::1"),
        ("ALLOWED_ORIGINS", "https://a/path"),
    ],
)
def test_a_bad_value_is_named_in_one_sentence(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({}, {name: value})
    assert caught.value.message.startswith(f"{name} must be ")
    assert caught.value.message.endswith(".")


def test_no_authentication_is_for_loopback_only() -> None:
    assert load({"AUTH": "none"}).auth == "none"
    with pytest.raises(ConfigError, match="HOST must be a loopback address"):
        load({"AUTH": "none", "HOST": "192.0.2.1"})


def test_a_child_server_always_asks_for_a_token() -> None:
    with pytest.raises(ConfigError, match="AUTH must be token"):
        load({"AUTH": "none"}, child=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"])
def test_loopback_literals_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "::", "example.com", "localhost.example.com", ""])
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_scrubbing_may_be_slow_fast_or_never() -> None:
    for text, rate in [("0", 0.0), ("0.5", 0.5), ("20", 20.0)]:
        assert load_config({}, {"SCRUB_MB_PER_S": text}).scrub_mb_per_s == rate
    for text in ("-1", "fast", "1001"):
        with pytest.raises(ConfigError, match="SCRUB_MB_PER_S"):
            load_config({}, {"SCRUB_MB_PER_S": text})
