"""Tasks over executors: in order, bounded, and not lost with a process."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from imgforensics import pool
from imgforensics.engine import Plan, in_order


@contextmanager
def processes() -> Iterator[Executor]:
    with pool.processes(2) as (executor, _):
        yield executor


@contextmanager
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def double(task: int) -> int:
    return 2 * task


def mortal(task: int) -> int:
    if task == 3:
        os._exit(9)
    return task


def gone(task: int) -> int:
    return -task


def test_results_come_in_order_and_tasks_are_read_as_they_are_needed() -> None:
    read = []

    def tasks() -> Iterator[int]:
        for task in range(100):
            read.append(task)
            yield task

    results = in_order(tasks(), Plan(double, gone, threads, 4))
    assert next(results) == 0
    assert len(read) == 4
    assert list(results) == [2 * task for task in range(1, 100)]
    assert list(in_order([], Plan(double, gone, threads, 4))) == []


def test_processes_do_the_same() -> None:
    assert list(in_order(range(20), Plan(double, gone, processes, 4))) == [2 * task for task in range(20)]


def test_a_task_that_kills_its_process_costs_no_other() -> None:
    assert list(in_order(range(8), Plan(mortal, gone, processes, 4))) == [0, 1, 2, -3, 4, 5, 6, 7]


def test_what_work_raises_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order([1, 0], Plan(reciprocal, gone, processes, 4)))


def reciprocal(task: int) -> float:
    return 1 / task


def wait_for_the_end(_: int) -> int:
    counter = pool.counter()
    assert counter is not None
    while True:
        counter.advance(1)


def test_leaving_by_an_exception_ends_what_is_under_way() -> None:
    futures: list[Future[int]] = []

    def interrupted() -> None:
        with pool.processes(2) as (executor, shared):
            futures.extend(executor.submit(wait_for_the_end, number) for number in range(4))
            while shared.read.value == 0:
                assert not any(future.done() for future in futures)
                time.sleep(0.001)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(futures) == 4
    assert all(future.done() for future in futures)
    assert pool.counter() is None
