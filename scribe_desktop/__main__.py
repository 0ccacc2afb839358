"""`python -m scribe_desktop` and the program `scribe`."""

import sys
from importlib.util import find_spec

_NEEDED = ("click", "rich", "appdirs", "keyring", "aiohttp", "socketio", "sqlite_utils", "av")


def main() -> None:
    """Run the command line; without the desktop extra, name the command that installs it."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"The desktop program needs {', '.join(missing)}; install it with: "
            "pip install 'scribe-recorder[desktop]'\n"
        )
        sys.exit(2)
    from scribe_desktop.cli import main as run

    run()


if __name__ == "__main__":
    main()
