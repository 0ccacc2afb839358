"""`scribe devices`: the microphones."""

from collections.abc import Mapping

import click

from scribe_desktop.cli.screen import Screen
from scribe_desktop.cli.shell import json_option


@click.command("devices", help="List the microphones; * is the system's default.")
@json_option
@click.pass_obj
def command(_environ: Mapping[str, str], *, as_json: bool) -> int:
    """List what can be recorded from."""
    from scribe_desktop.capture.devices import list_devices

    screen = Screen(as_json=as_json)
    devices = list_devices()
    screen.result(
        [
            {
                "name": device.name,
                "description": device.description,
                "default": device.is_default,
                "monitor": device.is_monitor,
            }
            for device in devices
        ]
    )
    if not as_json:
        for device in devices:
            mark = "*" if device.is_default else " "
            kind = " (what the loudspeakers play)" if device.is_monitor else ""
            screen.say(f"{mark} {device.name}  {device.description}{kind}")
        if not devices:
            screen.say("There is no microphone.")
    return 0
