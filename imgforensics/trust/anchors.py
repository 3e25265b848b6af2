"""The user's trust material, parsed when it is first needed. Needs the extra ``verify``."""

from contextlib import suppress
from functools import cached_property

from cryptography import x509

from imgforensics.trust import certificates, keys, trustedroot
from imgforensics.trust.keys import TrustedKey
from imgforensics.trust.material import Material
from imgforensics.trust.notationpolicy import policy_for
from imgforensics.trust.refusal import RefusedError
from imgforensics.trust.trustedroot import TrustedRoot


class Anchors:
    """What is trusted. Each part raises :class:`InputError` where the user's file is not what it should be."""

    def __init__(self, material: Material) -> None:
        self.material = material

    @cached_property
    def keys(self) -> tuple[TrustedKey, ...]:
        """Public keys."""
        return keys.load(self.material.keys)

    @cached_property
    def root(self) -> TrustedRoot | None:
        """Sigstore's authorities and logs."""
        return None if self.material.trusted_root is None else trustedroot.load(self.material.trusted_root)

    @cached_property
    def own_roots(self) -> tuple[x509.Certificate, ...]:
        """Roots of a PKI of one's own."""
        return certificates.load_pems(self.material.ca_roots)

    @cached_property
    def own_intermediates(self) -> tuple[x509.Certificate, ...]:
        """Certificates that may lead to these roots."""
        return certificates.load_pems(self.material.ca_intermediates)

    @cached_property
    def stampers(self) -> tuple[x509.Certificate, ...]:
        """Time-stamp authorities."""
        given = certificates.load_pems(self.material.timestamp_roots)
        return given if self.root is None else (*given, *self.root.stampers())

    def load(self) -> None:
        """Parse everything, so that a wrong file is an error before any work."""
        _ = (self.keys, self.root, self.own_roots, self.own_intermediates, self.stampers)
        notation = self.material.notation
        if notation is not None:
            for files in notation.stores.values():
                certificates.load_pems(files)
            with suppress(RefusedError):  # that several policies are there is told with each signature
                policy_for(self.material, notation)
