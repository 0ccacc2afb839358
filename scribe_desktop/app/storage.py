"""Where a run keeps its recordings: the ordinary folder, or another one while that fails.

At each start: (1) own the ordinary folder and open its spool; (2) if that fails, whatever the
reason but a newer file, do the same in the first rescue folder that works; (3) take over what can
be read of damaged files; (4) in the ordinary folder, take over what rescue folders hold, then
recover all journals, and only then remove the rescue folders.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from scribe_desktop.app.device import bind_device
from scribe_desktop.errors import ScribeError, SpoolError
from scribe_desktop.paths import Paths
from scribe_desktop.room import MB, RESCUE_ROOM, RESERVE, Ballast, free_bytes
from scribe_desktop.spool import FailureKind, Salvage, Spool, SpoolFailureError, SpoolLock
from scribe_desktop.spool.rescue import RescueFolder, owned, remove, take_over

log = logging.getLogger(__name__)


class Storage:
    """Opens the recordings wherever that works, mends what earlier runs left, and says so.

    Attributes:
        paths: the folders in use; `data_dir` is a rescue folder while the ordinary one fails.
        failure: why the ordinary folder is not in use; None when it is.
        quarantined: where a damaged spool was put aside.
        salvaged: what was saved of damaged spools, and what was lost.
        taken_over: what came from rescue folders.
        recovered: ids of the sessions that were recovered after a crash.
        recovery_failure: why mending did not finish; the next start tries again.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        clock: Callable[[], int],
        machine_id: Callable[[], str | None],
        new_id: Callable[[], str],
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self.paths = paths
        self.failure: ScribeError | None = None
        self.quarantined: Path | None = None
        self.salvaged: list[Salvage] = []
        self.taken_over: list[Salvage] = []
        self.recovered: list[str] = []
        self.recovery_failure: SpoolError | None = None
        self._ordinary = paths
        self._clock = clock
        self._machine_id = machine_id
        self._new_id = new_id
        self._free = free
        self._locked: set[Path] = set()
        self._device_id = ""
        self._repaired = ""

    @property
    def notice(self) -> str:
        """Where the recordings are and why, for people; empty when they are where they belong."""
        if self.failure is None:
            return self._repaired
        return (
            f"The usual folder cannot be used ({self.failure.message.rstrip('.')}). Recordings are"
            f" kept in {self.paths.data_dir} until Scribe starts and can use it again."
        )

    def open(self, stack: ExitStack, on_owned: Callable[[], None]) -> str:
        """Own a folder, mend what is in it and make its spool ready to be opened; the device id.

        Args:
            stack: holds the locks of the folders.
            on_owned: called once no other instance can be in the way.

        Raises:
            SpoolError: another instance owns the recordings, they are newer, or no folder works.
            ScribeError: a folder cannot be made.
        """
        self.salvaged, self.taken_over, self.recovered = [], [], []
        self.quarantined = self.recovery_failure = None
        self._repaired = ""
        self.failure = self._shortness()
        self._use_first(stack, on_owned, self._mend)
        return self._device_id

    def change(self, stack: ExitStack, *, avoid_ordinary: bool) -> None:
        """The spool in use has failed: put a damaged one aside, or go elsewhere.

        Nobody may have the spool open. Nothing is taken over or recovered: a recording may run.

        Args:
            stack: holds the locks of the folders.
            avoid_ordinary: what is wrong with the ordinary folder is not damage.

        Raises:
            SpoolError: no folder works.
            ScribeError: a folder cannot be made.
        """
        self.failure = _avoided() if avoid_ordinary else self._shortness()
        self._use_first(stack, lambda: None, self._keep_device)

    def salvage(self) -> None:
        """Take over what can be read of the file that `change` has put aside."""
        found: list[Salvage] = []
        self._try(lambda: found.extend(self._salvaged()))
        self.salvaged += found
        if found:
            words = " ".join(each.words for each in found)
            self._repaired = f"A damaged file was put aside while Scribe was running. {words}"

    # ------------------------------------------------------------------------------ private

    def _shortness(self) -> SpoolFailureError | None:
        free = self._free(self._ordinary.data_dir)
        if free >= RESERVE:
            return None
        words = f"Only {free // MB} MB are free in {self._ordinary.data_dir}."
        return SpoolFailureError(FailureKind.DISK_FULL, words)

    def _use_first(
        self, stack: ExitStack, on_owned: Callable[[], None], prepare: Callable[[Spool], None]
    ) -> None:
        before = self.paths
        for paths in self._places():
            try:
                self._use(paths, stack, on_owned, prepare)
            except ScribeError as error:
                if _is_final(error):
                    raise
                log.warning("recordings cannot be kept in %s: %s", paths.data_dir, error)
                self.paths = before
                self.failure = self.failure or error
            else:
                if paths == self._ordinary:
                    self.failure = None
                return
        assert self.failure is not None
        raise self.failure

    def _places(self) -> Iterator[Paths]:
        """The ordinary folder, then those that may take its place; a full one is tried last."""
        if self.failure is None:
            yield self._ordinary
        folders = [RescueFolder(root) for root in self._ordinary.rescue_dirs]
        # What a run before this one has kept there must not be left behind.
        for folder in sorted(folders, key=lambda each: not each.has_recordings):
            if folder.has_recordings or self._free(folder.root) >= RESCUE_ROOM:
                yield self._ordinary.kept_in(folder.root)
        if self.failure is not None and _is_full(self.failure):
            Ballast(self._ordinary.data_dir / "ballast").drop()
            yield self._ordinary

    def _use(
        self,
        paths: Paths,
        stack: ExitStack,
        on_owned: Callable[[], None],
        prepare: Callable[[Spool], None],
    ) -> None:
        paths.ensure_data()
        if paths.owner_lock not in self._locked:
            stack.enter_context(SpoolLock.acquire(paths.owner_lock))
            self._locked.add(paths.owner_lock)
            stack.callback(self._locked.discard, paths.owner_lock)
        on_owned()
        self.paths = paths
        with closing(Spool.open(paths.spool_dir, clock=self._clock)) as spool:
            self.quarantined = spool.quarantined or self.quarantined
            prepare(spool)

    def _salvaged(self) -> list[Salvage]:
        with closing(Spool.open(self.paths.spool_dir, clock=self._clock)) as spool:
            return spool.salvage_quarantined()

    def _keep_device(self, spool: Spool) -> None:
        bind_device(spool, self._machine_id(), lambda: self._device_id)

    def _mend(self, spool: Spool) -> None:
        # Before anything else is written: the device id and the sessions of the journals may be
        # in the damaged file.
        self._try(lambda: self.salvaged.extend(spool.salvage_quarantined()))
        rescued = self._ordinary.rescue_dirs if self.paths == self._ordinary else ()
        with owned(rescued) as folders:
            found: list[list[Salvage]] = []
            whole = self._try(lambda: found.extend(take_over(spool, each) for each in folders))
            self._device_id = bind_device(spool, self._machine_id(), self._new_id)
            # A journal here may be older than the parts that are still over there.
            if whole and self._try(lambda: self._recover(spool, folders)):
                self._try(lambda: self._remove(folders, found))

    def _recover(self, spool: Spool, folders: list[RescueFolder]) -> None:
        from scribe_desktop.capture.recovery import recover_sessions

        journals = [*(folder.journals for folder in folders), self.paths.journal_dir]
        self.recovered = recover_sessions(spool, *journals, clock=self._clock)

    def _remove(self, folders: list[RescueFolder], found: list[list[Salvage]]) -> None:
        for folder, each in zip(folders, found, strict=True):
            self.taken_over += each
            remove(folder, each, self._clock)

    def _try(self, mend: Callable[[], None]) -> bool:
        try:
            mend()
        except SpoolError as error:
            # It must not prevent the next recording; what is left stays for the next start.
            log.warning("salvage or recovery is put off: %s", error)
            self.recovery_failure = error
            return False
        return True


def _is_final(error: ScribeError) -> bool:
    """Whether another folder is no way out: it is in use by another Scribe, or newer."""
    if isinstance(error, SpoolFailureError):
        return error.kind is FailureKind.NEWER
    return isinstance(error, SpoolError)


def _is_full(error: ScribeError) -> bool:
    return isinstance(error, SpoolFailureError) and error.kind is FailureKind.DISK_FULL


def _avoided() -> SpoolFailureError:
    return SpoolFailureError(FailureKind.IO, "It failed while Scribe was running.")
