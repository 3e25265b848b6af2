# Types of kpfound.py, for Cython. -1 is an exception's.
cimport cython
from imgforensics.recompress.sequences cimport Sequences

cdef Py_ssize_t _BLOCK

@cython.final
cdef class Found:
    cdef unsigned char[::1] lits
    cdef unsigned int[::1] runs, matches
    cdef long long[::1] lit_ends, match_ends
    cdef Py_ssize_t blocks
    cdef readonly Sequences part

    cpdef int clear(self) except -1 nogil
    cpdef int begin(self) except -1 nogil
    cpdef int end(self) except -1 nogil
    cpdef int show(self, Py_ssize_t number) except -1 nogil
