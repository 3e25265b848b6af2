# Types of sequences.py, for Cython.
cimport cython

@cython.final
cdef class Sequences:
    cdef unsigned char[::1] lits
    cdef unsigned int[::1] runs, matches
    cdef public int lit_count, count, run
    cdef readonly int last
    cdef readonly Py_ssize_t size
    cdef int lit_read, read
    cdef unsigned int run_read

    cpdef int clear(self) except -1 nogil
    cpdef int tokens(self) except -1 nogil
    cpdef literals(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop)
    cdef int add_literals(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cdef int add_match(self, unsigned int length, unsigned int distance) except -1 nogil
    cpdef skip(self, Py_ssize_t size)
    cdef int _skip(self, Py_ssize_t size) except -1 nogil
    cpdef int fill(self, Sequences source, int tokens) except -1
    @cython.locals(room=cython.int, left=cython.int, taken=cython.int)
    cdef int _fill(
        self,
        Sequences source,
        int tokens,
        const unsigned char[::1] lits,
        const unsigned int[::1] runs,
        const unsigned int[::1] matches,
    ) except -1 nogil
