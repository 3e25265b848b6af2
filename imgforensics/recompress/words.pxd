# Little-endian words and common prefixes, in C. Behaviour: see the plain twins in words.py.

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    static inline uint32_t imgf_load32(const unsigned char *p) {
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    #else
        uint32_t v;
        memcpy(&v, p, sizeof v);
        return v;
    #endif
    }

    static inline uint64_t imgf_load64(const unsigned char *p) {
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        return (uint64_t)imgf_load32(p) | (uint64_t)imgf_load32(p + 4) << 32;
    #else
        uint64_t v;
        memcpy(&v, p, sizeof v);
        return v;
    #endif
    }

    static inline void imgf_store64(unsigned char *p, uint64_t v) {
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        int k;
        for (k = 0; k < 8; k++) p[k] = (unsigned char)(v >> (8 * k));
    #else
        memcpy(p, &v, sizeof v);
    #endif
    }

    static inline uint32_t imgf_hash_little(const unsigned char *p, int bits) {
        return (imgf_load32(p) * (uint32_t)0x1e35a7bd) >> (32 - bits);
    }

    static inline uint32_t imgf_hash_big(const unsigned char *p, int bits) {
        uint32_t v = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
        return (v * (uint32_t)0x1e35a7bd) >> (32 - bits);
    }

    static inline int imgf_lowest_byte(uint64_t v) { /* index of the lowest byte that is not zero; v is not zero */
    #if defined(__GNUC__)
        return __builtin_ctzll(v) >> 3;
    #else
        int k = 0;
        while (!(v & 255)) { v >>= 8; k++; }
        return k;
    #endif
    }

    static inline Py_ssize_t imgf_common(const unsigned char *a, const unsigned char *b, Py_ssize_t limit) {
        Py_ssize_t n = 0;
        while (n + 8 <= limit) {
            uint64_t differ = imgf_load64(a + n) ^ imgf_load64(b + n);
            if (differ) return n + imgf_lowest_byte(differ);
            n += 8;
        }
        while (n < limit && a[n] == b[n]) n++;
        return n;
    }
    """
    unsigned int imgf_load32(const unsigned char *p) noexcept nogil
    unsigned long long imgf_load64(const unsigned char *p) noexcept nogil
    void imgf_store64(unsigned char *p, unsigned long long v) noexcept nogil
    unsigned int imgf_hash_little(const unsigned char *p, int bits) noexcept nogil
    unsigned int imgf_hash_big(const unsigned char *p, int bits) noexcept nogil
    Py_ssize_t imgf_common(const unsigned char *a, const unsigned char *b, Py_ssize_t limit) noexcept nogil

ctypedef const unsigned char[::1] Bytes

cdef inline unsigned int load32(Bytes data, Py_ssize_t at) noexcept nogil:
    return imgf_load32(&data[at])

cdef inline unsigned long long load64(Bytes data, Py_ssize_t at) noexcept nogil:
    return imgf_load64(&data[at])

cdef inline unsigned int low32(unsigned long long value) noexcept nogil:
    return <unsigned int>value

cdef inline unsigned long long low64(unsigned long long value) noexcept nogil:
    return value

cdef inline void store64(unsigned char[::1] data, Py_ssize_t at, unsigned long long value) noexcept nogil:
    imgf_store64(&data[at], value)

cdef inline Py_ssize_t common(Bytes data, Py_ssize_t one, Py_ssize_t other, Py_ssize_t limit) noexcept nogil:
    return imgf_common(&data[one], &data[other], limit)

cdef inline unsigned int hash_little(Bytes data, Py_ssize_t at, int bits) noexcept nogil:
    return imgf_hash_little(&data[at], bits)

cdef inline unsigned int hash_big(Bytes data, Py_ssize_t at, int bits) noexcept nogil:
    return imgf_hash_big(&data[at], bits)
