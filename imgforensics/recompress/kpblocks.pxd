# Types of kpblocks.py, for Cython.
cimport cython
from imgforensics.recompress.bitwriter cimport BitWriter
from imgforensics.recompress.huffman cimport HuffmanBuilder
from imgforensics.recompress.lzwords cimport fadd, fdiv, float_bits, float_of, fmul, whole
from imgforensics.recompress.tokens cimport Tokens
from imgforensics.recompress.words cimport Bytes

cdef int LITLEN_SYMBOLS, DIST_SYMBOLS, END_OF_BLOCK, MAX_BITS
cdef long long _NEVER, _FEW, _USUAL_HEADER
cdef const unsigned char[::1] _LENGTH_CODE, _LENGTH_EXTRA_BITS, _DIST_EXTRA_BITS
cdef const unsigned char[::1] _FIXED_LITLEN_LENGTHS, _FIXED_DIST_LENGTHS
cdef unsigned short[::1] _FIXED_LITLEN_CODES, _FIXED_DIST_CODES

@cython.locals(bits=cython.uint, exponent=cython.int, mantissa=cython.float, length=cython.float)
cdef float code_length(float share) noexcept nogil

cdef class BlockWriter:
    cdef readonly BitWriter bits
    cdef object dialect
    cdef int shift
    cdef HuffmanBuilder builder
    cdef long long header_bits
    cdef bint literals_only
    cdef unsigned int[::1] litlen_freq, dist_freq, length_freq
    cdef unsigned char[::1] litlen_lengths, dist_lengths, trial_lengths
    cdef unsigned short[::1] litlen_codes, dist_codes

    @cython.locals(
        count=cython.Py_ssize_t, stored=cython.longlong, fresh=cython.longlong, extra=cython.longlong,
        fixed=cython.longlong, expected=cython.longlong, trims=cython.bint,
    )
    cpdef int put_tokens(self, Tokens tokens, Bytes data, Py_ssize_t start, Py_ssize_t size, bint last) except -1
    @cython.locals(estimate=cython.longlong, symbol=cython.int)
    cpdef int put_bytes(self, Bytes data, Py_ssize_t start, Py_ssize_t size, bint last) except -1
    cpdef int put_stored(self, Bytes data, Py_ssize_t start, Py_ssize_t size) except -1
    cpdef int put_marker(self) except -1
    cpdef int put_end(self) except -1
    cdef int _put_fixed(self, Tokens tokens) except -1
    @cython.locals(litlen_count=cython.int, dist_count=cython.int)
    cdef tuple _header(self, bint trims)
    cdef int _open(self, bytes header, int header_bits) except -1
    cdef int _close(self) except -1
    @cython.locals(symbol=cython.int, at=cython.Py_ssize_t)
    cdef int _count(self, Bytes literals, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(match=cython.ulonglong, length=cython.int, index=cython.Py_ssize_t)
    cdef int _count_matches(self, const unsigned long long[::1] matches, Py_ssize_t count) except -1 nogil
    @cython.locals(symbol=cython.int)
    cdef bint _lacks_codes(self) except -1 nogil
    @cython.locals(total=cython.longlong, symbol=cython.int)
    cdef long long _size(self) except -1 nogil
    @cython.locals(total=cython.longlong, symbol=cython.int)
    cdef long long _fixed_size(self) except -1 nogil
    @cython.locals(total=cython.longlong, code=cython.int)
    cdef long long _extra_bits(self) except -1 nogil
    @cython.locals(total=cython.longlong, off=cython.longlong, value=cython.int)
    cdef bint _is_even(self, Py_ssize_t size) except -1 nogil
    @cython.locals(
        bits=cython.longlong, matches=cython.uint, total=cython.float, inverse=cython.float, freq=cython.uint,
        symbol=cython.int, code=cython.int,
    )
    cdef long long _estimate(self, Py_ssize_t count) except -1 nogil
