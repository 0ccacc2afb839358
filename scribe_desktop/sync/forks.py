"""A conflict: the server has other bytes under our id, so the session moves to a new one."""

import re
from typing import Final

from scribe_desktop.model import Session
from scribe_desktop.sync.talk import Talk

MOST_GENERATIONS: Final = 3
"""A server that contradicts every copy would else fill the disk with copies."""


def fork_conflicts(talk: Talk) -> int:
    """Copy every ended session that met a conflict under a new id; how many were copied.

    A session that still records is copied when it has ended, so that the copy is whole.
    """
    waiting = [
        session
        for session in talk.spool.sessions_to_fork()
        if generation(talk, session) < MOST_GENERATIONS
    ]
    for session in waiting:
        copy_id = talk.new_id()
        talk.spool.fork_session(session.session_id, copy_id, title=next_title(session.title))
        talk.changed(session.session_id)
        talk.changed(copy_id)
    if waiting:
        talk.count()
    return len(waiting)


def generation(talk: Talk, session: Session) -> int:
    """How often the session's sound was copied already."""
    found = 0
    origin = session.forked_from
    while origin is not None and found < MOST_GENERATIONS:
        found += 1
        before = talk.spool.session(origin)
        origin = None if before is None else before.forked_from
    return found


def next_title(title: str) -> str:
    """The title of a copy: `Board` becomes `Board (2)`, and that becomes `Board (3)`."""
    numbered = re.fullmatch(r"(.*) \((\d{1,6})\)", title, re.DOTALL)
    if numbered:
        return f"{numbered[1]} ({int(numbered[2]) + 1})"
    return f"{title} (2)"
