"""What a registry shows, or would show, for an image: the manifest as the tool that pushes it writes it.

``manifest`` holds how manifests are written, ``ociconfig`` the one rewriting of a config that pushing does, ``pushers``
the table of tools, ``build`` puts them together; ``preserved`` finds manifests that lie in an archive ready made, and
``evidence`` ranks the tools by what an archive tells. Pure functions throughout: no file, no compressor. Encoders of
layers are named, not called.
"""
