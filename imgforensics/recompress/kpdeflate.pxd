# Types of kpdeflate.py, for Cython.
cimport cython
from imgforensics.recompress.kpblocks cimport BlockWriter
from imgforensics.recompress.kpdouble cimport level4, level5, level6
from imgforensics.recompress.kpsingle cimport level1, level2, level3
from imgforensics.recompress.lzwords cimport earlier, latest, pushed
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport Bytes

cdef Py_ssize_t BLOCK, REACH, BUFFER, FAR, HIGHEST_BIAS

cdef class FastDeflate:
    cdef int level
    cdef Py_ssize_t longest, onward, start, end, bias
    cdef BlockWriter writer
    cdef Sequences sequences
    cdef unsigned char[::1] buffer
    cdef unsigned int[::1] short, long
    cdef unsigned long long[::1] pairs

    cpdef int reset(self, Bytes dictionary) except -1
    @cython.locals(at=cython.Py_ssize_t, size=cython.Py_ssize_t)
    cpdef bytes write(self, Bytes data)
    cpdef bytes flush(self)
    cpdef bytes close(self)
    @cython.locals(size=cython.Py_ssize_t)
    cdef int _compress(self, bint last) except -1
    @cython.locals(gone=cython.Py_ssize_t)
    cdef int _drop(self) except -1
    @cython.locals(gone=cython.Py_ssize_t, pair=cython.ulonglong, slot=cython.Py_ssize_t)
    cdef int _rebase(self) except -1
    cdef int _match(self) except -1

cdef class MatchlessDeflate:
    cdef bint stored
    cdef Py_ssize_t block, size
    cdef BlockWriter writer
    cdef unsigned char[::1] buffer

    cpdef int reset(self, Bytes dictionary) except -1
    @cython.locals(at=cython.Py_ssize_t, size=cython.Py_ssize_t)
    cpdef bytes write(self, Bytes data)
    cpdef bytes flush(self)
    cpdef bytes close(self)
    cdef int _compress(self, bint last) except -1
