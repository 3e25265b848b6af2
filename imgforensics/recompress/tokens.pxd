# Types of tokens.py, for Cython.
from imgforensics.recompress.lzwords cimport copy_run
from imgforensics.recompress.words cimport Bytes

cdef class Tokens:
    cdef public unsigned char[::1] literals
    cdef public unsigned long long[::1] matches
    cdef public Py_ssize_t literal_count, match_count

    cdef int close(
        self, Bytes data, Py_ssize_t start, Py_ssize_t end, Py_ssize_t literal_count, Py_ssize_t match_count
    ) except -1 nogil
