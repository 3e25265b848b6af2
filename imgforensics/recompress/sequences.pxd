# Types of sequences.py, for Cython.
cdef class Sequences:
    cdef unsigned char[::1] lits
    cdef unsigned int[::1] runs, matches
    cdef public int lit_count, count, run

    cpdef clear(self)
    cpdef int tokens(self)
    cpdef literals(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop)
    cdef int add_literals(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cdef int add_match(self, unsigned int length, unsigned int distance) except -1 nogil
