"""`python -m scribe_server`: serve, or one of the other commands; says what is missing."""

import importlib.util
import sys

NEEDED = ("aiohttp", "socketio", "sqlalchemy", "alembic", "cryptography", "av", "click", "psutil")


def main() -> None:
    """Run the command line; exits 1 with one sentence when the server extra is not installed."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"The server needs {', '.join(missing)}: install it with "
            "pip install 'scribe-recorder[server]'\n"
        )
        sys.exit(1)
    from scribe_server.operations.program import main as run

    run()


if __name__ == "__main__":
    main()
