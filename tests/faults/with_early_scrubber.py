"""Runs a module with a scrubber that begins at once instead of a minute after the start.

python -m tests.faults.with_early_scrubber -m scribe_server …
"""

import runpy
import sys

from scribe_server.store import scrubber


def main(words: list[str]) -> None:
    """Be the module."""
    dash_m, module, *rest = words
    assert dash_m == "-m", words
    vars(scrubber).update(FIRST_PAUSE_S=0.5)
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
