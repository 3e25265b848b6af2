"""Places, names and fingerprints as SARIF 2.1.0 has them (OASIS Standard, 27 March 2020)."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from imgforensics.case import Case
from imgforensics.findings import Finding
from imgforensics.model import Compression, Digest, Location, Member
from imgforensics.rendering.escape import json_text, printable
from imgforensics.rendering.jsonparts import dump
from imgforensics.report import ArchiveReport
from imgforensics.sets.rule import SetFinding

Json = Mapping[str, Any]

_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
_STDIN = "stdin"


def uri(path: str) -> str:
    """A path as a URI reference, percent-encoded byte by byte (RFC 3986, section 2.1); relative where the path is."""
    if path == "-":
        return _STDIN
    try:
        raw = path.replace(os.sep, "/").encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        raw = path.encode("utf-8", "surrogatepass")
    encoded = "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in raw)
    absolute = os.path.isabs(path)  # noqa: PTH117 - a path is text here, and nothing is opened
    return f"file:///{encoded.lstrip('/')}" if absolute else encoded


def text(words: str) -> str:
    """Words as a message. Viewers make links of ``[text](target)``, and names in an archive may look so."""
    return printable(words).replace("](", "] (")


class Places:
    """The places of one archive."""

    def __init__(self, archive: ArchiveReport, index: int) -> None:
        self._archive = archive
        self._artifact = {"uri": uri(archive.path), "index": index}

    def location(self, place: Location) -> Json:
        """A place: the archive, the bytes in it where they are known, and by name the member, image and layer."""
        physical: dict[str, Any] = {"artifactLocation": self._artifact}
        region = self._region(place)
        if region is not None:
            physical["region"] = region
        result: dict[str, Any] = {"physicalLocation": physical}
        logical = _logical(place)
        if logical:
            result["logicalLocations"] = logical
        return result

    def _region(self, place: Location) -> Json | None:
        """Where the bytes stand in the file itself; None behind an outer compression, or where that is not certain.

        An offset counts from the start of the tar, or from that of the member for what lies inside its bytes. It is
        taken for the former where it leads to the very header or data of that member; else the whole member is told.
        """
        case = self._archive.case
        if case is None or case.catalogue.outer is not Compression.NONE:
            return None
        if place.member is None:
            return None if place.offset is None else _bytes(case, place.offset, place.length or 0)
        members = self._members.get(place.member, ())
        for member in members:
            for span in (member.header, member.data):
                if place.offset == span.offset and place.length == span.length:
                    return _bytes(case, span.offset, span.length)
        if len(members) != 1:
            return None
        return _bytes(case, members[0].data.offset, members[0].present)

    @cached_property
    def _members(self) -> Mapping[str, list[Member]]:
        found: dict[str, list[Member]] = {}
        for member in () if self._archive.case is None else self._archive.case.catalogue.members:
            found.setdefault(member.name, []).append(member)
        return found


def _bytes(case: Case, offset: int, length: int) -> Json | None:
    there = case.catalogue.tar_size - offset
    return None if there < 0 else {"byteOffset": offset, "byteLength": min(length, there)}


def _logical(place: Location) -> list[Json]:
    result: list[Json] = []
    if place.member is not None:
        name = json_text(place.member)
        pointer = "" if place.pointer is None else f"#{json_text(place.pointer)}"
        result.append({"name": name, "fullyQualifiedName": f"{name}{pointer}", "kind": "member"})
    if place.image is not None:
        image = f"image @{place.image}"
        result.append({"name": image, "fullyQualifiedName": image, "kind": "image"})
        if place.layer is not None:
            layer = f"layer {place.layer}"
            result.append({"name": layer, "fullyQualifiedName": f"{image}/{layer}", "kind": "layer"})
    return result


class _Hashes:
    """Hashes of values; one that comes again gets another hash, by how often it came before."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, kind: str, value: Sequence[str | int | None]) -> str:
        told = dump([kind, *(json_text(each) if isinstance(each, str) else each for each in value)])
        self._seen[told] += 1
        return Digest.of(f"{told}{self._seen[told]}".encode()).encoded


class Fingerprints:
    """Tells the findings of one archive from each other, and knows them again.

    ``evidence`` is of the finding in these very bytes, wherever the archive lies and whatever it is called. ``place``
    is of the same finding at the same place of an archive that was made again; viewers take it together with the path.
    """

    def __init__(self, archive: ArchiveReport) -> None:
        self._archive = str(archive.digest)
        self._hashes = _Hashes()

    def of(self, finding: Finding) -> Json:
        """The partial fingerprints of a finding, in the order in which the archive has them."""
        where = finding.location
        place = [finding.rule.code, where.member, where.pointer, where.image, where.layer]
        evidence = [*place, where.offset, where.length, finding.claimed, finding.computed, self._archive]
        return {"evidence/v1": self._hashes.of("evidence", evidence), "place/v1": self._hashes.of("place", place)}


class SetFingerprints:
    """The same for what archives say together: by rule and by the tag, digest or path that it is about."""

    def __init__(self) -> None:
        self._hashes = _Hashes()

    def of(self, finding: SetFinding) -> Json:
        """The partial fingerprint of a finding, in the order in which the set has them."""
        return {"set/v1": self._hashes.of("set", [finding.rule.code, finding.subject])}
