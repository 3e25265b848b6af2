# Types of bitwriter.py, for Cython.
cimport cython
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport load64, low64, store64

cdef int DIST_SYMBOLS, END_OF_BLOCK, _TOKEN_BITS

@cython.final
cdef class BitWriter:
    cdef unsigned char[::1] out
    cdef Py_ssize_t room, used
    cdef unsigned long long pending
    cdef int pending_bits
    cdef unsigned int[::1] lit_entries, length_entries, dist_entries
    cdef const unsigned char[::1] length_codes, length_extra, dist_codes, dist_extra

    cpdef bytes take(self)
    cpdef int drop(self, Py_ssize_t used) except -1 nogil
    cpdef int put(self, unsigned long long value, int bits) except -1 nogil
    cpdef int align(self) except -1 nogil
    @cython.locals(
        out=cython.uchar[::1],
        used=cython.Py_ssize_t,
        shift=cython.int,
        pending=cython.ulonglong,
        value=cython.ulonglong,
        taken=cython.int,
    )
    cpdef int append(self, const unsigned char[::1] packed, Py_ssize_t at, Py_ssize_t bits) except -1 nogil
    cpdef int stored(self, const unsigned char[::1] raw, Py_ssize_t start, Py_ssize_t size, bint final=*) except -1 nogil
    @cython.locals(bits=cython.uint, code=cython.int, first=cython.int)
    cpdef int set_codes(
        self,
        const unsigned char[::1] litlen,
        const unsigned short[::1] litlen_codes,
        const unsigned char[::1] dist,
        const unsigned short[::1] dist_codes,
        int count,
    ) except -1 nogil
    cpdef int sequences(self, Sequences sequences) except -1 nogil
    @cython.locals(entry=cython.ulonglong, at=cython.Py_ssize_t)
    cpdef int literals(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cpdef int end_of_block(self) except -1 nogil
    cdef int _reserve(self, Py_ssize_t size) except -1 nogil
    cdef int _grow(self, Py_ssize_t size) except -1
    cdef int _put(self, unsigned long long value, int bits) except -1 nogil
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
