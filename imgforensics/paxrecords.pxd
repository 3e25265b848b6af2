# Types of paxrecords.py, for Cython.
cimport cython

cdef int _LENGTH_DIGITS, _NUMBER_DIGITS, _TIME_LENGTH

@cython.locals(
    records=list,
    keys=set,
    may_name_nul=cython.bint,
    text="const unsigned char*",
    at=cython.Py_ssize_t,
    size=cython.Py_ssize_t,
    place=cython.Py_ssize_t,
    length=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    equals=bytes,
    key=bytes,
    value=bytes,
)
cpdef tuple parse_pax(bytes body)
@cython.locals(digits=bytes)
cpdef object pax_integer(bytes value)
@cython.locals(text="const unsigned char*", at=cython.Py_ssize_t, size=cython.Py_ssize_t, digits=cython.Py_ssize_t)
cpdef object pax_time(bytes value)
