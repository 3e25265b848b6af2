# Types of kpfinder.py, for Cython. -1 is an exception's.
cimport cython
from imgforensics.recompress.kpfast cimport FastMatcher
from imgforensics.recompress.kpfound cimport Found
from imgforensics.recompress.words cimport Bytes

cdef Py_ssize_t _BLOCK, _SMALL, _REACH, _KEPT_BLOCKS, _KEPT

@cython.locals(since=cython.Py_ssize_t, base=cython.Py_ssize_t, before=cython.Py_ssize_t)
cpdef Py_ssize_t window_base(Py_ssize_t block, Py_ssize_t size) except -1 nogil

@cython.final
cdef class BlockFinder:
    cdef FastMatcher matcher
    cdef bint odd
    cdef Py_ssize_t base

    cpdef restart(self, Py_ssize_t block)
    cpdef bytes snapshot(self, Py_ssize_t at)
    cpdef find(self, Bytes window, Py_ssize_t offset, Py_ssize_t start, Py_ssize_t stop, Found found)
    @cython.locals(block=cython.Py_ssize_t, end=cython.Py_ssize_t, base=cython.Py_ssize_t, gone=cython.Py_ssize_t)
    cdef int _find(
        self, Bytes window, Py_ssize_t offset, Py_ssize_t start, Py_ssize_t stop, Found found
    ) except -1 nogil
    cdef Py_ssize_t _base(self, Py_ssize_t block, Py_ssize_t size) except -1 nogil
