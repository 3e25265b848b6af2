"""Tasks over an executor, results in the order of the tasks: one of ours, or any other behind the same interface.

No more tasks are under way than a window holds, whatever their number. Where a process dies (killed for its memory,
say), executors give up everything that was under way: then those tasks are tried again, each alone in a new executor,
and one that is lost twice is answered by saying so.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(
    tasks: Iterable[Task],
    work: Callable[[Task], Result],
    lost: Callable[[Task], Result],
    executors: Callable[[], AbstractContextManager[Executor]],
    window: int,
) -> Iterator[Result]:
    """The result of every task, in order, as soon as those before it are there.

    Args:
        tasks: read on as results are taken.
        work: done elsewhere; must be a module's own function where processes are to do it.
        lost: answers for a task whose process died twice.
        executors: makes an executor; leaving it ends what is under way.
        window: tasks under way or waiting to be taken, at most.
    """
    coming = iter(tasks)
    ended = False
    while not ended:
        dropped: list[Task] = []
        with executors() as executor:
            pending: deque[tuple[Task, Future[Result]]] = deque()
            while not dropped:
                while len(pending) < window and not ended:
                    try:
                        task = next(coming)
                    except StopIteration:
                        ended = True
                    else:
                        try:
                            pending.append((task, executor.submit(work, task)))
                        except BrokenExecutor:
                            dropped = [*(each for each, _ in pending), task]
                            break
                if dropped or not pending:
                    break
                task, future = pending.popleft()
                try:
                    result = future.result()
                except BrokenExecutor:
                    dropped = [task, *(each for each, _ in pending)]
                else:
                    yield result
        for task in dropped:
            yield _alone(task, work, lost, executors)


def _alone(
    task: Task,
    work: Callable[[Task], Result],
    lost: Callable[[Task], Result],
    executors: Callable[[], AbstractContextManager[Executor]],
) -> Result:
    try:
        with executors() as executor:
            return executor.submit(work, task).result()
    except BrokenExecutor:
        return lost(task)
