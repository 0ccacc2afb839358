"""Scripts that run in Node.js, some of them with a real browser."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.parts.processes import REPOSITORY, program

JAVASCRIPT: Path = REPOSITORY / "tests" / "integration" / "javascript"


def node(script: str, *arguments: str, given: str = "") -> Any:
    """Run a script; what it prints, as JSON."""
    done = subprocess.run(
        [program("node"), str(JAVASCRIPT / script), *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
