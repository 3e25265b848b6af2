"""Archives looked at by the workers of a Dask cluster, which see the same files under the same paths."""

from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ParamSpec, TypeVar

from imgforensics.errors import InputError

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

_QUIET = dict.fromkeys(("distributed", "distributed.client", "tornado", "tornado.application", "asyncio"), "critical")
"""What Dask would log of workers that come and go: what follows from it is in the report."""


@contextmanager
def cluster(address: str) -> Iterator[tuple[Callable[[], AbstractContextManager[Executor]], int]]:
    """What makes executors of a scheduler's workers, and how many threads these have altogether.

    Dask itself tries tasks of a lost worker again on another one.

    Raises:
        InputError: Dask is not installed, the address is none, or nobody answers there.
    """
    try:
        import dask
    except ImportError:
        raise InputError("--cluster needs Dask: pip install 'imgforensics[cluster]'") from None
    with dask.config.set(logging=_QUIET):
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    try:
        get_address_host_port(address)  # here, since a client that is made of a wrong one ends noisily, after 20 s
    except ValueError as error:
        raise InputError(f"--cluster {address!r}: no address such as tcp://10.0.0.1:8786: {error}") from None
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{address}: no Dask scheduler answers: {error}") from None

    @contextmanager
    def executors() -> Iterator[Executor]:
        executor = _Plain(client.get_executor(pure=False), address)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)

    try:
        yield executors, max(sum(client.nthreads().values()), 1)
    finally:
        client.close(timeout=1)


class _Plain(Executor):
    """A client's executor whose futures say in our words what became of a task."""

    def __init__(self, executor: Executor, address: str) -> None:
        self._executor = executor
        self._address = address
        self._is_ended = False

    def submit(self, task: Callable[Given, Answer], /, *arguments: Given.args, **named: Given.kwargs) -> Future[Answer]:
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        outer: Future[Answer] = Future()
        lost = InputError(f"{self._address}: the Dask scheduler is gone")

        def ended(inner: Future[Any]) -> None:
            cancelled = BrokenExecutor() if self._is_ended else lost
            error = cancelled if inner.cancelled() else inner.exception()
            if isinstance(error, KilledWorker):  # the task is one of those under way where workers died
                outer.set_exception(BrokenExecutor())
            elif error is not None:
                outer.set_exception(lost if isinstance(error, CommClosedError) else error)
            else:
                outer.set_result(inner.result())

        self._executor.submit(task, *arguments, **named).add_done_callback(ended)
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._is_ended = True  # what is cancelled from here on is given up by us
        self._executor.shutdown(wait and not cancel_futures)  # Dask's own cancels where it does not wait
