"""The workshop: what is interrupted stops at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from imgforensics import Digest
from imgforensics.reconstruct.material import Piece
from imgforensics.reconstruct.workshop import Workshop


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_ends_the_layer_that_is_being_compressed(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0
    running = threading.Event()
    interrupted = threading.Event()

    def opener(member: int) -> Iterator[bytes]:
        nonlocal read
        for _ in range(64):
            read += 1
            running.set()
            assert interrupted.wait(20)
            yield bytes(1 << 16)

    class Pool(ThreadPoolExecutor):
        """One whose results are waited for by somebody who loses patience."""

        def map(self, *arguments, **_):  # type: ignore[no-untyped-def]
            self.submit(*((each[0] if isinstance(each, list) else each) for each in arguments))
            assert running.wait(20)
            raise KeyboardInterrupt

        def shutdown(self, *arguments, **options) -> None:  # type: ignore[no-untyped-def]
            interrupted.set()
            super().shutdown(*arguments, **options)

    monkeypatch.setattr("imgforensics.reconstruct.workshop.ThreadPoolExecutor", Pool)
    # Two of a size: neither is worth all processors.
    pieces = [Piece(index, Digest.sha256(f"{index:064x}"), index, 64 << 16, None) for index in range(2)]
    with pytest.raises(KeyboardInterrupt):
        Workshop(opener, jobs).streams(pieces, "go1.8-6")
    assert read <= 2
