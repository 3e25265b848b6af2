"""An OCI archive unpacked as syft and grype unpack it, without a disk.

Imitated: stereoscope, ``pkg/file/tarutil.go``, ``UntarToDirectory``, of syft 1.18.1 (judged). Links and special files
are passed over, folders are made for their own members only, and a name that leads out ends it, as ``./`` does. A file
is opened without being cut: where a shorter one follows a longer one of its name, the rest of that stays behind it,
which decoders that stop at the first value do not see.
"""

from collections.abc import Sequence

from imgforensics.loaders.contents import is_regular
from imgforensics.loaders.gonames import clean
from imgforensics.loaders.load import RefusedError
from imgforensics.model import Member, MemberKind


class PlainDisk:
    """What lies in the folder: files, and folders of the same names never."""

    def __init__(self, members: Sequence[Member]) -> None:
        """Unpack.

        Raises:
            RefusedError: a name leads out, has no folder to lie in, or is that of a folder.
        """
        self._files: dict[str, int] = {}
        self._folders = {"."}
        for member in members:
            self._unpack(member)

    def at(self, path: str) -> int | None:
        """Index of the last member of this path."""
        return self._files.get(clean(path))

    def _unpack(self, member: Member) -> None:
        path = clean(f"./{member.name}")
        if path == ".." or path.startswith("../") or (path == "." and member.name != "."):
            raise RefusedError(f"{member.name} leads out of the folder that it is unpacked to")
        if member.kind is MemberKind.DIRECTORY:
            self._make(path)
        elif is_regular(member):
            folder = path.rpartition("/")[0] or "."
            if folder not in self._folders or path in self._folders:
                raise RefusedError(f"{member.name} cannot be made: there is no folder for it")
            self._files[path] = member.index

    def _make(self, path: str) -> None:
        """A folder and those above it, as far as they are not there. A file of its name stays."""
        while path and path not in self._folders and path not in self._files:
            self._folders.add(path)
            path = path.rpartition("/")[0]
