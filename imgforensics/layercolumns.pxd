# Types of layercolumns.py, for Cython.
cimport cython

cdef int _MODE
cdef bytes _STAR
cdef object _IS_FOLDER, _IS_FILE, _IS_SYMLINK

cdef class Columns:
    cdef object _order, _values, _codes, _owners
    cdef object _uid, _gid, _owner
    cdef int _searches
    cdef dict _places

    cpdef append(self, object entry, object key, int code)

cpdef int kind_code(object kind) except -1
@cython.locals(key=bytes)
cpdef bint has_attributes(object entry) except -1
@cython.locals(star=dict, key=bytes)
cpdef object owner_of(object entry)
cpdef object rights_of(object entry)
