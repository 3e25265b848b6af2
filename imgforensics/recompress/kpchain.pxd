# Types of kpchain.py, for Cython. Functions that give nothing return 0; -1 is an exception's.
cimport cython
from imgforensics.recompress.huffman cimport HuffmanBuilder
from imgforensics.recompress.lzwords cimport hash4
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport Bytes, common, load32

cdef int _MORE, _FULL

@cython.final
cdef class ChainMatcher:
    cdef int least, lazy, nice, chain, fruitless
    cdef bint overflows, weighs, pending
    cdef const unsigned char[::1] window
    cdef unsigned int[::1] heads, links, literal_freq, savings
    cdef unsigned char[::1] literal_bits
    cdef HuffmanBuilder huffman
    cdef const unsigned char[::1] length_codes, length_extra, dist_codes, dist_extra
    cdef Py_ssize_t bias, length, distance
    cdef readonly Py_ssize_t at, cut

    @cython.locals(at=cython.Py_ssize_t)
    cpdef restart(self, Bytes window, Py_ssize_t end)
    cpdef slide(self, Py_ssize_t shift)
    @cython.locals(state="unsigned short[::1]")
    cpdef bytes snapshot(self)
    @cython.locals(byte=cython.int, at=cython.Py_ssize_t)
    cpdef weigh(self, Bytes window, Py_ssize_t end)
    @cython.locals(status=cython.int)
    cpdef int parse(self, Bytes window, Py_ssize_t end, bint final, Sequences out, Sequences over) except -1
    @cython.locals(
        limit=cython.Py_ssize_t,
        ahead=cython.Py_ssize_t,
        candidate=cython.Py_ssize_t,
        length=cython.Py_ssize_t,
        distance=cython.Py_ssize_t,
    )
    cdef int _parse(
        self, Py_ssize_t end, bint final, Sequences out, Sequences over
    ) except -1 nogil
    @cython.locals(slot=cython.uint, before=cython.Py_ssize_t)
    cdef Py_ssize_t _enter(self, Py_ssize_t at) noexcept nogil
    @cython.locals(
        at=cython.Py_ssize_t,
        lowest=cython.Py_ssize_t,
        most=cython.Py_ssize_t,
        nice=cython.Py_ssize_t,
        best=cython.Py_ssize_t,
        length=cython.Py_ssize_t,
        best_gain=cython.int,
        gain=cython.int,
        total=cython.int,
    )
    cdef int _search(self, Py_ssize_t candidate, Py_ssize_t ahead) except -1 nogil
    @cython.locals(code=cython.int)
    cdef int _gain(self, Py_ssize_t length, Py_ssize_t distance) noexcept nogil
    @cython.locals(
        start=cython.Py_ssize_t,
        other=cython.Py_ssize_t,
        better=cython.Py_ssize_t,
        after=cython.Py_ssize_t,
        at=cython.Py_ssize_t,
    )
    cdef int _take(
        self,
        Py_ssize_t length,
        Py_ssize_t distance,
        Py_ssize_t ahead,
        Py_ssize_t limit,
        Sequences out,
        Sequences over,
    ) except -1 nogil
    @cython.locals(rest=cython.int)
    cdef int _hurry(self, Py_ssize_t limit, Sequences out, Sequences over) except -1 nogil
    cdef int _pass(self, Py_ssize_t limit, Sequences out, Sequences over) except -1 nogil
    cdef int _literal(self, Sequences out, Sequences over) except -1 nogil
    cdef int _note(self, Sequences out) except -1 nogil
    @cython.locals(
        heads="unsigned int[::1]",
        links="unsigned int[::1]",
        at=cython.uint,
        count=cython.Py_ssize_t,
        slot=cython.Py_ssize_t,
        distance=cython.uint,
    )
    cdef int _distances(self, unsigned short[::1] state) except -1 nogil
    @cython.locals(gone=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cdef int _rebase(self) except -1
