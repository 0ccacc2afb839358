"""What a running instance answers on its control socket."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scribe_desktop.control import Handler
from scribe_desktop.errors import OnlyHereError, ScribeError, UsageError
from scribe_desktop.model import CaptureState

if TYPE_CHECKING:
    from scribe_desktop.app.app import App
    from scribe_desktop.capture.request import RecordingRequest


def handlers_of(app: "App") -> dict[str, Handler]:
    """The commands, each a function of the request."""
    return {
        "status": lambda _: describe(app),
        "record": lambda request: {"sessionId": app.start_recording(request_from(app, request))},
        "toggle": lambda _: _toggle(app),
        "stop": lambda request: _stop(app, request),
        "pause": _doing(app.pause_recording),
        "resume": _doing(app.resume_recording),
        "marker": lambda request: _mark(app, request),
        "sync": _doing(app.send_now),
        "delete": lambda request: _delete(app, request),
        "sign-in": lambda request: _sign_in(app, request),
        "sign-out": lambda request: _sign_out(app, request),
        "raise": _no_window,
    }


def describe(app: "App") -> dict[str, Any]:
    """The status with everything that a script may want, in camelCase."""
    failure = app.failure
    return {
        "running": True,
        "pid": os.getpid(),
        "server": app.settings.server,
        "serverFailure": app.server_failure,
        "folder": str(app.paths.data_dir),
        "recovered": app.storage.recovered,
        "salvaged": [found.words for found in app.storage.salvaged],
        "takenOver": [found.words for found in app.storage.taken_over],
        "failure": None if failure is None else _failure(failure),
        **plain(app.status),
        "capture": plain(app.capture),
    }


def plain(value: Any) -> Any:
    """A dataclass as JSON values, its names in camelCase."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {camel(f.name): plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value.value if isinstance(value, StrEnum) else value


def camel(name: str) -> str:
    """`session_id` → `sessionId`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def request_from(app: "App", fields: Mapping[str, Any]) -> "RecordingRequest":
    """The recording that a `record` command asks for; what it leaves out is as in the settings.

    Raises:
        UsageError: when a field does not fit.
    """
    base = app.new_request(str(fields.get("title") or ""))
    try:
        input_file = fields.get("inputFile")
        save_wav = fields.get("saveWav")
        for_samples = fields.get("forSamples")
        return dataclasses.replace(
            base,
            source="import" if input_file else "mic",
            input_file=Path(input_file) if input_file else None,
            device=None if input_file else fields.get("device") or base.device,
            realtime=bool(fields.get("realtime", True)),
            for_samples=int(for_samples) if for_samples is not None else None,
            save_wav=Path(save_wav) if save_wav else None,
        )
    except (TypeError, ValueError) as error:
        raise UsageError("Unknown request", f"The recording is not understood: {error}.") from error


def _toggle(app: "App") -> dict[str, Any]:
    capture = app.capture
    if capture.state is CaptureState.IDLE:
        return {"recording": True, "sessionId": app.start_recording()}
    app.stop_recording()
    return {"recording": False, "sessionId": capture.session_id}


def _stop(app: "App", request: Mapping[str, Any]) -> dict[str, Any]:
    session_id = app.capture.session_id
    wanted = request.get("sessionId", session_id)
    if wanted == session_id:  # else that recording has ended and another must not suffer for it
        app.stop_recording()
    return {"sessionId": wanted}


def _mark(app: "App", request: Mapping[str, Any]) -> dict[str, Any]:
    app.add_marker(str(request.get("label", "")))
    return {}


def _delete(app: "App", request: Mapping[str, Any]) -> dict[str, Any]:
    accepted = request.get("acceptedLossMs", 0)
    if not isinstance(accepted, int) or accepted < 0:
        raise UsageError("Unknown request", "acceptedLossMs is no number of milliseconds.")
    try:
        app.delete_session(_text(request, "sessionId"), accepted_loss_ms=accepted)
    except OnlyHereError as error:
        return {"deleted": False, "lostMs": error.lost_ms, "message": error.message}
    return {"deleted": True}


def _sign_in(app: "App", request: Mapping[str, Any]) -> dict[str, Any]:
    token = request.get("token")
    app.sign_in(
        _text(request, "origin"),
        None if token is None else _text(request, "token"),
        insecure=bool(request.get("insecure")),
    )
    return {}


def _sign_out(app: "App", request: Mapping[str, Any]) -> dict[str, Any]:
    app.sign_out(_text(request, "origin"))
    return {}


def _doing(call: Callable[[], None]) -> Handler:
    def handle(_: Mapping[str, Any]) -> dict[str, Any]:
        call()
        return {}

    return handle


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise UsageError("Unknown request", f"It lacks {name}.")
    return value


def _failure(error: ScribeError) -> dict[str, Any]:
    return {
        "title": error.title,
        "message": error.message,
        "remedy": error.remedy,
        "exitCode": error.exit_code,
    }


def _no_window(_: Mapping[str, Any]) -> dict[str, Any]:
    raise ScribeError(
        "No window",
        "The running Scribe has no window: it was started from a terminal.",
        "End it there, then start the window.",
    )
