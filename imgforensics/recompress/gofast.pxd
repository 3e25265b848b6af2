# Types of gofast.py, for Cython.
cimport cython
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport common, hash_little, load32, load64, low32, store64

@cython.final
cdef class FastMatcher:
    cdef unsigned long long[::1] table

    cpdef reset(self)
    @cython.locals(entry=cython.ulonglong, position=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cpdef int rebase(self, Py_ssize_t shift) except -1 nogil
    cpdef int match(
        self, const unsigned char[::1] window, Py_ssize_t start, Py_ssize_t stop, Sequences sequences
    ) except -1 nogil
    @cython.locals(distances=cython.ushort[::1])
    cpdef bytes snapshot(self, Py_ssize_t at)
    @cython.locals(slot=cython.Py_ssize_t, distance=cython.Py_ssize_t)
    cdef int _snapshot(self, Py_ssize_t at, unsigned short[::1] distances) except -1 nogil
    @cython.locals(
        table=cython.ulonglong[::1],
        limit=cython.Py_ssize_t,
        done=cython.Py_ssize_t,
        at=cython.Py_ssize_t,
        following=cython.Py_ssize_t,
        distance=cython.Py_ssize_t,
        skip=cython.Py_ssize_t,
        length=cython.Py_ssize_t,
        run=cython.Py_ssize_t,
        behind=cython.Py_ssize_t,
        lit_count=cython.Py_ssize_t,
        count=cython.Py_ssize_t,
        value=cython.uint,
        slot=cython.uint,
        entry=cython.ulonglong,
    )
    cdef int _match(
        self,
        const unsigned char[::1] window,
        Py_ssize_t start,
        Py_ssize_t stop,
        Sequences sequences,
        unsigned char[::1] lits,
        unsigned int[::1] runs,
        unsigned int[::1] matches,
    ) except -1 nogil
