"""The server's settings: flags over environment over defaults, parsed and checked once."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from scribe_server.errors import ConfigError

AuthMode = Literal["token", "none"]
T = TypeVar("T")

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765
DEFAULT_RETENTION_DAYS = 7
DEFAULT_WARM_DAYS = 30
DEFAULT_TIMEZONE = "UTC"
DEFAULT_COLD_ENGINES = ("faster-whisper", "openai")
DEFAULT_MAX_CONNECTIONS = 2000
DEFAULT_SCRUB_MB_PER_S = 1.0
_MIB = 1024 * 1024
_UNITS = {"": 1, "K": 1024, "M": _MIB, "G": 1024 * _MIB}
_SIZE = re.compile(r"(\d{1,15})\s*([KMG]?)(?:i?B)?", re.IGNORECASE)


@dataclass(frozen=True)
class ServerConfig:
    """Everything that can be set. Sizes are bytes, `memory_threshold` is a share of 1.

    `archive_storage_path` is a folder, or the `s3://bucket/prefix` of an object store. Of the
    days, 0 is for ever (docs/RETENTION.md). `scrub_mb_per_s` counts millions of bytes; 0 is never.
    `max_unstored_bytes` is None when it follows the memory limit; `database_url` is None for a file
    in `data_dir`; the segments are in `storage_dir`/segments; `port` 0 takes a free port.
    """

    data_dir: Path
    storage_dir: Path
    archive_storage_path: Path | str
    database_url: str | None = None
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    auth: AuthMode = "token"
    allowed_origins: tuple[str, ...] = ()
    retention_days: int = DEFAULT_RETENTION_DAYS
    warm_days: int = DEFAULT_WARM_DAYS
    cold_days: int = 0
    retention_timezone: str = DEFAULT_TIMEZONE
    cold_engines: tuple[str, ...] = DEFAULT_COLD_ENGINES
    cold_without_transcript: bool = False
    max_queue_size: int = 10
    memory_threshold: float = 0.8
    max_socket_buffer: int = 5 * _MIB
    max_unstored_bytes: int | None = None
    max_connections_per_address: int = DEFAULT_MAX_CONNECTIONS
    scrub_mb_per_s: float = DEFAULT_SCRUB_MB_PER_S
    announce: bool = False
    child: bool = False


def load_config(argv_values: Mapping[str, Any], environ: Mapping[str, str]) -> ServerConfig:
    """Build the settings from flags (by environment name; None: not given) and environment.

    Raises:
        ConfigError: naming the variable whose value cannot be used.
    """
    source = _Source(argv_values, environ)
    data_dir = source.get("DATA_DIR", _folder, None) or _default_data_dir()
    archives: Path | str = data_dir / "archives"
    config = ServerConfig(
        data_dir=data_dir,
        storage_dir=source.get("STORAGE_DIR", _folder, data_dir),
        archive_storage_path=source.get("ARCHIVE_STORAGE_PATH", _archive_storage, archives),
        database_url=source.get("DATABASE_URL", _database_url, None),
        host=source.get("HOST", _host, DEFAULT_HOST),
        port=source.get("PORT", _whole(0, 65_535), DEFAULT_PORT),
        auth=source.get("AUTH", _auth, "token"),
        allowed_origins=source.get("ALLOWED_ORIGINS", _origins, ()),
        retention_days=source.get("RETENTION_DAYS", _whole(1, 36_500), DEFAULT_RETENTION_DAYS),
        warm_days=source.get("WARM_DAYS", _whole(0, 36_500), DEFAULT_WARM_DAYS),
        cold_days=source.get("COLD_DAYS", _whole(0, 36_500), 0),
        retention_timezone=source.get("RETENTION_TIMEZONE", _timezone, DEFAULT_TIMEZONE),
        cold_engines=source.get("COLD_ENGINES", _names, DEFAULT_COLD_ENGINES),
        cold_without_transcript=source.get("COLD_WITHOUT_TRANSCRIPT", _yes_or_no, False),
        max_queue_size=source.get("MAX_QUEUE_SIZE", _whole(1, 1_000), 10),
        memory_threshold=source.get("MEMORY_THRESHOLD", _share, 0.8),
        max_socket_buffer=source.get("MAX_SOCKET_BUFFER", _size, 5 * _MIB),
        max_unstored_bytes=source.get("MAX_UNSTORED_BYTES", _size, None),
        max_connections_per_address=source.get(
            "MAX_CONNECTIONS_PER_ADDRESS", _whole(0, 1_000_000), DEFAULT_MAX_CONNECTIONS
        ),
        scrub_mb_per_s=source.get("SCRUB_MB_PER_S", _rate, DEFAULT_SCRUB_MB_PER_S),
        announce=bool(argv_values.get("announce")),
        child=bool(argv_values.get("child")),
    )
    _check_together(config)
    return config


def is_loopback(host: str) -> bool:
    """Whether a host name or address literal can only mean this computer."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _check_together(config: ServerConfig) -> None:
    if config.auth == "none" and not is_loopback(config.host):
        raise ConfigError(
            f"AUTH=none lets everybody in, so HOST must be a loopback address, not {config.host!r}."
        )
    if config.auth == "none" and config.child:
        raise ConfigError("AUTH must be token when the server runs as a child (--child).")


class _Source:
    """Where a value comes from, and which name to blame for it."""

    def __init__(self, argv_values: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._argv = argv_values
        self._environ = environ

    def get(self, name: str, read: Callable[[str], T], default: T) -> T:
        value = self._argv.get(name)
        if value is None:
            value = self._environ.get(name) or None
        if value is None:
            return default
        try:
            return read(str(value).strip())
        except ValueError as error:
            raise ConfigError(f"{name} must be {error}, not {str(value)[:200]!r}.") from error


def _default_data_dir() -> Path:
    import appdirs

    return Path(appdirs.user_data_dir("scribe-server", appauthor=False))


# The readers raise ValueError with the words that follow "NAME must be".


def _folder(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("the path of a folder")
    return Path(text).expanduser().absolute()


def _archive_storage(text: str) -> Path | str:
    if "://" not in text:
        return _folder(text)
    # Names of buckets: docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?", text):
        return text.rstrip("/")
    raise ValueError("the path of a folder, or s3://BUCKET or s3://BUCKET/PREFIX")


def _timezone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ValueError, OSError, LookupError) as error:
        raise ValueError("the name of a time zone such as UTC or Europe/Berlin") from error


def _names(text: str) -> tuple[str, ...]:
    names = tuple(part for part in re.split(r"[,\s]+", text) if part)
    if not names or not all(re.fullmatch(r"[A-Za-z0-9._-]{1,50}", name) for name in names):
        raise ValueError("names of transcription engines, separated by commas")
    return names


def _yes_or_no(text: str) -> bool:
    match text.lower():
        case "yes":
            return True
        case "no":
            return False
        case _:
            raise ValueError("yes or no")


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.\-_]+|\[?[0-9A-Fa-f:.]+(%\w+)?\]?", text):
        raise ValueError("a host name or an address")
    return text.strip("[]")


def _database_url(text: str) -> str:
    if not re.match(r"[a-z][a-z0-9+]*://", text):
        raise ValueError("a URL such as sqlite:////var/lib/scribe/scribe.sqlite3")
    return text


def _auth(text: str) -> AuthMode:
    match text.lower():
        case "token":
            return "token"
        case "none":
            return "none"
        case _:
            raise ValueError("token or none")


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,12}", text) and lowest <= int(text) <= highest:
            return int(text)
        raise ValueError(f"a whole number from {lowest} to {highest}")

    return read


def _share(text: str) -> float:
    if re.fullmatch(r"[0-9]{0,3}(\.[0-9]{1,9})?", text) and text and 0.05 <= float(text) <= 1:
        return float(text)
    raise ValueError("a share from 0.05 to 1")


def _rate(text: str) -> float:
    if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", text) and float(text) <= 1000:
        return float(text)
    raise ValueError("a number of megabytes per second from 0 (never) to 1000")


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found and (size := int(found[1]) * _UNITS[found[2].upper()]) > 0:
        return size
    raise ValueError("a size such as 5242880, 512K, 5M or 1G")


def _origins(text: str) -> tuple[str, ...]:
    return tuple(_origin(part) for part in re.split(r"[,\s]+", text) if part)


def _origin(text: str) -> str:
    problem = "origins such as https://scribe.example.com, separated by commas"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(problem) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise ValueError(problem)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
