"""What a registry shows, or would show, for an image: the manifest as the tool that pushes it writes it.

``manifest`` holds how manifests are spelled and ``spelling`` reads off who spelled one; ``mediatypes`` how manifests
and blobs are called; ``ociconfig`` the one rewriting of a config that pushing does; ``pusher`` and ``pushers`` what is
known about each tool, and ``build`` makes of that what it uploads. ``preserved`` finds manifests that lie in an archive
ready made; ``evidence`` ranks the tools by what an archive tells, ``traces`` by what a config does.

Pure functions throughout: no file is opened and nothing is compressed. Encoders of layers are named, not called.
"""
