# Types of kpfast.py, for Cython. Functions that give nothing return 0; -1 is an exception's.
cimport cython
from imgforensics.recompress.kpdouble cimport level4
from imgforensics.recompress.kppairs cimport level5, level6
from imgforensics.recompress.kpsingle cimport level1, level2, level3
from imgforensics.recompress.lzwords cimport earlier, latest, pushed
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport Bytes

cdef Py_ssize_t _FAR, _HIGHEST_BIAS

@cython.final
cdef class FastMatcher:
    cdef int level
    cdef Py_ssize_t longest, onward, bias
    cdef unsigned int[::1] short, long
    cdef unsigned long long[::1] pairs

    cpdef int restart(self, Py_ssize_t end) except -1 nogil
    cpdef int slide(self, Py_ssize_t shift) except -1 nogil
    @cython.locals(distances="unsigned short[::1]")
    cpdef bytes snapshot(self, Py_ssize_t at)
    cpdef match(self, Bytes window, Py_ssize_t start, Py_ssize_t end, Sequences out)
    cpdef int find(self, Bytes window, Py_ssize_t start, Py_ssize_t end, Sequences out) except -1 nogil
    cdef int _find(
        self,
        Bytes window,
        Py_ssize_t start,
        Py_ssize_t end,
        Sequences out,
        unsigned char[::1] lits,
        unsigned int[::1] runs,
        unsigned int[::1] matches,
    ) except -1 nogil
    @cython.locals(
        short="unsigned int[::1]",
        long="unsigned int[::1]",
        pairs="unsigned long long[::1]",
        count=cython.Py_ssize_t,
        slot=cython.Py_ssize_t,
        distance=cython.uint,
        pair=cython.ulonglong,
    )
    cdef int _snapshot(self, unsigned int at, unsigned short[::1] distances) except -1 nogil
    @cython.locals(gone=cython.Py_ssize_t, pair=cython.ulonglong, slot=cython.Py_ssize_t)
    cdef int _rebase(self) except -1 nogil
