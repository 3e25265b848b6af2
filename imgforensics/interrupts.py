"""Ctrl-C where it would do harm: in the middle of a step, and in processes that whoever started them will end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_back() -> Iterator[None]:
    """Let what stands in this block be done whole: an interrupt comes behind it, and a second one at once.

    A block may wait for somebody who reads its output and does not go on; whoever asks twice means it.

    Where interrupts are no exceptions anyway (another thread, another handler), nothing changes.
    """
    usual = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return
    came: list[tuple[int, FrameType | None]] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if came:
            usual(number, frame)
        came.append((number, frame))

    signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if came:
        usual(*came[0])


@contextmanager
def kept_from_children() -> Iterator[None]:
    """Processes that are started in this block, and theirs, never see an interrupt, not even before they can ask."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
