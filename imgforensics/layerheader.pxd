# Types of layerheader.py, for Cython.
cimport cython
from imgforensics.layerbytes cimport begins, no_device, octal, raw, same, sound, text, until_nul
from imgforensics.layerextensions cimport UsualExtensions

cdef int BLOCK, FULL
cdef object _KINDS
cdef bytes _GNU, STAR
cdef int _OWNERS

cdef class UsualHeaders:
    cdef UsualExtensions said
    cdef bytes owners
    cdef str uname, gname

    @cython.locals(size=cython.longlong, length=cython.Py_ssize_t, header=cython.longlong, extended=cython.bint)
    cpdef long long run(self, const unsigned char[::1] data, long long at, long long base, list entries) except -1
    @cython.locals(
        known=tuple,
        mode=cython.longlong,
        uid=cython.longlong,
        gid=cython.longlong,
        size=cython.longlong,
        mtime=cython.longlong,
        extended=cython.bint,
        name=str,
        link=str,
        said=UsualExtensions,
        fields=tuple,
    )
    cdef long long usual(
        self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t at, long long base, list entries
    ) except? -2
    @cython.locals(length=cython.Py_ssize_t, prefix=cython.Py_ssize_t, full=bytes, usual=cython.bint, short=bytes)
    cdef str name(self, const unsigned char[::1] data, Py_ssize_t at, bint extended)
    @cython.locals(length=cython.Py_ssize_t, full=bytes, usual=cython.bint)
    cdef str link(self, const unsigned char[::1] data, Py_ssize_t at, bint extended)

@cython.locals(start=cython.Py_ssize_t, end=cython.Py_ssize_t)
cdef object cleaned(str name)
