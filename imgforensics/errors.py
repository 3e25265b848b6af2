"""What stops the tool: one root and three leaves. Bad evidence is never one of these; it becomes a finding."""


class ImgforensicsError(Exception):
    """Root of every exception that this package raises on purpose. Its text is one line, ready for a person."""


class InputError(ImgforensicsError):
    """There is no evidence to look at: a missing or unreadable file, a directory, a file that is no archive."""


class SelectionError(ImgforensicsError):
    """What the caller chose does not exist: an unknown rule code, an image that the archive does not hold."""


class LimitError(ImgforensicsError):
    """A bound of :class:`imgforensics.limits.Limits` was reached before anything at all could be answered."""


class NotAnImageError(InputError):
    """A sound tar in which nothing belongs to a container image: an error where it was named, skipped in a folder."""
