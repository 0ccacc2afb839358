"""Every point at which a process is ended, by its name."""

from tests.faults.crash_points.points import Life, Point, When

_JOURNAL = "scribe_desktop.capture.journal"
_WRITER = "scribe_desktop.capture.writer:SessionWriter"
_RECOVERY = "scribe_desktop.capture.recovery"
_SPOOL = "scribe_desktop.spool"
_CHUNKS = f"{_SPOOL}.chunks:ChunkRows"
_SESSIONS = f"{_SPOOL}.sessions:SessionRows"
_DELIVERY = f"{_SPOOL}.delivery:DeliveryRows"
_TRANSACTION = f"{_SPOOL}.base:SpoolBase._writing"
_STORE = "scribe_server.store"
_BATCH = f"{_STORE}.batch"
_SEGMENTS = f"{_STORE}.segments:SegmentStore"
_SETTLING = "scribe_server.ingest.settling:Settling"
_STOP = "scribe_server.ingest.stop"
_DELETION = f"{_STORE}.deletion"
_MENDING = f"{_STORE}.checkup.mending:Mending"
_LIVES = "tests.faults.crash_points"

_B, _A, _E, _T = When.BEFORE, When.AFTER, When.AT_END, When.TORN


def _recording() -> list[Point]:
    life, add = Life.RECORD, f"{_CHUNKS}.add_chunk"
    sync, replace = f"{_JOURNAL}:Journal.sync", f"{_JOURNAL}:Journal.replace"
    write, end = f"{_JOURNAL}:_write_all", f"{_SESSIONS}.end_session"
    return [
        Point("spool made, no tables", life, f"{_SPOOL}.database:migrate", _B),
        Point("session in the spool, no journal", life, f"{_SESSIONS}.create_session", _A),
        Point("journal created, empty", life, f"{_JOURNAL}:_create", _A),
        Point("journal appended, not synced", life, "os:fdatasync", _B, 2, within=sync),
        Point("journal half appended", life, write, _T, 2, within=sync),
        Point("journal synced", life, sync, _A, 6),
        Point("chunk encoded, not in the spool", life, add, _B, 3),
        Point("chunk in an open transaction", life, _TRANSACTION, _E, 3, within=add),
        Point("chunk committed, journal not trimmed", life, add, _A, 3),
        Point("new journal half written", life, write, _T, 2, within=replace),
        Point("new journal written, not in its place", life, write, _A, 3, within=replace),
        Point("journal trimmed", life, replace, _A, 3),
        Point("chunk cut by a pause, pause not noted", life, f"{_SESSIONS}.set_paused", _B),
        Point("pause noted", life, f"{_SESSIONS}.set_paused", _A),
        Point("gap in the journal, not in the spool", life, f"{_CHUNKS}.add_gap", _B),
        Point("gap in the spool", life, f"{_CHUNKS}.add_gap", _A),
        Point("last chunk stored, end not noted", life, end, _B),
        Point("end in an open transaction", life, _TRANSACTION, _E, within=end),
        Point("end noted, journal still there", life, end, _A),
        Point("journal removed", life, f"{_JOURNAL}:Journal.remove", _A),
    ]


def _recovering() -> list[Point]:
    life, after = Life.RECOVER, "journal synced"
    behind = "end noted, journal still there"
    commit, unlink = f"{_RECOVERY}:_commit", "pathlib:Path.unlink"
    end, done = f"{_SESSIONS}.end_session", f"{_RECOVERY}:_recover_journal"
    return [
        Point("recovery: journal read", life, f"{_RECOVERY}:read_journal", _A, after=after),
        Point("recovery: before the chunk", life, commit, _B, after=after),
        Point("recovery: chunk committed", life, commit, _A, after=after),
        Point("recovery: gaps added, not ended", life, end, _B, after=after),
        Point("recovery: ended, journal there", life, done, _A, after=after),
        Point(
            "recovery: of an ended session", life, unlink, _B,
            within=f"{_RECOVERY}:recover_sessions", after=behind,
        ),
        Point(
            "recovery: journal removed", life, unlink, _A,
            within=f"{_RECOVERY}:recover_sessions", after=after,
        ),
        Point(
            "recovery: of an empty session", life, f"{_SESSIONS}.delete_session", _B,
            after="session in the spool, no journal",
        ),
    ]  # fmt: skip


def _delivering() -> list[Point]:
    life, acked = Life.CLIENT, f"{_DELIVERY}.mark_acked"
    save, drop = f"{_DELIVERY}.save_receipt", f"{_SESSIONS}.finish_deletions"
    chunk, manifest = f"{_LIVES}.client:emit_chunk", f"{_LIVES}.client:emit_manifest"
    ended, mark = f"{_SESSIONS}.end_session", f"{_SESSIONS}._update"
    delete = f"{_SESSIONS}.delete_audio"
    return [
        Point("session stopped, not committed", life, _TRANSACTION, _E, within=ended),
        Point("session stopped", life, ended, _A, 2),
        Point("chunk read, not sent", life, chunk, _B),
        Point("chunk sent, no ack yet", life, chunk, _A, 2),
        Point("ack heard, not noted", life, acked, _B, 2),
        Point("ack in an open transaction", life, _TRANSACTION, _E, 2, within=acked),
        Point("ack noted, machine not told", life, acked, _A, 2),
        Point("last ack noted", life, acked, _A, 3),
        Point("manifest made, not sent", life, manifest, _B),
        Point("manifest sent", life, manifest, _A),
        Point("receipt heard, not kept", life, save, _B),
        Point("receipt in an open transaction", life, _TRANSACTION, _E, within=save),
        Point("receipt kept", life, save, _A),
        Point("audio about to be marked", life, mark, _B, within=delete),
        Point("audio marked, not deleted", life, mark, _A, within=delete),
        Point("audio deleted, not committed", life, _TRANSACTION, _E, within=drop),
        Point("audio deleted, file not smaller", life, f"{_SESSIONS}._shrink", _B, within=drop),
        Point("deletion heard, not noted", life, f"{_SESSIONS}.refuse_session", _B),
        Point("deletion noted", life, f"{_SESSIONS}.refuse_session", _A),
    ]  # fmt: skip


def _differing() -> list[Point]:
    life, fork = Life.CLIENT, f"{_SESSIONS}.fork_session"
    refuse, requeue = f"{_SESSIONS}.refuse_session", f"{_DELIVERY}.requeue"
    first, wiped, after = "another device was first", "the server was wiped", "receipt kept"
    return [
        Point("conflict heard, not noted", life, refuse, _B, between=first),
        Point("conflict noted, no copy", life, refuse, _A, between=first),
        Point("copy in an open transaction", life, _TRANSACTION, _E, within=fork, between=first),
        Point("copy made", life, fork, _A, between=first),
        Point("loss heard, not queued again", life, requeue, _B, after=after, between=wiped),
        Point(
            "queued again in an open transaction", life, _TRANSACTION, _E,
            within=requeue, after=after, between=wiped,
        ),
        Point("queued again, receipt withdrawn", life, requeue, _A, after=after, between=wiped),
    ]  # fmt: skip


def _serving() -> list[Point]:
    life, append = Life.SERVER, f"{_SEGMENTS}.append"
    write, sync = f"{_STORE}.files:Files.write", f"{_STORE}.files:Files.sync"
    made, folder = f"{_STORE}.files:Files.open_log", f"{_STORE}.files:Files.sync_folder"
    settled = f"{_STORE}.writer:_deliver"
    private = "scribe_server.store.identity:write_private"
    key, schema = "scribe_server.receipts:write_private", f"{_STORE}.database:ensure_schema"
    started = "scribe_server.ingest.ingest:Ingest._keep_in_memory"
    return [
        Point("first start: database made, no tables", life, schema, _B, at_first_start=True),
        Point("first start: tables not committed", life, schema, _A, at_first_start=True),
        Point("first start: no name", life, private, _B, at_first_start=True),
        Point("first start: no receipt key", life, key, _B, at_first_start=True),
        Point("first start: receipt key made", life, key, _A, at_first_start=True),
        Point("session in an open transaction", life, "scribe_server.ingest.ingest:start", _A),
        Point("session committed, not said", life, started, _A),
        Point("first segment made, folder not synced", life, made, _A),
        Point("next segment made, folder not synced", life, made, _A, 2),
        Point("next segment's name durable, empty", life, folder, _A, 2),
        Point("chunk not written", life, write, _B, 2, within=append),
        Point("chunk half written", life, write, _T, 2, within=append),
        Point("chunk written, not synced", life, write, _A, 2, within=append),
        Point("chunk synced, no row", life, sync, _A, 2, within=append),
        Point("row in an open transaction", life, f"{_BATCH}:_write_rows", _A, 2),
        Point("row committed, nobody told", life, f"{_STORE}.writer:store_batch", _A, 2),
        Point("outcome on its way to the loop", life, settled, _A, 3),
        Point("ack made, not sent", life, f"{_LIVES}.server:give_ack", _B, 2),
        Point("ack sent", life, f"{_LIVES}.server:give_ack", _A, 2),
        Point("stop in an open transaction", life, f"{_STOP}:mark_stopped", _A),
        Point("stop committed", life, f"{_SETTLING}._mark_stopped", _A),
        Point("manifest in an open transaction", life, f"{_STOP}:keep_manifest", _A),
        Point("manifest kept, nothing hashed", life, f"{_SETTLING}._sign", _B),
        Point("receipt signed, not kept", life, f"{_STOP}:keep_receipt", _B),
        Point("receipt in an open transaction on the server", life, f"{_STOP}:keep_receipt", _A),
        Point("receipt kept, not sent", life, f"{_SETTLING}._sign", _A),
        Point("receipt sent", life, f"{_LIVES}.server:give_receipt", _A),
    ]  # fmt: skip


def _deleting() -> list[Point]:
    life, delete = Life.SERVER, f"{_SEGMENTS}.delete"
    wipe, remove = f"{_STORE}.files:Files.wipe", f"{_SEGMENTS}.remove"
    return [
        Point("deletion asked for, not recorded", life, f"{_DELETION}:tombstone_record", _B),
        Point("tombstone recorded, no row", life, f"{_DELETION}:bury", _B),
        Point("tombstone's row in an open transaction", life, f"{_DELETION}:bury", _A),
        Point("tombstone committed, nothing wiped", life, f"{_DELETION}:Deletion._forget", _A),
        Point("one chunk wiped", life, wipe, _A),
        Point("all wiped, job not ended", life, delete, _A),
        Point("job's end in an open transaction", life, f"{_DELETION}:finish", _A),
        Point("job ended, empty segment there", life, remove, _B),
        Point("empty segment removed", life, remove, _A),
    ]


def _starting() -> list[Point]:
    life, torn, whole = Life.SERVER, "chunk half written", "chunk synced, no row"
    grave, take = "tombstone committed, nothing wiped", f"{_STORE}.recovery:_take_tail"
    mend, finish = f"{_STORE}.store:recover", f"{_STORE}.store:finish_waiting"
    settle, record = f"{_SEGMENTS}.settle", "tombstone recorded, no row"
    end_job = f"{_DELETION}:end_job"
    return [
        Point("start: tail made durable", life, settle, _A, after=whole),
        Point("start: tail indexed, not committed", life, take, _A, after=whole),
        Point("start: tail indexed", life, mend, _A, after=whole),
        Point("start: torn tail not cut", life, settle, _B, 2, after=torn),
        Point("start: torn tail cut, not committed", life, take, _A, after=torn),
        Point("start: tombstone found, not committed", life, take, _A, after=record),
        Point("start: tombstone applied, nothing wiped", life, finish, _B, after=record),
        Point("start: wiped, job not ended", life, f"{_SEGMENTS}.delete", _A, after=grave),
        Point("start: job's end not committed", life, end_job, _A, within=finish, after=grave),
        Point("start: job ended", life, finish, _A, after=grave),
    ]


def _mending() -> list[Point]:
    put, save, new = Life.SALVAGE, Life.REBUILD, f"{_STORE}.rebuild"
    fix, transfer = Life.MEND, f"{_SPOOL}.salvage:_Transfer"
    aside, report = f"{_SPOOL}.database:put_aside", f"{_SPOOL}.salvage:write_report"
    move = "pathlib:Path.rename"
    return [
        Point("damaged spool found", put, aside, _B),
        Point("damaged spool moved, its log not", put, move, _A, within=aside),
        Point("damaged spool moved, no new one", put, aside, _A),
        Point("new spool made, nothing taken over", put, f"{_SPOOL}.database:_connect_owned", _A),
        Point("one session taken over", put, f"{transfer}._take_session", _A),
        Point("some chunks taken over", put, f"{transfer}._take_chunk", _A, 4),
        Point("one gap taken over", put, f"{transfer}._take_label", _A),
        Point("all taken over, no report", put, report, _B),
        Point("report written", put, report, _A),
        Point("new database not filled", save, f"{new}:_fill", _B),
        Point("deletions known, chunks not", save, f"{new}:_index", _B),
        Point("one segment in the new database", save, f"{new}:_index", _A),
        Point("new database filled, not in its place", save, f"{new}:_move", _B),
        Point("old database gone, no new one", save, f"{new}:_move", _A),
        Point("new database in its place", save, f"{new}:_move", _A, 2),
        Point("fix: nothing marked", fix, f"{_MENDING}._mark", _B),
        Point("fix: damage not committed", fix, f"{_STORE}.checkup.mending:mark_damaged", _A),
        Point("fix: damage marked", fix, f"{_MENDING}._bury", _B),
        Point("fix: lost row not committed", fix, f"{_STORE}.reindex:Reindexer.finish", _A),
        Point("fix: lost row indexed", fix, f"{_MENDING}._wipe", _B),
        Point("fix: counted anew", fix, f"{_MENDING}._drop", _B),
        Point("fix: nothing but leftovers there", fix, f"{_STORE}.checkup.mending:_remove", _B),
    ]


def _living() -> list[Point]:
    life, ours = Life.LIVE_SERVER, Life.LIVE_CLIENT
    sockets, made = "scribe_server.sockets", "scribe_server.ingest.ingest:Ingest._keep_in_memory"
    handlers = f"{sockets}.handlers:Handlers"
    answered, emit = (
        f"{handlers}._answered",
        "scribe_desktop.sync.transport:SocketIoConnection.send",
    )
    return [
        Point("live: welcome queued", life, f"{sockets}.server:SocketServer.connected", _A),
        Point("live: session made, not said", life, made, _A),
        Point("live: chunk came, not queued", life, f"{handlers}._chunk", _B, 2),
        Point("live: row committed, nobody told", life, f"{_STORE}.writer:store_batch", _A),
        Point("live: ack queued, not written", life, answered, _A, 2),
        Point("live: acks written", life, f"{sockets}.outbox:Outbox._written", _A, 5),
        Point("live: receipt kept, not sent", life, f"{_SETTLING}._sign", _A),
        Point("live: chunk in the socket", ours, emit, _A, 4),
        Point("live: ack came, not noted", ours, f"{_DELIVERY}.mark_acked", _B, 2),
        Point("live: receipt came, not kept", ours, f"{_DELIVERY}.save_receipt", _B),
    ]  # fmt: skip


POINTS: dict[str, Point] = {
    point.name: point
    for part in (
        _recording,
        _recovering,
        _delivering,
        _differing,
        _serving,
        _deleting,
        _starting,
        _mending,
        _living,
    )
    for point in part()
}
