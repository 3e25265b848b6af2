# Types of huffman.py, for Cython. Every function returns 0 or more; -1 is an exception's.
cimport cython

cdef int MAX_META_BITS
cdef int _ROW
cdef int _PACKED
cdef const unsigned char[::1] _META_ORDER

@cython.final
cdef class HuffmanBuilder:
    cdef unsigned long long[::1] keys, leaves, rows
    cdef unsigned char[::1] leaf_flags, values, symbols, extras, meta_lengths
    cdef readonly unsigned char[::1] packed
    cdef unsigned int[::1] meta_freq, next_code
    cdef unsigned short[::1] meta_codes
    cdef int bit_count

    cpdef int lengths(self, const unsigned int[::1] freq, int count, int max_bits, unsigned char[::1] out) except -1 nogil
    @cython.locals(next_code=cython.uint[::1], code=cython.uint, used=cython.uint, turned=cython.uint, length=cython.int)
    cpdef int codes(self, const unsigned char[::1] lengths, int count, unsigned short[::1] out) except -1 nogil
    cpdef int header(
        self, const unsigned char[::1] litlen, int litlen_count, const unsigned char[::1] dist, int dist_count
    ) except -1 nogil
    @cython.locals(key=cython.ulonglong)
    cdef int _sort(self, int count) except -1 nogil
    @cython.locals(
        leaves=cython.ulonglong[::1],
        rows=cython.ulonglong[::1],
        leaf_flags=cython.uchar[::1],
        weight=cython.ulonglong,
        lighter=cython.ulonglong,
        is_leaf=cython.int,
    )
    cdef int _merge(self, int level, int used, int size, int wanted) except -1 nogil
    cdef int _run_lengths(self, int count) except -1 nogil
    cdef int _put(self, unsigned int value, int bits) except -1 nogil
