# Looks at the bytes of a header, in C. Behaviour: see the plain twins in layerbytes.py.
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memchr, memcmp

cdef inline long long octal(const unsigned char[::1] data, Py_ssize_t at, int digits) noexcept:
    cdef const unsigned char* p = &data[at]
    cdef long long value = 0
    cdef int k
    for k in range(digits):
        if p[k] < 48 or p[k] > 55:
            return -1
        value = value << 3 | (p[k] - 48)
    return value if p[digits] == 32 or p[digits] == 0 else -1

cdef inline long long checksum(const unsigned char[::1] data, Py_ssize_t at) noexcept:
    cdef const unsigned char* p = &data[at]
    cdef unsigned int total = 256
    cdef int k
    for k in range(148):
        total += p[k]
    for k in range(156, 512):
        total += p[k]
    return total

cdef inline Py_ssize_t until_nul(const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t most) noexcept:
    cdef const unsigned char* p = &data[at]
    cdef const unsigned char* found = <const unsigned char*>memchr(p, 0, most)
    return most if found == NULL else found - p

cdef inline bint same(const unsigned char[::1] data, Py_ssize_t at, bytes other) noexcept:
    return memcmp(&data[at], <const char*>other, len(other)) == 0

cdef inline str text(const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t length):
    if not length:
        return ""
    return PyUnicode_DecodeUTF8(<const char*>&data[at], length, "surrogateescape")

cdef inline bint cleanable(const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t length) noexcept:
    cdef const unsigned char* p = &data[at]
    cdef Py_ssize_t k
    if p[0] == 46 or p[0] == 47:
        return True
    for k in range(length - 1):
        if p[k] == 47 and (p[k + 1] == 46 or p[k + 1] == 47):
            return True
    return False
