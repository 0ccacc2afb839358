"""What a crash or a place out of reach has left: objects that no row names any more."""

import logging
from dataclasses import dataclass

from sqlalchemy import Connection

from scribe_server.store import Store
from scribe_server.store.archives.rows import ArchiveJob, is_wanted, waiting_jobs
from scribe_server.store.errors import StorageError
from scribe_server.store.tombstones import end_job

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Cleaned:
    """Objects that were removed, and those that could not be."""

    removed: int = 0
    left: int = 0


async def clean(store: Store) -> Cleaned:
    """Remove every object that a job names and no archive's row.

    No archive is being written meanwhile: its job would be taken for one that a crash left.
    """
    cleaned = Cleaned()
    for job in await store.database.read(waiting_jobs):
        try:
            cleaned.removed += await _end(store, job)
        except StorageError as error:
            # It is counted, and the next run comes back to it.
            log.warning("what was left of archive %s stays: %s", job.key, error)
            cleaned.left += 1
    return cleaned


async def _end(store: Store, job: ArchiveJob) -> bool:
    def wanted(connection: Connection) -> bool:
        return is_wanted(connection, job.key)

    is_left = not await store.database.read(wanted)
    if is_left:
        await store.database.in_background(lambda: store.shelf.place.delete(job.key))
    await store.write(lambda connection: end_job(connection, job.job))
    return is_left
