# Looks at the bytes of a header, in C. Behaviour: see the plain twins in layerbytes.py.
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint64_t
from libc.string cimport memchr, memcmp, memcpy

cdef inline long long octal(const unsigned char[::1] data, Py_ssize_t at, int digits) noexcept:
    cdef const unsigned char* p = &data[at]
    cdef long long value = 0
    cdef int k
    for k in range(digits):
        if p[k] < 48 or p[k] > 55:
            return -1
        value = value << 3 | (p[k] - 48)
    return value if p[digits] == 32 or p[digits] == 0 else -1

cdef inline unsigned int total(const unsigned char* p, int words) noexcept:
    # Eight bytes at a time, in four sums of 16 bits, which 64 words cannot fill.
    cdef uint64_t sums = 0, word, mask = 0x00FF00FF00FF00FFULL
    cdef int k
    for k in range(words):
        memcpy(&word, p + 8 * k, 8)
        sums += (word & mask) + (word >> 8 & mask)
    return (sums & 0xFFFF) + (sums >> 16 & 0xFFFF) + (sums >> 32 & 0xFFFF) + (sums >> 48)

cdef inline bint sound(const unsigned char[::1] data, Py_ssize_t at) noexcept:
    cdef const unsigned char* p = &data[at]
    if memcmp(p + 257, b"ustar\0", 6) != 0 and memcmp(p + 257, b"ustar  \0", 8) != 0:
        return False
    return octal(data, at + 148, 6 if p[155] == 32 else 7) == total(p, 64) - total(p + 148, 1) + 256

cdef inline bint no_device(const unsigned char[::1] data, Py_ssize_t at) noexcept:
    cdef const unsigned char* p = &data[at]
    return (
        memcmp(p, b"0000000\0" b"0000000\0", 16) == 0
        or memcmp(p, b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) == 0
        or memcmp(p, b"0000000 0000000 ", 16) == 0
        or memcmp(p, b"000000 \0" b"000000 \0", 16) == 0
    )

cdef inline Py_ssize_t until_nul(const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t most) noexcept:
    cdef const unsigned char* p = &data[at]
    cdef const unsigned char* found = <const unsigned char*>memchr(p, 0, most)
    return most if found == NULL else found - p

cdef inline Py_ssize_t nonzero(const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t length) noexcept:
    cdef const unsigned char* p = &data[at]
    cdef Py_ssize_t k, count = 0
    if length <= 0 or (p[0] == 0 and memcmp(p, p + 1, length - 1) == 0):
        return 0
    for k in range(length):
        count += p[k] != 0
    return count

cdef inline bint same(const unsigned char[::1] data, Py_ssize_t at, bytes other) noexcept:
    return memcmp(&data[at], <const char*>other, len(other)) == 0

cdef inline bint begins(bytes whole, const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t length) noexcept:
    return len(whole) >= length and memcmp(<const char*>whole, &data[at], length) == 0

cdef inline bytes raw(const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t length):
    return PyBytes_FromStringAndSize(<const char*>&data[at], length)

cdef inline str text(const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t length):
    if not length:
        return ""
    return PyUnicode_DecodeUTF8(<const char*>&data[at], length, "surrogateescape")
