# Types of golazy.py, for Cython.
cimport cython
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport common, hash_big, load32

cdef int _MORE, _FULL, _DONE, _STOPPED, _AGREED, _AHEAD, _LOOKAHEAD, _SLIDE_AT, _WINDOW, _WALK, _SPREAD
cdef Py_ssize_t _FAR, _HIGHEST_BIAS

@cython.final
cdef class LazyMatcher:
    cdef int lazy, nice, chain
    cdef const unsigned char[::1] window
    cdef unsigned int[::1] heads
    cdef unsigned short[::1] links, ordinals
    cdef Py_ssize_t entered
    cdef readonly Py_ssize_t bias
    cdef public Py_ssize_t at, base
    cdef Py_ssize_t stop, trail_start, trail_end
    cdef unsigned char[::1] trail
    cdef bint compare
    cdef public int match_length, match_distance, pending

    cpdef rebase(self, Py_ssize_t shift)
    cpdef begin(self, Py_ssize_t at, Py_ssize_t base, Py_ssize_t entered)
    cpdef watch(self, Py_ssize_t stop, unsigned char[::1] trail, Py_ssize_t start, bint compare)
    cpdef int parse(
        self, const unsigned char[::1] window, Py_ssize_t end, bint final, Sequences sequences, int tokens
    ) except -1
    @cython.locals(heads=cython.uint[::1], slot=cython.Py_ssize_t, head=cython.uint, gone=cython.uint)
    cdef int _shift(self, Py_ssize_t shift) except -1 nogil
    @cython.locals(
        window="const unsigned char[::1]",
        heads=cython.uint[::1],
        links=cython.ushort[::1],
        ordinals=cython.ushort[::1],
        at=cython.Py_ssize_t,
        slot=cython.uint,
        last_slot=cython.uint,
        ordinal=cython.uint,
        link=cython.Py_ssize_t,
        bias=cython.Py_ssize_t,
    )
    cdef int _enter(self, Py_ssize_t stop) except -1 nogil
    @cython.locals(
        at=cython.Py_ssize_t,
        base=cython.Py_ssize_t,
        look=cython.Py_ssize_t,
        low=cython.Py_ssize_t,
        enterable=cython.Py_ssize_t,
        entered=cython.Py_ssize_t,
        found=cython.Py_ssize_t,
        length=cython.int,
        distance=cython.int,
        last_length=cython.int,
        last_distance=cython.int,
        pending=cython.int,
        room=cython.int,
        run=cython.int,
        count=cython.int,
        lit_count=cython.int,
    )
    cdef int _parse(
        self,
        Py_ssize_t end,
        bint final,
        unsigned char[::1] lits,
        unsigned int[::1] runs,
        unsigned int[::1] matches,
        Sequences sequences,
        int tokens,
    ) except -1 nogil
    @cython.locals(
        found=cython.Py_ssize_t,
        here=cython.Py_ssize_t,
        floor=cython.Py_ssize_t,
        place=cython.Py_ssize_t,
        anchor=cython.Py_ssize_t,
        ahead=cython.Py_ssize_t,
        shift=cython.int,
        probe=cython.int,
        other=cython.int,
        left=cython.int,
        spare=cython.int,
        enough=cython.int,
        length=cython.int,
        rank=cython.int,
        ordinal=cython.int,
        link=cython.int,
        wanted=cython.uint,
    )
    cdef Py_ssize_t _search(self, Py_ssize_t at, Py_ssize_t low, int limit, int best) except -1 nogil
