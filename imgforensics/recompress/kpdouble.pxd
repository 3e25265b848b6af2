# Types of kpdouble.py, for Cython. Every function returns 0; -1 is an exception's.
cimport cython
from imgforensics.recompress.lzwords cimport agree4, close_sequences, copy_run, hash4, hash7, put_match
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport Bytes, common, load64

@cython.locals(
    done=cython.Py_ssize_t,
    ahead=cython.Py_ssize_t,
    candidate=cython.Py_ssize_t,
    inside=cython.Py_ssize_t,
    length=cython.Py_ssize_t,
    limit=cython.Py_ssize_t,
    at=cython.Py_ssize_t,
    near=cython.Py_ssize_t,
    lit_count=cython.int,
    count=cython.int,
    slot=cython.uint,
    long_slot=cython.uint,
    word=cython.ulonglong,
    following=cython.ulonglong,
)
cdef int level4(
    Bytes data,
    Py_ssize_t start,
    Py_ssize_t end,
    Py_ssize_t bias,
    unsigned int[::1] short,
    unsigned int[::1] long,
    Sequences out,
    unsigned char[::1] lits,
    unsigned int[::1] runs,
    unsigned int[::1] matches,
    Py_ssize_t longest,
) except -1 nogil
