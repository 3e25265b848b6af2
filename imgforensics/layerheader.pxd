# Types of layerheader.py, for Cython.
cimport cython
from imgforensics.layerbytes cimport checksum, cleanable, octal, same, text, until_nul

cdef int BLOCK
cdef object _KINDS
cdef tuple _MAGICS, _NO_DEVICE
cdef bytes _STAR
cdef int _OWNERS

cdef class UsualHeaders:
    cdef bytes owners
    cdef str uname, gname

    @cython.locals(size=cython.longlong, length=cython.Py_ssize_t)
    cpdef long long run(self, const unsigned char[::1] data, long long at, long long base, list entries) except -1
    @cython.locals(
        known=tuple,
        mode=cython.longlong,
        uid=cython.longlong,
        gid=cython.longlong,
        size=cython.longlong,
        mtime=cython.longlong,
        claimed=cython.longlong,
        name_length=cython.Py_ssize_t,
        is_file=cython.bint,
        name=str,
        fields=tuple,
    )
    cdef long long usual(self, const unsigned char[::1] data, Py_ssize_t at, long long base, list entries) except? -2
    @cython.locals(start=cython.Py_ssize_t, end=cython.Py_ssize_t)
    cdef object path(self, const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t length, str name)
    @cython.locals(none=bytes)
    cdef bint no_device(self, const unsigned char[::1] data, Py_ssize_t at) except -1
