"""Compiles what has to be quick where a C compiler is at hand; all else is in pyproject.toml.

That is the encoders of ``imgforensics/recompress``, and what handles every entry of a layer. Each is one Python source
with its C types in a ``.pxd`` file beside it. Every extension is optional: without a compiler the installation succeeds
and the sources run as plain Python, with the same output, the encoders about a hundred times slower.
``IMGFORENSICS_BOUNDSCHECK=1`` in the environment compiles every index with a check, as the tests want.

Neither -march=native nor contraction of floating-point operations: the same bits must come out on every processor.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

CHECKED = os.environ.get("IMGFORENSICS_BOUNDSCHECK") == "1"
FLAGS = [] if sys.platform == "win32" else ["-O2", "-g0", "-ffp-contract=off"]
FOLDER = Path("imgforensics", "recompress")
SOURCES = sorted(
    path.with_suffix(".py")
    for folder in (FOLDER, FOLDER.parent)
    for path in folder.glob("*.pxd")
    if path.stem not in {"layerbytes", "lzwords", "words"}
)
DIRECTIVES = {
    "annotation_typing": False,  # the .pxd files have the types; annotations serve readers and mypy
    "boundscheck": CHECKED,
    "cdivision": True,
    "infer_types": True,  # locals are what is assigned to them; hot loops and wide numbers name their types
    "initializedcheck": CHECKED,
    "wraparound": False,
}

SHARED = "imgforensics.recompress._views"
"""The extension in which Cython keeps what memory views need: in each of the others it would be most of the code."""


def extensions() -> list[Extension]:
    """What is to be compiled, translated to C."""
    if {"egg_info", "dist_info"} & set(sys.argv):
        return []  # pip asks twice for metadata before it builds
    made = cythonize(
        [
            Extension(".".join(path.with_suffix("").parts), [str(path)], extra_compile_args=FLAGS)
            for path in (FOLDER / "_views.c", *SOURCES)
        ],
        language_level=3,
        shared_utility_qualified_name=SHARED,
        force=True,  # the directives depend on the environment, which time stamps do not show
        compiler_directives=DIRECTIVES,
    )
    for extension in made:
        extension.optional = True  # cythonize does not hand it on
    return made


setup(ext_modules=extensions(), options={"build_ext": {"parallel": os.cpu_count()}})
