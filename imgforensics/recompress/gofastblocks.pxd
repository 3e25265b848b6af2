# Types of gofastblocks.py, for Cython. Functions that give nothing return 0; -1 is an exception's.
cimport cython
from imgforensics.recompress.bitwriter cimport BitWriter
from imgforensics.recompress.goblocks cimport BlockWriter
from imgforensics.recompress.gofast cimport FastMatcher
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport Bytes

cdef Py_ssize_t _BLOCK, _SMALL, _TINY

@cython.final
cdef class FastBlocks:
    cdef readonly FastMatcher matcher
    cdef readonly BlockWriter blocks
    cdef Sequences sequences
    cdef long long[::1] begins, bits
    cdef Py_ssize_t kept

    cpdef match(self, Bytes window, Py_ssize_t start, Py_ssize_t stop)
    cpdef write(self, Bytes window, Py_ssize_t start, Py_ssize_t stop)
    cpdef keep(self, Bytes window, Py_ssize_t start, Py_ssize_t stop)
    cpdef put(self, BlockWriter target, Bytes window, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t number)
    cpdef forget(self)
    cdef int _match(self, Bytes window, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cdef int _write(self, Bytes window, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    @cython.locals(begin=cython.Py_ssize_t)
    cdef int _keep(self, Bytes window, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cdef int _put(
        self, BlockWriter target, Bytes window, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t number
    ) except -1 nogil
    @cython.locals(size=cython.Py_ssize_t, stored=cython.int)
    cdef int _block(self, Bytes window, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
