# Types of layerpadding.py, for Cython.
cimport cython
from imgforensics.layerbytes cimport nonzero, raw

cdef int BLOCK
cdef long long _MOST

cdef class Padding:
    cdef public long long count
    cdef public object first
    cdef long long _from, _to

    @cython.locals(end=cython.longlong, size=cython.longlong)
    cpdef take(self, list entries, const unsigned char[::1] data, long long base)
    @cython.locals(start=cython.longlong, length=cython.longlong, found=cython.longlong, there=bytes)
    cdef int _look(self, const unsigned char[::1] data, long long base, long long end) except -1
