# Types of gogreedy.py, for Cython.
cimport cython
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport common, hash_big, load32

cdef int _MORE, _FULL, _DONE, _LOOKAHEAD, _SLIDE_AT, _WINDOW

cdef class GreedyMatcher:
    cdef int nice, chain, skip
    cdef const unsigned char[::1] window
    cdef unsigned int[::1] heads
    cdef unsigned short[::1] links
    cdef public Py_ssize_t at, base
    cdef public int pending

    cpdef rebase(self, Py_ssize_t shift)
    cpdef int parse(
        self, const unsigned char[::1] window, Py_ssize_t end, bint final, Sequences sequences, int tokens
    ) except -1
    @cython.locals(at=cython.Py_ssize_t, head=cython.uint)
    cdef int _rebase(self, Py_ssize_t shift) except -1 nogil
    @cython.locals(link=cython.Py_ssize_t, slot=cython.uint)
    cdef inline int _enter(self, Py_ssize_t at) except -1 nogil
    @cython.locals(
        at=cython.Py_ssize_t,
        look=cython.Py_ssize_t,
        enterable=cython.Py_ssize_t,
        inner=cython.Py_ssize_t,
        found=cython.Py_ssize_t,
        length=cython.int,
    )
    cdef int _parse(self, Py_ssize_t end, bint final, Sequences sequences, int tokens) except -1 nogil
    @cython.locals(
        found=cython.Py_ssize_t,
        place=cython.Py_ssize_t,
        link=cython.int,
        best=cython.int,
        enough=cython.int,
        length=cython.int,
        wanted=cython.uint,
    )
    cdef Py_ssize_t _search(self, Py_ssize_t at, Py_ssize_t low, int limit) except -1 nogil
