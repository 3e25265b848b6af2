# Types of kpsingle.py, for Cython. Every function returns 0; -1 is an exception's.
cimport cython
from imgforensics.recompress.lzwords cimport (
    agree4,
    close_sequences,
    copy_run,
    earlier,
    hash5,
    latest,
    pushed,
    put_match,
)
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
    lit_count=cython.int,
    count=cython.int,
    slot=cython.uint,
    word=cython.ulonglong,
    following=cython.ulonglong,
)
cdef int level1(
    Bytes data,
    Py_ssize_t start,
    Py_ssize_t end,
    Py_ssize_t bias,
    unsigned int[::1] table,
    Sequences out,
    unsigned char[::1] lits,
    unsigned int[::1] runs,
    unsigned int[::1] matches,
    Py_ssize_t longest,
) except -1 nogil

@cython.locals(
    done=cython.Py_ssize_t,
    ahead=cython.Py_ssize_t,
    candidate=cython.Py_ssize_t,
    inside=cython.Py_ssize_t,
    length=cython.Py_ssize_t,
    limit=cython.Py_ssize_t,
    at=cython.Py_ssize_t,
    lit_count=cython.int,
    count=cython.int,
    slot=cython.uint,
    word=cython.ulonglong,
    following=cython.ulonglong,
)
cdef int level2(
    Bytes data,
    Py_ssize_t start,
    Py_ssize_t end,
    Py_ssize_t bias,
    unsigned int[::1] table,
    Sequences out,
    unsigned char[::1] lits,
    unsigned int[::1] runs,
    unsigned int[::1] matches,
    Py_ssize_t longest,
) except -1 nogil

@cython.locals(
    done=cython.Py_ssize_t,
    ahead=cython.Py_ssize_t,
    candidate=cython.Py_ssize_t,
    inside=cython.Py_ssize_t,
    length=cython.Py_ssize_t,
    limit=cython.Py_ssize_t,
    at=cython.Py_ssize_t,
    other=cython.Py_ssize_t,
    oldest=cython.Py_ssize_t,
    lit_count=cython.int,
    count=cython.int,
    slot=cython.uint,
    word=cython.ulonglong,
    following=cython.ulonglong,
    pair=cython.ulonglong,
)
cdef int level3(
    Bytes data,
    Py_ssize_t start,
    Py_ssize_t end,
    Py_ssize_t bias,
    unsigned long long[::1] table,
    Sequences out,
    unsigned char[::1] lits,
    unsigned int[::1] runs,
    unsigned int[::1] matches,
    Py_ssize_t longest,
) except -1 nogil
