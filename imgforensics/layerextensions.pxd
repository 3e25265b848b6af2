# Types of layerextensions.py, for Cython.
cimport cython
from imgforensics.layerbytes cimport no_device, octal, raw, same, sound
from imgforensics.paxrecords cimport parse_pax, pax_integer, pax_time

cdef int BLOCK, _LONG_NAME, _LONG_LINK, _PAX
cdef frozenset _APPLIED, _UNUSUAL, _TIMES
cdef bytes _SPARSE
cdef object _MOST

cdef class UsualExtensions:
    cdef public long long size, headers
    cdef long long _most, _most_size, _most_headers, _size, _headers
    cdef bytes name, linkname
    cdef object mtime, uid, gid
    cdef tuple records

    cdef bint begin(self, int flag) noexcept
    @cython.locals(length=cython.Py_ssize_t, flag=cython.int, size=cython.longlong, body=bytes)
    cdef Py_ssize_t read(self, const unsigned char[::1] data, Py_ssize_t at) except? -2
    cdef int keep(self) except -1
    cdef int _forget(self) except -1
    cdef bint _numbers(self, const unsigned char[::1] data, Py_ssize_t at) noexcept
    @cython.locals(text=bytes)
    cdef bint _long(self, bytes body, int flag) except -1
    @cython.locals(records=tuple, notes=tuple, key=bytes, value=bytes)
    cdef bint _pax(self, bytes body) except -1
    cdef bint _apply(self, bytes key, bytes value) except -1

cdef bint _is_usual(object number) except -1
