# Types of bitwriter.py, for Cython. Every function that is no part of Python's view returns 0 or more.
cimport cython
from imgforensics.recompress.lzwords cimport copy_run, store64
from imgforensics.recompress.tokens cimport Tokens
from imgforensics.recompress.words cimport Bytes

cdef const unsigned char[::1] _LENGTH_CODE, _LENGTH_EXTRA_BITS, _DIST_EXTRA_BITS
cdef const unsigned short[::1] _LENGTH_BASE, _DIST_BASE

cdef class BitWriter:
    cdef unsigned char[::1] out
    cdef Py_ssize_t used
    cdef unsigned long long waiting
    cdef int waiting_bits
    cdef unsigned int[::1] literal_entries, length_entries, dist_entries

    cpdef bytes take(self)
    cdef int put(self, unsigned long long value, int bits) except -1 nogil
    cdef int put_packed(self, Bytes packed, int bits) except -1 nogil
    cdef int align(self) except -1 nogil
    cdef int put_stored(self, Bytes data, Py_ssize_t start, Py_ssize_t size) except -1 nogil
    @cython.locals(bits=cython.int, entry=cython.uint, code=cython.int, length=cython.int, symbol=cython.int)
    cdef int use_codes(
        self, const unsigned short[::1] litlen_codes, const unsigned char[::1] litlen_lengths,
        const unsigned short[::1] dist_codes, const unsigned char[::1] dist_lengths
    ) except -1 nogil
    cdef int put_tokens(self, Tokens tokens) except -1 nogil
    cdef int put_literals(self, Bytes literals, Py_ssize_t start, Py_ssize_t count) except -1 nogil
    @cython.locals(
        used=cython.Py_ssize_t, waiting=cython.ulonglong, bits=cython.int, entry=cython.ulonglong,
        stop=cython.Py_ssize_t,
    )
    cdef int _put_literals(
        self, Bytes literals, Py_ssize_t at, Py_ssize_t end, unsigned char[::1] out, const unsigned int[::1] entries
    ) except -1 nogil
    @cython.locals(
        used=cython.Py_ssize_t, waiting=cython.ulonglong, bits=cython.int, entry=cython.ulonglong,
        match=cython.ulonglong, at=cython.Py_ssize_t, end=cython.Py_ssize_t, stop=cython.Py_ssize_t, code=cython.int,
        index=cython.Py_ssize_t,
    )
    cdef Py_ssize_t _put_matches(
        self, Bytes literals, const unsigned long long[::1] matches, Py_ssize_t count, unsigned char[::1] out,
        const unsigned int[::1] literal_entries, const unsigned int[::1] length_entries,
        const unsigned int[::1] dist_entries
    ) except -1 nogil
