# Types of kpblocks.py, for Cython. Functions that give nothing return 0; -1 is an exception's.
cimport cython
from imgforensics.recompress.bitwriter cimport BitWriter
from imgforensics.recompress.histogram cimport Histogram
from imgforensics.recompress.huffman cimport HuffmanBuilder
from imgforensics.recompress.kpfound cimport Found
from imgforensics.recompress.lzwords cimport fadd, fdiv, float_bits, float_of, fmul, whole
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport Bytes

cdef int _LITLEN_SYMBOLS, _DIST_SYMBOLS, _END_OF_BLOCK, _MAX_BITS
cdef long long _MAX_STORED, _NEVER, _FEW, _USUAL_HEADER
cdef Py_ssize_t _TINY, _SMALL

@cython.locals(bits=cython.uint, exponent=cython.int, mantissa=cython.float, length=cython.float)
cdef float code_length(float share) noexcept nogil

@cython.final
cdef class BlockWriter:
    cdef readonly BitWriter bits
    cdef bint counts_end, trims_open
    cdef int shift
    cdef HuffmanBuilder huffman
    cdef Histogram histogram
    cdef long long header_bits
    cdef bint literals_only
    cdef unsigned char[::1] litlen, dist, trial
    cdef const unsigned char[::1] fixed_lengths, fixed_dists
    cdef unsigned short[::1] litlen_codes, dist_codes, fixed_codes, fixed_dist_codes

    cpdef put_block(self, Sequences found, Bytes window, Py_ssize_t start, Py_ssize_t end, bint last)
    cpdef put_blocks(self, Found found, Py_ssize_t number, Bytes window, Py_ssize_t start, Py_ssize_t stop, bint last)
    cpdef put_sequences(self, Sequences sequences, Bytes raw, Py_ssize_t start, Py_ssize_t size, bint last)
    cpdef put_bytes(self, Bytes raw, Py_ssize_t start, Py_ssize_t size, bint last)
    cpdef int put_stored(self, Bytes raw, Py_ssize_t start, Py_ssize_t size) except -1 nogil
    cpdef put_marker(self)
    cpdef put_end(self)
    @cython.locals(size=cython.Py_ssize_t)
    cdef int _put_block(
        self, Sequences found, Bytes window, Py_ssize_t start, Py_ssize_t end, bint last
    ) except -1 nogil
    @cython.locals(end=cython.Py_ssize_t)
    cdef int _put_blocks(
        self, Found found, Py_ssize_t number, Bytes window, Py_ssize_t start, Py_ssize_t stop, bint last
    ) except -1 nogil
    @cython.locals(
        count=cython.Py_ssize_t, stored=cython.longlong, fresh=cython.longlong, extra=cython.longlong,
        fixed=cython.longlong, expected=cython.longlong, trims=cython.bint, header_bits=cython.int,
    )
    cdef int _put_sequences(
        self, Sequences sequences, Bytes raw, Py_ssize_t start, Py_ssize_t size, bint last
    ) except -1 nogil
    @cython.locals(expected=cython.longlong, reused=cython.longlong, code=cython.int)
    cdef int _put_bytes(self, Bytes raw, Py_ssize_t start, Py_ssize_t size, bint last) except -1 nogil
    cdef int _put_fixed(self, Sequences sequences) except -1 nogil
    @cython.locals(litlen_count=cython.int, dist_count=cython.int)
    cdef int _header(self, bint trims) except -1 nogil
    cdef int _open(self, int header_bits) except -1 nogil
    cdef int _close(self) except -1 nogil
    @cython.locals(symbol=cython.int, code=cython.int)
    cdef bint _lacks_codes(self) except -1 nogil
    @cython.locals(total=cython.longlong, off=cython.longlong, byte=cython.int)
    cdef bint _is_even(self, Py_ssize_t size) except -1 nogil
    @cython.locals(
        litlen="unsigned int[::1]", dist="unsigned int[::1]", matches=cython.uint, total=cython.float,
        inverse=cython.float, symbol=cython.int, code=cython.int,
    )
    cdef Py_ssize_t _entropy(self, Py_ssize_t count) except -1 nogil
