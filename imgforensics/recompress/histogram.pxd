# Types of histogram.py, for Cython.
cimport cython
from imgforensics.recompress.sequences cimport Sequences

cdef int LITLEN_SYMBOLS, DIST_SYMBOLS, END_OF_BLOCK

@cython.final
cdef class Histogram:
    cdef readonly unsigned int[::1] litlen, dist
    cdef readonly unsigned long long extra_bits
    cdef readonly int litlen_count, dist_count
    cdef unsigned int[::1] by_length, lanes
    cdef const unsigned char[::1] length_codes, length_extra, dist_codes, dist_extra

    cpdef int count(self, Sequences sequences) except -1 nogil
    cpdef int count_bytes(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    @cython.locals(litlen_count=cython.int, dist_count=cython.int)
    cpdef int end(self) except -1 nogil
    @cython.locals(bits=cython.ulonglong)
    cpdef unsigned long long weigh(self, const unsigned char[::1] litlen, const unsigned char[::1] dist) except? 0 nogil
    @cython.locals(litlen=cython.uint[::1], lanes=cython.uint[::1], at=cython.Py_ssize_t)
    cdef int _literals(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    @cython.locals(by_length=cython.uint[::1], dist=cython.uint[::1], match=cython.uint, distance=cython.uint, code=cython.int)
    cdef int _matches(self, const unsigned int[::1] matches, Py_ssize_t count) except -1 nogil
