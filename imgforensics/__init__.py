"""Offline forensics for container-image archives: is every byte in this tarball what its name says?

>>> from imgforensics import analyze
>>> report = analyze("image.tar")  # doctest: +SKIP
>>> for finding in report.findings:  # doctest: +SKIP
...     print(finding.rule.code, finding.location.member, finding.message)
"""

import importlib
from typing import TYPE_CHECKING

from imgforensics.version import __version__

if TYPE_CHECKING:
    from imgforensics.analysis import analyze
    from imgforensics.errors import ImgforensicsError, InputError, LimitError, NotAnImageError, SelectionError
    from imgforensics.expectation import SuppliedManifest
    from imgforensics.findings import Finding, Rule, Severity, Verdict
    from imgforensics.limits import Limits
    from imgforensics.model import Digest, Location, Outcome, Verification
    from imgforensics.rendering import render
    from imgforensics.report import ArchiveReport, Options, Report
    from imgforensics.structure import Image, Layer
    from imgforensics.trust.material import Material, NamedFile, NotationTrust, Pin

__all__ = [
    "ArchiveReport",
    "Digest",
    "Finding",
    "Image",
    "ImgforensicsError",
    "InputError",
    "Layer",
    "LimitError",
    "Limits",
    "Location",
    "Material",
    "NamedFile",
    "NotAnImageError",
    "NotationTrust",
    "Options",
    "Outcome",
    "Pin",
    "Report",
    "Rule",
    "SelectionError",
    "Severity",
    "SuppliedManifest",
    "Verdict",
    "Verification",
    "__version__",
    "analyze",
    "render",
]

_ROOMS = {
    "ArchiveReport": "imgforensics.report",
    "Digest": "imgforensics.model",
    "Finding": "imgforensics.findings",
    "Image": "imgforensics.structure",
    "ImgforensicsError": "imgforensics.errors",
    "InputError": "imgforensics.errors",
    "Layer": "imgforensics.structure",
    "LimitError": "imgforensics.errors",
    "Limits": "imgforensics.limits",
    "Location": "imgforensics.model",
    "Material": "imgforensics.trust.material",
    "NamedFile": "imgforensics.trust.material",
    "NotAnImageError": "imgforensics.errors",
    "NotationTrust": "imgforensics.trust.material",
    "Options": "imgforensics.report",
    "Outcome": "imgforensics.model",
    "Pin": "imgforensics.trust.material",
    "Report": "imgforensics.report",
    "Rule": "imgforensics.findings",
    "SelectionError": "imgforensics.errors",
    "Severity": "imgforensics.findings",
    "SuppliedManifest": "imgforensics.expectation",
    "Verdict": "imgforensics.findings",
    "Verification": "imgforensics.model",
    "analyze": "imgforensics.analysis",
    "render": "imgforensics.rendering",
}
"""Where each public name lives. Rooms are imported when a name of theirs is first asked for: all of them together take
longer than ``--version`` or a completion should."""


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
