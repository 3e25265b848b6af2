# Types of goblocks.py, for Cython. Functions that give nothing return 0; -1 is an exception's.
cimport cython
from imgforensics.recompress.bitwriter cimport BitWriter
from imgforensics.recompress.histogram cimport Histogram
from imgforensics.recompress.huffman cimport HuffmanBuilder
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport Bytes

cdef int DIST_SYMBOLS, LITLEN_SYMBOLS, MAX_BITS
cdef Py_ssize_t _MAX_STORED

@cython.final
cdef class BlockWriter:
    cdef readonly BitWriter bits
    cdef HuffmanBuilder huffman
    cdef Histogram histogram
    cdef unsigned char[::1] litlen, dist
    cdef const unsigned char[::1] fixed_lengths, fixed_dists
    cdef unsigned short[::1] litlen_codes, dist_codes, fixed_codes, fixed_dist_codes
    cdef int header_bits

    cpdef best(self, Sequences sequences, Bytes raw, Py_ssize_t start, Py_ssize_t stop)
    cpdef int stored(self, Bytes raw, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cpdef int dynamic(self, Sequences sequences, Bytes raw, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cpdef int literals(self, Bytes raw, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cpdef huffman_only(self, Bytes raw, Py_ssize_t start, Py_ssize_t stop)
    cpdef finish(self)
    @cython.locals(extra=cython.longlong, fixed=cython.longlong, size=cython.longlong)
    cdef int _best(self, Sequences sequences, Bytes raw, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cdef int _huffman_only(self, Bytes raw, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cdef int _build(self) except -1 nogil
    @cython.locals(size=cython.longlong)
    cdef int _stored_instead(self, Bytes raw, Py_ssize_t start, Py_ssize_t stop) except -1 nogil
    cdef int _open(self) except -1 nogil
