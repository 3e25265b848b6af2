"""The door to the evidence: opened in place or spooled, whatever is around it, and measured alike by any number of jobs."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgforensics import InputError, LimitError, tarwalk
from imgforensics.archive import Archive, Cancelled
from imgforensics.catalogue import Catalogue
from imgforensics.limits import DEFAULT_LIMITS, MIB, Limits
from imgforensics.measuring import measure
from imgforensics.model import AnomalyKind, Compression
from imgforensics.peek import looks_like_archive
from tests import builder

DATA = builder.archive("docker_legacy")
BIG = builder.tar([builder.Entry("manifest.json", b"[]"), builder.Entry("big.tar", bytes(range(256)) * 12_000)])
GLOBAL_HEADER = builder.tar([builder.Entry("pax_global_header", builder.pax_records({"comment": "x"}), b"g")])
"""An archive of nothing, as ``git archive`` makes it of an empty tree."""
PACKERS: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.GZIP: gzip.compress,
    Compression.BZIP2: bz2.compress,
    Compression.XZ: lzma.compress,
    Compression.ZSTD: builder.zstd,
}
each_compression = pytest.mark.parametrize("outer", PACKERS, ids=str)


def measured(source: Any, *, jobs: int = 1, fast: bool = False, **limits: int) -> Catalogue:
    with Archive(source, replace(DEFAULT_LIMITS, **limits)) as archive:
        return measure(archive, jobs, fast=fast)


def put(folder: Path, data: bytes, name: str = "image.tar") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def facts(catalogue: Catalogue) -> tuple[object, ...]:
    return catalogue.members, catalogue.blobs, catalogue.anomalies, catalogue.tar_size, dict(catalogue.unmeasured)


@pytest.fixture
def no_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise AssertionError("a temporary file was made")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)


def test_a_plain_file_is_read_in_place(tmp_path: Path, no_temporary: None) -> None:
    catalogue = measured(put(tmp_path, DATA))
    assert str(catalogue.digest) == builder.digest(DATA)
    assert (catalogue.outer, catalogue.size, catalogue.tar_size) == (Compression.NONE, len(DATA), len(DATA))
    assert [blob.digest for blob in catalogue.blobs.values()]


def test_every_member_has_the_digest_of_its_bytes() -> None:
    entries = builder.docker_legacy([builder.ImageSpec()])
    catalogue = measured(io.BytesIO(builder.tar(entries)))
    true = {entry.path.rstrip("/"): builder.digest(entry.data) for entry in entries if entry.type == b"0"}
    assert {catalogue.members[index].path: str(blob.digest) for index, blob in catalogue.blobs.items()} == true


@each_compression
def test_compression_around_the_tar_is_undone(tmp_path: Path, outer: Compression) -> None:
    data = PACKERS[outer](DATA)
    catalogue = measured(put(tmp_path, data))
    assert (catalogue.outer, catalogue.outer_anomalies) == (outer, ())
    assert str(catalogue.digest) == builder.digest(data)
    assert catalogue.size == len(data)
    assert facts(catalogue) == facts(measured(io.BytesIO(DATA)))


@each_compression
@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_a_compressed_archive_that_is_cut_off_says_so(outer: Compression, part: float) -> None:
    data = PACKERS[outer](DATA)
    data = data[: int(len(data) * part)]
    try:
        catalogue = measured(io.BytesIO(data))
    except InputError as error:  # nothing came out of it
        assert str(error).startswith(f"no tar archive: {outer} around")
        return
    assert AnomalyKind.TRUNCATED_STREAM in {anomaly.kind for anomaly in catalogue.outer_anomalies}
    assert str(catalogue.digest) == builder.digest(data)


@pytest.mark.parametrize("outer", [outer for outer in PACKERS if outer is not Compression.ZSTD], ids=str)
def test_a_damaged_compressed_archive_says_so(
    outer: Compression,
) -> None:  # the builder's zstd frame has no checksum that could tell
    data = bytearray(PACKERS[outer](DATA))
    middle = len(data) // 2
    data[middle : middle + 4] = bytes(byte ^ 0xFF for byte in data[middle : middle + 4])
    try:
        catalogue = measured(io.BytesIO(bytes(data)))
    except InputError as error:
        assert "no tar archive" in str(error)
        return
    assert catalogue.outer_anomalies


@each_compression
@pytest.mark.parametrize(
    ("rest", "kind"), [(b"garbage!", AnomalyKind.TRAILING_BYTES), (bytes(512), AnomalyKind.TRAILING_ZEROS)]
)
def test_what_follows_the_compressed_stream_is_noted_and_hashed(
    outer: Compression, rest: bytes, kind: AnomalyKind
) -> None:
    data = PACKERS[outer](DATA) + rest
    catalogue = measured(io.BytesIO(data))
    if not (outer is Compression.XZ and rest == bytes(512)):  # the padding of xz's own format
        assert [anomaly.kind for anomaly in catalogue.outer_anomalies] == [kind]
    assert str(catalogue.digest) == builder.digest(data)
    assert catalogue.tar_size == len(DATA)


def test_a_file_object_is_read_from_where_it_stands() -> None:
    stream = io.BytesIO(b"before" + DATA)
    stream.seek(6)
    catalogue = measured(stream)
    assert str(catalogue.digest) == builder.digest(DATA)
    assert not stream.closed


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_that_hands_out_little_at_a_time_is_read_to_its_end(pack: Callable[[bytes], bytes]) -> None:
    data = pack(DATA)
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as stream:
            for start in range(0, len(data), 700):
                stream.write(data[start : start + 700])

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb", buffering=0) as stream:
        catalogue = measured(stream)
    thread.join()
    assert str(catalogue.digest) == builder.digest(data)
    assert facts(catalogue) == facts(measured(io.BytesIO(DATA)))


def test_an_opened_file_is_not_closed(tmp_path: Path) -> None:
    with put(tmp_path, DATA).open("rb") as stream:
        measured(stream)
        assert not stream.closed


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"hello", "no tar archive: text"),
        (b"{}", "no tar archive: a JSON document"),
        (bytes(4096), "no tar archive: zero bytes"),
        (b"\x7fELF" + bytes(600), "no tar archive: an ELF program"),
        (gzip.compress(b"hello", mtime=0), "no tar archive: gzip around text"),
        (gzip.compress(b"", mtime=0), "no tar archive: gzip around nothing"),
        (bz2.compress(DATA)[:100], "no tar archive: bzip2 around nothing; the stream is cut off"),
        (GLOBAL_HEADER, "no tar archive: tar headers, but no member"),
        (b"bent" + GLOBAL_HEADER[4:], "no tar archive: a tar header with a wrong checksum"),
        (gzip.compress(gzip.compress(DATA, mtime=0), mtime=0), "no tar archive: gzip around gzip data"),
        (b"\x04\x22\x4d\x18" + bytes(600), "an lz4 stream; unpack it first"),
    ],
)
def test_what_is_no_tar_is_an_input_error_that_says_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=f"^{words}$"):
        measured(io.BytesIO(data))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_zeros_that_were_compressed_to_a_thousandth_are_given_up_early(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(bytes(48 * MIB))
    with pytest.raises(InputError, match="around zero bytes, and no header in") as caught:
        measured(io.BytesIO(packed))
    copied = int(str(caught.value).split()[-2])
    assert copied <= Limits().headless(len(packed)) + Limits().chunk < 20 * MIB


def test_an_archive_without_its_first_header_is_still_copied_to_its_next() -> None:
    random = hashlib.shake_256(b"layer").digest(1 * MIB)
    data = bytearray(builder.tar([builder.Entry("lost", random), builder.Entry("found", b"x")]))
    data[:512] = b"y" * 512
    packed = gzip.compress(bytes(data), mtime=0)
    limits = Limits(headless_floor=0)
    with Archive(io.BytesIO(packed), limits) as archive:
        assert [member.name for member in measure(archive).members] == ["found"]


def test_a_stream_that_cannot_be_read_by_offset_is_copied_up_to_a_bound() -> None:
    with pytest.raises(LimitError, match="^more than 4096 bytes; a plain tar on disk is read in place$"):
        Archive(io.BytesIO(DATA), Limits(spooled=4096))
    Archive(io.BytesIO(DATA), Limits(spooled=len(DATA))).close()
    with pytest.raises(InputError, match="^no tar archive: text, and no header in"):
        Archive(io.BytesIO(b"yes\n" * 4 * MIB), Limits(headless_most=1 * MIB))


def test_missing_files_and_directories_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="^No such file or directory$"):
        Archive(tmp_path / "gone.tar")
    with pytest.raises(InputError, match="^is a directory$"):
        Archive(tmp_path)
    with pytest.raises(InputError):
        looks_like_archive(tmp_path / "gone.tar")


@pytest.mark.parametrize("size", [len(BIG) // 2, 512])
def test_a_file_that_shrinks_while_it_is_read_is_no_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = put(tmp_path, BIG)
    index = tarwalk.index

    def shrink(*arguments: Any) -> Any:
        found = index(*arguments)
        os.truncate(path, size)
        return found

    monkeypatch.setattr("imgforensics.archive.tarwalk.index", shrink)
    with pytest.raises(InputError, match="became shorter while it was read"):
        measured(path, jobs=3)


@pytest.mark.parametrize("change", ["grow", "touch"])
def test_a_file_that_changes_while_it_is_read_is_no_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = put(tmp_path, BIG)
    index = tarwalk.index

    def alter(*arguments: Any) -> Any:
        found = index(*arguments)
        if change == "grow":
            with path.open("ab") as stream:
                stream.write(b"more")
        else:
            os.utime(path, ns=(1, 1))
        return found

    monkeypatch.setattr("imgforensics.archive.tarwalk.index", alter)
    with pytest.raises(InputError, match="^the file changed while it was read$"):
        measured(path)


@pytest.mark.parametrize("data", [DATA, BIG, builder.archive("containerd"), gzip.compress(DATA, mtime=0)])
def test_any_number_of_jobs_measures_the_same(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, data)
    one, four = measured(path, jobs=1), measured(path, jobs=4)
    assert facts(one) == facts(four)
    assert list(one.blobs) == list(four.blobs) == sorted(one.blobs)
    assert one.digest == four.digest


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_another_algorithm_is_computed_only_where_it_is_claimed(algorithm: str) -> None:
    layout = "oci_layout_sha512" if algorithm == "sha512" else "oci_archive"
    catalogue = measured(io.BytesIO(builder.archive(layout)))
    others = {name for blob in catalogue.blobs.values() for name in blob.other_digests}
    assert others == ({"sha512"} if algorithm == "sha512" else set())


def test_a_sha512_claim_in_a_document_is_enough() -> None:
    document = builder.go({"schemaVersion": 2, "manifests": [{"digest": "sha512:" + "0" * 128, "size": 1}]})
    big = bytes(2 << 20)
    entries = [builder.Entry("index.json", document), builder.Entry("big", big), builder.Entry("small", b"x")]
    catalogue = measured(io.BytesIO(builder.tar(entries)))
    assert [str(blob.other_digests["sha512"]) for blob in catalogue.blobs.values()] == [
        builder.digest(data, "sha512") for data in (document, big, b"x")
    ]


def test_documents_are_kept_up_to_a_budget() -> None:
    documents = [builder.Entry(f"{number}.json", b'{"n": "%04d"}' % number) for number in range(10)]
    size = len(documents[0].data)
    catalogue = measured(io.BytesIO(builder.tar(documents)), documents=4 * size)
    kept = [index for index, blob in catalogue.blobs.items() if blob.content is not None]
    assert kept == [0, 1, 2, 3]
    assert set(catalogue.unmeasured) == set(range(4, 10))
    assert all("documents exceed" in reason for reason in catalogue.unmeasured.values())
    assert all(blob.digest for blob in catalogue.blobs.values())


def test_fast_leaves_large_members_and_the_whole_unhashed(tmp_path: Path) -> None:
    catalogue = measured(put(tmp_path, BIG), fast=True)
    assert catalogue.digest is None
    assert list(catalogue.blobs) == [0]
    assert dict(catalogue.unmeasured) == {1: "not hashed: structure only was asked for"}


def test_fast_has_the_digest_of_what_was_read_through_anyway() -> None:
    assert str(measured(io.BytesIO(BIG), fast=True).digest) == builder.digest(BIG)


def test_reading_ends_where_the_tar_ends(tmp_path: Path) -> None:
    with Archive(put(tmp_path, DATA)) as archive:
        assert archive.read(0, 10) == DATA[:10]
        assert archive.read(len(DATA) - 3, 10) == DATA[-3:]
        assert archive.read(len(DATA) + 5, 10) == b""


def test_a_stop_cancels_what_is_being_read(tmp_path: Path) -> None:
    with Archive(put(tmp_path, DATA), replace(DEFAULT_LIMITS, chunk=4096)) as archive:
        chunks = archive.chunks(0, len(DATA))
        next(chunks)
        archive._stop.set()
        with pytest.raises(Cancelled):
            next(chunks)
        with pytest.raises(Cancelled):
            next(archive.chunks(0, 1))


def test_an_interrupt_stops_the_other_threads(tmp_path: Path) -> None:
    class Impatient:
        def expect(self, size: int) -> None:
            pass

        def advance(self, size: int) -> None:
            raise KeyboardInterrupt

    with Archive(put(tmp_path, BIG), replace(DEFAULT_LIMITS, chunk=4096), Impatient()) as archive:
        with pytest.raises(KeyboardInterrupt):
            measure(archive, 2)
        assert archive._stop.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("imgforensics")]


def test_an_interrupt_while_spooling_closes_everything() -> None:
    class Impatient:
        def expect(self, size: int) -> None:
            raise KeyboardInterrupt

        def advance(self, size: int) -> None:
            pass

    with pytest.raises(KeyboardInterrupt):
        Archive(io.BytesIO(DATA), progress=Impatient())


def test_a_temporary_copy_that_cannot_be_made_or_written_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Any, chunk: Any) -> None:
        raise OSError(28, "No space left on device")

    class Full(io.BytesIO):
        write = full  # type: ignore[assignment]

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    with pytest.raises(InputError, match="temporary copy cannot be written: No space left on device"):
        Archive(io.BytesIO(DATA))

    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(InputError, match="no temporary file can be made: Permission denied"):
        Archive(io.BytesIO(DATA))


def test_an_error_of_the_disk_is_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    path = put(tmp_path, DATA)
    if hasattr(os, "preadv"):
        monkeypatch.setattr(os, "preadv", fail)
        with pytest.raises(InputError, match="^cannot read byte 0: Input/output error$"):
            measured(path)

    class Broken(io.BytesIO):
        read = fail  # type: ignore[assignment]

    with pytest.raises(InputError, match="^Input/output error$"):
        Archive(Broken())


def test_without_positioned_reads_the_result_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, BIG)
    true = facts(measured(path))
    monkeypatch.delattr(os, "preadv", raising=False)
    assert facts(measured(path, jobs=4)) == true
