"""A conflict: the server has other bytes under our id, so the session moves to a new one."""

import re

from scribe_desktop.sync.talk import Talk


def fork_conflicts(talk: Talk) -> int:
    """Copy every ended session that met a conflict under a new id; how many were copied.

    A session that still records is copied when it has ended, so that the copy is whole.
    """
    waiting = talk.spool.sessions_to_fork()
    for session in waiting:
        copy_id = talk.new_id()
        talk.spool.fork_session(session.session_id, copy_id, title=next_title(session.title))
        talk.changed(session.session_id)
        talk.changed(copy_id)
    if waiting:
        talk.count()
    return len(waiting)


def next_title(title: str) -> str:
    """The title of a copy: `Board` becomes `Board (2)`, and that becomes `Board (3)`."""
    numbered = re.fullmatch(r"(.*) \((\d{1,6})\)", title, re.DOTALL)
    if numbered:
        return f"{numbered[1]} ({int(numbered[2]) + 1})"
    return f"{title} (2)"
