"""Signatures and attestations, found in an archive or handed in beside it, verified with what the user trusts.

Nothing in this room reaches a network. What needs an extra is imported where it is used: finding needs none, verifying
needs ``imgforensics[verify]``, keyless bundles need ``imgforensics[sigstore]``, and GPG needs the ``gpg`` program.
Trust comes from :class:`~imgforensics.trust.material.Material` alone: certificates, keys and roots that lie in the
archive are evidence, never anchors.
"""
