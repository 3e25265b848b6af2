# Types of layersurvey.py, for Cython.
cimport cython
from imgforensics.layercolumns cimport Columns, has_attributes, kind_code, rights_of

cdef int FILE, FOLDER, SETGID, SETUID
cdef frozenset ACCOUNTS, WITH_RIGHTS
cdef long ACCOUNTS_SIZE
cdef str TOC

cdef class LayerSurvey:
    cdef object _limits, _size, _steps, _ways, _inventory, _note
    cdef Py_ssize_t _most, _named, _whiteouts
    cdef bint _indexing
    cdef list _counts, _hardlinks, _anomalies, _implied
    cdef Columns _columns
    cdef set _paths, _folders, _late, _linked_store, _alike
    cdef dict _directories, _symlinks, _removed, _emptied, _plumbing
    cdef object _opaque
    cdef str _folder

    @cython.locals(path=str, code=cython.int)
    cdef void _take(self, object entry) except *
    @cython.locals(folder=str, key=object)
    cdef void _place(self, object entry, str path, int code) except *
    cdef void _remember(self, object entry, object key, int code) except *
    @cython.locals(key=object)
    cdef void _enter(self, object entry, str folder) except *
