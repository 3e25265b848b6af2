# Types of bitwriter.py, for Cython.
cimport cython
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport load64, low64, store64

cdef int DIST_SYMBOLS, END_OF_BLOCK, _TOKEN_BITS

cdef class BitWriter:
    cdef unsigned char[::1] out
    cdef Py_ssize_t room, used
    cdef unsigned long long pending
    cdef int pending_bits
    cdef unsigned int[::1] lit_entries, length_entries, dist_entries
    cdef const unsigned char[::1] length_codes, length_extra, dist_codes, dist_extra

    cpdef bytes take(self)
    cpdef reserve(self, Py_ssize_t size)
    cpdef put(self, unsigned long long value, int bits)
    cpdef align(self)
    cpdef append(self, const unsigned char[::1] packed, Py_ssize_t bits)
    cpdef stored(self, const unsigned char[::1] raw, Py_ssize_t start, Py_ssize_t size, bint final=*)
    cpdef set_codes(
        self,
        const unsigned char[::1] litlen,
        const unsigned short[::1] litlen_codes,
        const unsigned char[::1] dist,
        const unsigned short[::1] dist_codes,
        int count,
    )
    cpdef sequences(self, Sequences sequences)
    cpdef literals(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop)
    cpdef end_of_block(self)
    cdef int _put(self, unsigned long long value, int bits) except -1 nogil
    @cython.locals(
        out=cython.uchar[::1],
        used=cython.Py_ssize_t,
        shift=cython.int,
        pending=cython.ulonglong,
        at=cython.Py_ssize_t,
        value=cython.ulonglong,
        taken=cython.int,
    )
    cdef int _append(self, const unsigned char[::1] packed, Py_ssize_t bits) except -1 nogil
    @cython.locals(bits=cython.uint, code=cython.int, first=cython.int)
    cdef int _set_codes(
        self,
        const unsigned char[::1] litlen,
        const unsigned short[::1] litlen_codes,
        const unsigned char[::1] dist,
        const unsigned short[::1] dist_codes,
        int count,
    ) except -1 nogil
    @cython.locals(
        lit_entries=cython.uint[::1],
        out=cython.uchar[::1],
        used=cython.Py_ssize_t,
        pending=cython.ulonglong,
        bits=cython.int,
        entry=cython.ulonglong,
        three=cython.ulonglong,
        unit=cython.ulonglong,
        size=cython.int,
        distance=cython.ulonglong,
        code=cython.int,
        extra=cython.int,
        lit=cython.Py_ssize_t,
        stop=cython.Py_ssize_t,
        at=cython.Py_ssize_t,
    )
    cdef int _sequences(
        self,
        const unsigned char[::1] lits,
        Py_ssize_t lit_count,
        const unsigned int[::1] runs,
        const unsigned int[::1] matches,
        Py_ssize_t count,
    ) except -1 nogil
    @cython.locals(entry=cython.ulonglong, at=cython.Py_ssize_t)
    cdef int _literals(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
