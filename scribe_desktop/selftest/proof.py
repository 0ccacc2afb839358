"""What the server has in the end, compared byte for byte, and the receipts with its own key."""

import hashlib

from scribe_desktop.errors import ScribeError
from scribe_desktop.library.receipts import verify_session
from scribe_desktop.local_server import LocalEndpoint
from scribe_desktop.model import Session
from scribe_desktop.selftest.report import Totals
from scribe_desktop.server_api import ServerApi, blocking
from scribe_desktop.spool import Spool


def prove(spool: Spool, endpoint: LocalEndpoint) -> Totals:
    """Ask the server for every chunk of every recording, and check every receipt."""
    return blocking(_prove(spool, ServerApi(endpoint.origin, endpoint.token)))


async def _prove(spool: Spool, server: ServerApi) -> Totals:
    sessions = spool.sessions()
    published = {key.key_id: key.public_key for key in (await server.keys()).keys}
    problems: list[str] = []
    stored = receipts = 0
    for session in sessions:
        stored += await _compare(spool, server, session, problems)
        receipts += _has_proof(spool, session, published, problems)
    return Totals(
        recorded=sum(session.chunks for session in sessions),
        stored=stored,
        recordings=len(sessions),
        receipts=receipts,
        problems=tuple(problems),
    )


async def _compare(spool: Spool, server: ServerApi, session: Session, problems: list[str]) -> int:
    """How many chunks the server gives back as they were recorded."""
    ours = spool.chunks(session.session_id)
    listed = [(each.sequence, each.sha256) for each in await server.chunks(session.session_id)]
    if listed != [(chunk.sequence, chunk.sha256) for chunk in ours]:
        problems.append(f"“{session.title}”: the server lists other chunks than were recorded.")
    same = 0
    for chunk in ours:
        here = spool.chunk_data(session.session_id, chunk.sequence)
        try:
            there = await server.chunk(session.session_id, chunk.sequence)
        except ScribeError as error:
            problems.append(f"“{session.title}”, chunk {chunk.sequence}: {error.message}")
            continue
        if there == here and hashlib.sha256(there).hexdigest() == chunk.sha256:
            same += 1
        else:
            problems.append(
                f"“{session.title}”, chunk {chunk.sequence}: the server has other bytes."
            )
    return same


def _has_proof(
    spool: Spool, session: Session, published: dict[str, str], problems: list[str]
) -> bool:
    found = verify_session(spool, session.session_id)
    problems += [f"“{session.title}”: {problem}" for problem in found.problems]
    if found.receipt is None or not found.proven:
        return False
    stored = spool.receipt(session.session_id)
    if stored is None or published.get(found.receipt.key_id) != stored.public_key:
        problems.append(f"“{session.title}”: the receipt is signed with a key of somebody else.")
        return False
    return True
