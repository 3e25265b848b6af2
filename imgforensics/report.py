"""What comes out: the options that went in, one archive's report, and the report of a run."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from imgforensics.case import Case
from imgforensics.expectation import SuppliedManifest
from imgforensics.findings import Finding, NotChecked, Skipped, Verdict
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Digest
from imgforensics.reconstruct.registry import Registry
from imgforensics.structure import Image
from imgforensics.trust.material import Material


@dataclass(frozen=True, slots=True)
class Options:
    """How to look at an archive."""

    jobs: int = 1
    """Threads that hash and inflate at a time."""
    fast: bool = False
    """Structure only: members larger than a document are not hashed, and the verdict is never ``intact``."""
    select: tuple[str, ...] = ()
    """Rule codes, or beginnings of them; all rules where it is empty."""
    ignore: tuple[str, ...] = ()
    """Rule codes, or beginnings of them, that are not reported."""
    image: str | None = None
    """Report on one image only: a reference, an image ID or an unambiguous beginning of it (with or without
    ``sha256:``), or ``@N``."""
    platform: str | None = None
    """Report on images of one platform only: ``os/architecture[/variant]``."""
    digests: bool = False
    """Find or rebuild the manifests that a registry shows for the images. Layers may have to be compressed again."""
    expect: Sequence[str] = ()
    """Digests of manifests, indexes or configs (image IDs) that the archive is said to hold. With ``IMAGE=`` before
    it, a digest is expected of that image (as :attr:`image` names one)."""
    manifests: tuple[SuppliedManifest, ...] = ()
    """Manifests fetched from a registry: they prove or refute that the archive holds that image."""
    pushers: tuple[str, ...] = ()
    """Pushing tools to imitate, or ``all``; those that the evidence suggests where it is empty."""
    ledger: str | None = None
    """File that remembers known layers and finished recompressions; None for none."""
    known: str | None = None
    """A ledger in which what was measured of blobs is found, and kept, by their digest; None for none. It decides how
    long the work takes, never what comes out."""
    signatures: bool = False
    """Look for signatures and attestations, and verify them with :attr:`trust`."""
    trust: Material = field(default_factory=Material)
    """What the user trusts, and signatures beside the archive."""
    signed_manifests: tuple[SuppliedManifest, ...] = ()
    """Manifests that lead from a signed digest to the archive; unlike :attr:`manifests`, they are no expectations."""
    require_signature: bool = False
    """An image that is not signed and verified is a finding."""
    warn: Callable[[str], None] | None = None
    """Told, in a line, of what goes wrong and costs no answer: the ledger cannot be read or written."""
    timestamps: bool = False
    """Tell when the work on each archive began and ended. Without it, the same evidence gives the same report."""
    limits: Limits = DEFAULT_LIMITS

    def selects(self, code: str) -> bool:
        """Whether findings of the rule with this code are reported."""
        return (not self.select or code.startswith(tuple(self.select))) and not (
            self.ignore and code.startswith(tuple(self.ignore))
        )


DEFAULT_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when something was worked on."""

    started: datetime
    ended: datetime

    @classmethod
    def since(cls, started: datetime | None) -> "Period | None":
        """From then to now; None where nobody looked at the clock."""
        return None if started is None else cls(started, datetime.now(UTC))


def moment(options: Options) -> datetime | None:
    """Now, if the options want times to be told."""
    return datetime.now(UTC) if options.timestamps else None


@dataclass(frozen=True)
class ArchiveReport:
    """Everything that is known about one archive."""

    path: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    case: Case | None = None
    """All facts; None where there is no answer."""
    images: tuple[Image, ...] = ()
    """The images that were asked for; all, unless options chose."""
    not_checked: tuple[NotChecked, ...] = ()
    registries: Mapping[int, Registry] = field(default_factory=dict)
    """By index of the image: what a registry shows for it, where that was asked for."""
    error: str | None = None
    """Why there is no answer, in one line."""
    period: Period | None = None
    """When it was looked at; None unless that was asked for."""

    @property
    def size(self) -> int | None:
        """Bytes of the file as it lies on disk."""
        return None if self.case is None else self.case.catalogue.size

    @property
    def digest(self) -> Digest | None:
        """SHA-256 of the file as it lies on disk."""
        return None if self.case is None else self.case.catalogue.digest


@dataclass(frozen=True)
class Report:
    """The report of a run: one archive or many."""

    archives: tuple[ArchiveReport, ...]
    skipped: tuple[Skipped, ...] = ()
    """Files found in directories that are no archives."""
    command: str = "verify"
    options: Options = DEFAULT_OPTIONS
    """How the archives were looked at."""
    period: Period | None = None
    """When the run began and ended; None unless that was asked for."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings of all archives, in their order."""
        return tuple(finding for archive in self.archives for finding in archive.findings)

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict among the archives."""
        return gravest(archive.verdict for archive in self.archives)

    def counts(self) -> Counter[Verdict]:
        """Archives by verdict."""
        return Counter(archive.verdict for archive in self.archives)

    def __iter__(self) -> Iterator[ArchiveReport]:
        return iter(self.archives)


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest of these verdicts; of none, that there is no answer."""
    return max(verdicts, key=list(Verdict).index, default=Verdict.UNREADABLE)
