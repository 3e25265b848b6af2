"""Fuzzing: hostile bytes for the tar walker, the JSON readers, the inflaters and the whole analysis; see README.md."""
