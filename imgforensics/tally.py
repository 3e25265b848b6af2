"""How far a run over many archives is, in archives and in bytes of their files, whoever reads them."""

from collections.abc import Callable, Sequence
from threading import Lock, Thread

from imgforensics import batch
from imgforensics.batch import Task
from imgforensics.findings import Skipped
from imgforensics.progress import Overall
from imgforensics.watching import Progress


class Tally:
    """Counts what begins, is read and ends.

    Every byte of an archive is read twice, as the file's and as a member's: that is how far the archives that are under
    way are taken to be. What has ended, and what is known or skipped without a look, counts by the size of the file.
    """

    def __init__(self, overall: Overall, paths: Sequence[str]) -> None:
        """Begin a run over ``paths``. How much that is is counted beside it, so that nothing waits for it."""
        self._overall = overall
        self._lock = Lock()
        self._total: int | None = None
        self._archives = self._ended = self._begun = self._aside = self._read = 0
        Thread(target=self._count, args=(paths,), daemon=True).start()

    def _count(self, paths: Sequence[str]) -> None:
        self._total = batch.extent(paths)

    def begin(self, task: Task) -> None:
        """A task is on its way."""
        if task.ready is None:
            self._begun += batch.size(task.path)

    def end(self, task: Task, told: object) -> None:
        """A task has an answer."""
        if task.ready is None:
            self._ended += batch.size(task.path)
        else:
            self._aside += batch.size(task.path)
        self._archives += not isinstance(told, Skipped)

    def look(self, read: int) -> None:
        """Show how far it is, now that so many bytes were read."""
        done = max(self._ended, min(read // 2, self._begun))
        total = None if self._total is None else max(self._total - self._aside, done)
        self._overall(self._archives, done, total)

    def watcher(self, _: str) -> Progress:
        """The watcher of one archive that is read in this process."""
        return _Watcher(self._advance)

    def _advance(self, size: int) -> None:
        with self._lock:
            self._read += size
            self.look(self._read)


class _Watcher:
    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance

    def expect(self, size: int) -> None:
        """Nothing: sizes are known before."""

    def advance(self, size: int) -> None:
        self._advance(size)
