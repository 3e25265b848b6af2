"""Archives looked at by the workers of a Dask cluster, which see the same files under the same paths."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager

from imgforensics.errors import InputError


def cluster(address: str) -> tuple[Callable[[], AbstractContextManager[Executor]], int]:
    """What makes executors of a scheduler's workers, and how many threads these have altogether.

    Dask itself tries tasks of a lost worker again on another one.

    Raises:
        InputError: Dask is not installed, or nobody answers there.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--cluster needs Dask: pip install 'imgforensics[cluster]'") from None
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{address}: no Dask scheduler answers: {error}") from None
    threads = sum(client.nthreads().values())

    @contextmanager
    def executors() -> Iterator[Executor]:
        executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)

    return executors, max(threads, 1)
