"""Offline forensics for container-image archives: is every byte in this tarball what its name says?

>>> from imgforensics import analyze
>>> report = analyze("image.tar")  # doctest: +SKIP
>>> for finding in report.findings:  # doctest: +SKIP
...     print(finding.rule.code, finding.location.member, finding.message)
"""

from imgforensics.analyze import analyze
from imgforensics.errors import ImgforensicsError, InputError, LimitError, NotAnImageError, SelectionError
from imgforensics.findings import Finding, Rule, Severity, Verdict
from imgforensics.limits import Limits
from imgforensics.model import Digest, Location, Outcome, Verification
from imgforensics.render import render
from imgforensics.report import ArchiveReport, Options, Report
from imgforensics.structure import Image, Layer
from imgforensics.version import __version__

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
    "NotAnImageError",
    "Options",
    "Outcome",
    "Report",
    "Rule",
    "SelectionError",
    "Severity",
    "Verdict",
    "Verification",
    "__version__",
    "analyze",
    "render",
]
