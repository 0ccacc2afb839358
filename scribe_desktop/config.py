"""Settings, read once and checked: defaults < settings.toml < environment (SCRIBE_…) < flags."""

import dataclasses
import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from scribe_desktop.errors import UsageError
from scribe_desktop.paths import Paths

LOCAL: Final = "local"


@dataclass(frozen=True)
class Settings:
    """What a person can set.

    Attributes:
        server: `local` (the bundled server), a server's origin, or empty: none yet.
        keep_local_days: audio stays here at least so long after its receipt; 0 means for ever.
        bitrate: of the Opus encoder, bits per second.
        channels: 1 or 2.
        device: the microphone's name; empty follows the system's default.
        insecure: allow plain http to another computer, where everyone on the way can listen.
        language: of the window; empty follows the system.
        theme: of the window: `system`, `light` or `dark`.
        shortcut: the global key that starts and stops.
        notify_start: say that a recording has started and been saved.
        first_run_done: the first questions were answered.
    """

    server: str = LOCAL
    keep_local_days: int = 30
    bitrate: int = 32_000
    channels: int = 1
    device: str = ""
    insecure: bool = False
    language: str = ""
    theme: str = "system"
    shortcut: str = "Ctrl+Shift+R"
    notify_start: bool = True
    first_run_done: bool = False


_RANGES: Final = {"keep_local_days": (0, 36_500), "bitrate": (16_000, 128_000), "channels": (1, 2)}
_CHOICES: Final = {"theme": ("system", "light", "dark")}
_KINDS: Final[Mapping[str, type]] = {
    field.name: type(field.default) for field in dataclasses.fields(Settings)
}
_WORDS: Final = {str: "text in quotes", int: "a whole number", bool: "true or false"}


def load_settings(
    paths: Paths, environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None
) -> Settings:
    """The settings of this run; an override of None counts as not given.

    Raises:
        UsageError: naming the line, variable or flag whose value does not fit.
    """
    values = _from_file(paths.settings_file)
    values |= _from_environment(environ)
    for key, value in (overrides or {}).items():
        if value is not None:
            values[key] = _checked(key, value, f"--{key.replace('_', '-')}")
    return Settings(**values)


def save_settings(paths: Paths, **changes: Any) -> None:
    """Write changed settings into the file, leaving its other lines and comments as they are.

    Raises:
        UsageError: when a value does not fit, or the file cannot be written.
    """
    file = paths.settings_file
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        for key, value in changes.items():
            line = f"{key} = {_to_toml(_checked(key, value, key))}"
            at = _line_of(key, "\n".join(lines))
            lines[at - 1 : at] = [line]
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except OSError as error:
        raise _wrong(str(file), f"cannot be written: {error.strerror or error}") from error


def origin_of(url: str) -> str:
    """The origin of an address as it is compared: lower case, without a default port.

    Raises:
        UsageError: when it is not `http(s)://host[:port]`.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong("server", f"is not an address: {error}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise _wrong("server", f"is not an address like https://scribe.example: {url!r}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username:
        raise _wrong("server", "has more than a scheme, a host and a port")
    name = f"[{host}]" if ":" in host else host
    usual = port in {None, 443 if parts.scheme == "https" else 80}
    return f"{parts.scheme}://{name}" if usual else f"{parts.scheme}://{name}:{port}"


def is_loopback(origin: str) -> bool:
    """Whether an origin is this computer, judged by the name alone."""
    host = urlsplit(origin).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_transport(origin: str, *, insecure: bool) -> None:
    """Refuse plain http to another computer.

    Raises:
        UsageError: unless it is https, this computer, or the person took the risk.
    """
    if origin.startswith("http://") and not is_loopback(origin) and not insecure:
        raise UsageError(
            "Not encrypted",
            f"{origin} would send the token and the sound in the clear.",
            "Use https, or --insecure if everyone on the way may listen.",
        )


# ------------------------------------------------------------------------------- private


def _from_file(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(str(file), f"cannot be read: {error}") from error
    return {
        key: _checked(key, value, f"{file}, line {_line_of(key, text)}: {key}")
        for key, value in found.items()
    }


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for key, kind in _KINDS.items():
        name = f"SCRIBE_{key.upper()}"
        if name in environ:
            values[key] = _checked(key, _read(environ[name], kind, name), name)
    return values


def _read(text: str, kind: type, where: str) -> str | int | bool:
    if kind is str:
        return text
    if kind is bool:
        known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if text.lower() not in known:
            raise _wrong(where, f"must be true or false, not {text!r}")
        return known[text.lower()]
    try:
        return int(text)
    except ValueError as error:
        raise _wrong(where, f"must be a whole number, not {text!r}") from error


def _checked(key: str, value: Any, where: str) -> Any:
    if key not in _KINDS:
        near = difflib.get_close_matches(key, _KINDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(_KINDS))}"
        raise _wrong(where, f"is not a setting; {hint}")
    if not _is_of_kind(value, _KINDS[key]):
        raise _wrong(where, f"must be {_WORDS[_KINDS[key]]}, not {value!r}")
    if key in _RANGES:
        low, high = _RANGES[key]
        if not low <= value <= high:
            raise _wrong(where, f"must be from {low} to {high}, not {value}")
    if value not in _CHOICES.get(key, (value,)):
        raise _wrong(where, f"must be one of {', '.join(_CHOICES[key])}, not {value!r}")
    if key == "server" and value not in {"", LOCAL}:
        try:
            return origin_of(value)
        except UsageError as error:
            raise _wrong(where, error.message.partition(" ")[2].rstrip(".")) from error
    return value


def _is_of_kind(value: object, kind: type) -> bool:
    return type(value) is kind  # not isinstance: true is an int in Python


def _line_of(key: str, text: str) -> int:
    """The line (from 1) that sets a key; the one after the last when none does."""
    pattern = re.compile(rf"\s*(?:\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if pattern.match(line)), len(lines) + 1)


def _to_toml(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + '"'
    )


def _wrong(where: str, what: str) -> UsageError:
    return UsageError("Setting does not fit", f"{where} {what}.", "Correct it and start again.")
