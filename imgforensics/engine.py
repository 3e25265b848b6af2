"""Tasks over an executor, results in the order of the tasks: one of ours, or any other behind the same interface.

No more tasks are under way than a window holds, whatever their number. Where a process dies (killed for its memory,
say), executors give up everything that was under way: then those tasks are tried again, each alone in a new executor,
and one that is lost twice is answered by saying so.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_TICK = 0.2
"""Seconds after which whoever waits looks around."""


@dataclass(frozen=True, slots=True)
class Plan(Generic[Task, Result]):
    """How tasks are to be done."""

    work: Callable[[Task], Result]
    """Done elsewhere; a module's own function where processes are to do it."""
    lost: Callable[[Task], Result]
    """Answers for a task whose process died twice."""
    executors: Callable[[], AbstractContextManager[Executor]]
    """Makes an executor; leaving it ends what is under way."""
    window: int
    """Tasks under way or waiting to be taken, at most."""
    known: Callable[[Task], Result | None] = lambda _: None
    """Answers a task at once where nothing has to be done for it."""
    arrived: Callable[[Task, Result], None] = lambda *_: None
    """Called here as soon as a result is there, in the order in which they come."""
    tick: Callable[[], None] = lambda: None
    """Called a few times a second while waiting."""


def in_order(tasks: Iterable[Task], plan: Plan[Task, Result]) -> Iterator[Result]:
    """The result of every task, in order, as soon as those before it are there. Tasks are read as they are needed."""
    coming = iter(tasks)
    while True:
        left: list[tuple[Task, Future[Result] | None]] = []
        with plan.executors() as executor:
            yield from _through(coming, plan, executor, left)
        if not left:
            return
        for task, future in left:
            if future is not None and _is_answered(future):
                yield future.result()
            else:
                result = _alone(task, plan)
                plan.arrived(task, result)
                yield result


def _through(
    coming: Iterator[Task], plan: Plan[Task, Result], executor: Executor, left: list[tuple[Task, Future[Result] | None]]
) -> Iterator[Result]:
    """Results as long as the executor holds; where it breaks, what was not yielded goes into ``left``."""
    pending: deque[tuple[Task, Future[Result]]] = deque()
    unheard: dict[Future[Result], Task] = {}
    heard: SimpleQueue[Future[Result]] = SimpleQueue()  # asking all of them after each result costs more than some work
    ended = broken = False
    while not broken and (pending or not ended):
        while len(pending) < plan.window and not ended:
            try:
                task = next(coming)
            except StopIteration:
                ended = True
                break
            known = plan.known(task)
            future: Future[Result] = Future()
            try:
                if known is None:
                    future = executor.submit(plan.work, task)
                else:
                    future.set_result(known)
            except BrokenExecutor:
                left += [*pending, (task, None)]
                return
            pending.append((task, future))
            unheard[future] = task
            future.add_done_callback(heard.put)
        done = _next(heard) if unheard else []
        for future in done:
            if _is_answered(future):
                plan.arrived(unheard.pop(future), future.result())
            else:
                broken = True
        plan.tick()
        while not broken and pending and pending[0][1] not in unheard:
            yield pending.popleft()[1].result()
    left += pending


def _next(heard: "SimpleQueue[Future[Result]]") -> list[Future[Result]]:
    """What has ended, as soon as something has; nothing if that takes too long."""
    found = []
    try:
        found.append(heard.get(timeout=_TICK))
        while True:
            found.append(heard.get_nowait())
    except Empty:
        return found


def _is_answered(future: Future[Result]) -> bool:
    return future.done() and not isinstance(future.exception(), BrokenExecutor)


def _alone(task: Task, plan: Plan[Task, Result]) -> Result:
    try:
        with plan.executors() as executor:
            return executor.submit(plan.work, task).result()
    except BrokenExecutor:
        return plan.lost(task)
