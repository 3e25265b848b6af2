"""What Linux refuses to make, whoever unpacks: names, targets of symlinks, extended attributes. No I/O.

Programs that unpack end with an error there, and those that only copy or read the tar do not notice.
"""

from collections.abc import Iterable
from enum import StrEnum

from imgforensics.model import MemberKind

PATH, NAME = 4_095, 255
"""Bytes of a path, and of a name in it (``PATH_MAX`` without its NUL, ``NAME_MAX``)."""
_VALUE = 65_536
"""Bytes of an attribute's value (``XATTR_SIZE_MAX``); many file systems take less."""
_ROOM = 2_048
"""Bytes of a value for which every file system that has attributes has room."""
ATTRIBUTES = ("SCHILY.xattr.", "LIBARCHIVE.xattr.")
"""How the keys of PAX records that are extended attributes begin, as text."""
_LABEL = b"security.selinux"
_STAR = b"SCHILY.xattr."
"""How the records of a PAX header begin that Go's ``archive/tar`` hands on as attributes; libarchive's it does not."""
_NAMESPACES = frozenset((b"user.", b"security.", b"trusted."))
"""Names that have to go on. ``system.`` alone is no namespace that is known, and passed over as all of these are."""
_CAPABILITY = b"security.capability"
_CAPABILITIES = {20: 0x02000000, 24: 0x03000000}
"""Bytes of a capability's value and its revision (``validheader`` in ``security/commoncap.c``)."""
_EFFECTIVE = 1
_NOBODY = b"\xff" * 4
_ACLS = (b"system.posix_acl_access", b"system.posix_acl_default")
_ACL_VERSION, _ACL_HEAD, _ACL_ENTRY = 2, 4, 8
_ACL_TAGS = frozenset((0x01, 0x02, 0x04, 0x08, 0x10, 0x20))
"""Of the owner, users, the group, groups, the mask and others (``include/uapi/linux/posix_acl.h``)."""
_SPECIAL = (MemberKind.SYMLINK, MemberKind.DEVICE, MemberKind.FIFO)
"""What has no attributes of users."""


class Refusal(StrEnum):
    """Who minds that an attribute is refused."""

    BY_ALL = "by-all"
    TRUSTED = "trusted"
    """One of ``trusted.``, which containerd leaves out."""
    FORBIDDEN = "forbidden"
    """``EPERM``, which containers/storage alone minds."""


def refused_path(path: str, most: int = PATH) -> str:
    """Why a path is refused, empty where it is not.

    Args:
        path: cleaned, without a slash in front.
        most: bytes that it may have below the folder that it is unpacked to.
    """
    if len(path) <= NAME and path.isascii():
        return ""
    raw = path.encode("utf-8", "surrogateescape")
    if len(raw) > most:
        return f"a path of {len(raw)} bytes"
    longest = max(len(name) for name in raw.split(b"/"))
    return f"a name of {longest} bytes" if longest > NAME else ""


def refused_target(target: str) -> str:
    """Why the target of a symlink is refused, empty where it is not."""
    if not target:
        return "a symlink to nothing"
    size = len(target.encode("utf-8", "surrogateescape"))
    return f"a symlink's target of {size} bytes" if size > PATH else ""


def refused_attributes(records: Iterable[tuple[bytes, bytes]], kind: MemberKind) -> dict[Refusal, str]:
    """The first attribute of each sort that is refused (``setxattr`` and ``vfs_setxattr`` in ``fs/xattr.c``).

    Args:
        records: of a PAX header, in order; of several of one key the last counts.
        kind: what has them.

    Returns:
        What is wrong, by who minds. Attributes of namespaces that no system knows are passed over by all, and those
        without a value set by none.
    """
    found: dict[Refusal, str] = {}
    attributes = {key[len(_STAR) :]: value for key, value in records if key.startswith(_STAR)}
    for name, value in attributes.items():
        trouble = _trouble(name, value, kind) if value else ""
        if trouble:
            trusted, forbidden = name.startswith(b"trusted."), trouble == _FORBIDDEN
            minds = Refusal.FORBIDDEN if forbidden else Refusal.TRUSTED if trusted else Refusal.BY_ALL
            shown = name[:NAME].decode("utf-8", "backslashreplace")
            found.setdefault(minds, f"the attribute {shown!r}: {trouble}")
    return found


_FORBIDDEN = "links, devices and fifos have none of users"


def may_be_refused(records: Iterable[tuple[str, str]], kind: MemberKind) -> bool:
    """Whether a system may refuse one of the attributes: by what it allows, knows, and has room for.

    Those that users set, labels of SELinux, and namespaces that Linux does not have, are set or passed over everywhere.
    """
    raw = encoded(records)
    names = ((key.partition(b".xattr.")[2], value) for key, value in raw)
    return bool(refused_attributes(raw, kind)) or any(
        (name.startswith((b"security.", b"trusted.", b"system.")) and name != _LABEL)
        or (name.startswith(b"user.") and len(value) > _ROOM)
        for name, value in names
    )


def encoded(records: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Records as they stand in the header."""
    return [
        (key.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape")) for key, value in records
    ]


def _trouble(name: bytes, value: bytes, kind: MemberKind) -> str:
    if not 0 < len(name) <= NAME:
        return f"a name of {len(name)} bytes"
    if len(value) > _VALUE:
        return f"a value of {len(value)} bytes"
    if name.startswith(b"user.") and kind in _SPECIAL:
        return _FORBIDDEN
    if name in _NAMESPACES:
        return "a namespace without a name"
    if name == _CAPABILITY and not _is_capability(value):
        return "no capabilities as Linux knows them"
    return "no list of rights" if name in _ACLS and kind is not MemberKind.SYMLINK and not _is_acl(value) else ""


def _is_capability(value: bytes) -> bool:
    revision = int.from_bytes(value[:4], "little") & ~_EFFECTIVE
    return _CAPABILITIES.get(len(value)) == revision and value[20:] != _NOBODY


def _is_acl(value: bytes) -> bool:
    """Whether a list can be read, or is of another version, which is passed over (``posix_acl_from_xattr``)."""
    if len(value) < _ACL_HEAD:
        return False
    if int.from_bytes(value[:_ACL_HEAD], "little") != _ACL_VERSION:
        return True
    tags = (value[at : at + 2] for at in range(_ACL_HEAD, len(value), _ACL_ENTRY))
    return (len(value) - _ACL_HEAD) % _ACL_ENTRY == 0 and all(
        int.from_bytes(tag, "little") in _ACL_TAGS for tag in tags
    )
