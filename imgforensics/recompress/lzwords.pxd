# Hashes, copies, sequences and arithmetic in single precision, in C. Behaviour: see the plain twins in lzwords.py.
from imgforensics.recompress.sequences cimport Sequences
from imgforensics.recompress.words cimport Bytes, imgf_load32, imgf_load64, imgf_store64

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    static inline uint32_t imgf_hash4(uint64_t v, int bits) {
        return ((uint32_t)v * 2654435761U) >> (32 - bits);
    }

    static inline uint32_t imgf_hash5(uint64_t v, int bits) {
        return (uint32_t)(((v << 24) * 889523592379ULL) >> (64 - bits));
    }

    static inline uint32_t imgf_hash7(uint64_t v, int bits) {
        return (uint32_t)(((v << 8) * 58295818150454627ULL) >> (64 - bits));
    }

    /* The detour through a volatile variable rounds every step to single precision and keeps compilers from fusing a
       multiplication with an addition, whatever the flags and the processor. */
    static inline float imgf_fadd(float a, float b) { volatile float r = a + b; return r; }
    static inline float imgf_fmul(float a, float b) { volatile float r = a * b; return r; }
    static inline float imgf_fdiv(float a, float b) { volatile float r = a / b; return r; }
    static inline int64_t imgf_whole(float f) { return (int64_t)f; }
    static inline uint32_t imgf_float_bits(float f) { uint32_t v; memcpy(&v, &f, sizeof v); return v; }
    static inline float imgf_float_of(uint32_t v) { float f; memcpy(&f, &v, sizeof f); return f; }
    """
    unsigned int hash4 "imgf_hash4"(unsigned long long value, int bits) noexcept nogil
    unsigned int hash5 "imgf_hash5"(unsigned long long value, int bits) noexcept nogil
    unsigned int hash7 "imgf_hash7"(unsigned long long value, int bits) noexcept nogil
    float fadd "imgf_fadd"(float one, float other) noexcept nogil
    float fmul "imgf_fmul"(float one, float other) noexcept nogil
    float fdiv "imgf_fdiv"(float one, float other) noexcept nogil
    long long whole "imgf_whole"(float value) noexcept nogil
    unsigned int float_bits "imgf_float_bits"(float value) noexcept nogil
    float float_of "imgf_float_of"(unsigned int bits) noexcept nogil

cdef inline bint agree4(Bytes data, Py_ssize_t at, unsigned long long word) noexcept nogil:
    return imgf_load32(&data[at]) == <unsigned int>word

cdef inline void copy_run(
    unsigned char[::1] target, Py_ssize_t to, Bytes source, Py_ssize_t start, Py_ssize_t count
) noexcept nogil:
    # In steps of eight bytes, the last of which may write up to eight more than asked for.
    cdef Py_ssize_t done = 0
    while done < count:
        imgf_store64(&target[to + done], imgf_load64(&source[start + done]))
        done += 8

cdef inline Py_ssize_t latest(unsigned long long pair) noexcept nogil:
    return <unsigned int>pair

cdef inline Py_ssize_t earlier(unsigned long long pair) noexcept nogil:
    return <unsigned int>(pair >> 32)

cdef inline unsigned long long pushed(unsigned long long pair, Py_ssize_t position) noexcept nogil:
    return pair << 32 | <unsigned int>position

cdef inline int put_match(
    unsigned int[::1] runs, unsigned int[::1] matches, int count, Py_ssize_t run, Py_ssize_t length,
    Py_ssize_t distance, Py_ssize_t longest
) noexcept nogil:
    cdef Py_ssize_t piece
    while length > 258:
        piece = longest if length > 261 else 255
        runs[count] = <unsigned int>run
        matches[count] = <unsigned int>((piece - 3) << 16 | (distance - 1))
        count += 1
        run = 0
        length -= piece
    runs[count] = <unsigned int>run
    matches[count] = <unsigned int>((length - 3) << 16 | (distance - 1))
    return count + 1

cdef inline int close_sequences(
    Sequences out, unsigned char[::1] lits, int lit_count, int count, Bytes data, Py_ssize_t start, Py_ssize_t end
) noexcept nogil:
    copy_run(lits, lit_count, data, start, end - start)
    out.lit_count = lit_count + <int>(end - start)
    out.count = count
    out.run = <int>(end - start)
    return 0
