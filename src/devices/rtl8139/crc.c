/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CRC-32 of IEEE 802.3: the chip writes the FCS of each frame behind it.
 *
 * Long frames are shortened first. The polynomial of the CRC divides
 * x^300 + x^155 + x^117 + x^89 + 1, and so the same with each exponent times
 * eight: a byte may be taken out when it is added (exclusive or) 145, 183, 211
 * and 300 bytes further on. That needs no tables and takes whole words.
 *
 * The rest goes through tables, eight bytes at a step. Slice k holds the CRC of
 * a byte with k zero bytes behind; the function is linear, so eight values tell
 * the 256 of a slice.
 */
#include "work.h"

#include <string.h>

#define BIT(n, b, v) ((n) >> (b)&1u ? v : 0)
#define E(n, a, b, c, d, e, f, g, h)                                           \
    (BIT(n, 0, a) ^ BIT(n, 1, b) ^ BIT(n, 2, c) ^ BIT(n, 3, d) ^               \
     BIT(n, 4, e) ^ BIT(n, 5, f) ^ BIT(n, 6, g) ^ BIT(n, 7, h))
#define E4(n, ...)                                                             \
    E(n, __VA_ARGS__), E((n) + 1u, __VA_ARGS__), E((n) + 2u, __VA_ARGS__),     \
        E((n) + 3u, __VA_ARGS__)
#define E16(n, ...)                                                            \
    E4(n, __VA_ARGS__), E4((n) + 4u, __VA_ARGS__), E4((n) + 8u, __VA_ARGS__),  \
        E4((n) + 12u, __VA_ARGS__)
#define E64(n, ...)                                                            \
    E16(n, __VA_ARGS__), E16((n) + 16u, __VA_ARGS__),                          \
        E16((n) + 32u, __VA_ARGS__), E16((n) + 48u, __VA_ARGS__)
#define SLICE(...)                                                             \
    {                                                                          \
        E64(0u, __VA_ARGS__), E64(64u, __VA_ARGS__), E64(128u, __VA_ARGS__),   \
            E64(192u, __VA_ARGS__)                                             \
    }

static const uint32_t slice[8][256] = {
    SLICE(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064,
          0x3b6e20c8, 0x76dc4190, 0xedb88320),
    SLICE(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251,
          0x958424a2, 0xf0794f05, 0x3b83984b),
    SLICE(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370,
          0x384d46e0, 0x709a8dc0, 0xe1351b80),
    SLICE(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f,
          0xa032af3e, 0x9b14583d, 0xed59b63b),
    SLICE(0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1, 0x60e09782,
          0xc1c12f04, 0x58f35849, 0xb1e6b092),
    SLICE(0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d, 0x03d6029b,
          0x07ac0536, 0x0f580a6c, 0x1eb014d8),
    SLICE(0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67, 0x67de9cce,
          0xcfbd399c, 0x440b7579, 0x8816eaf2),
    SLICE(0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5, 0x7cbb312b,
          0xf9766256, 0x299dc2ed, 0x533b85da),
};

static uint32_t crc_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 |
           p[0];
}

/* crc: the register itself, before it is inverted. */
static uint32_t crc_slices(uint32_t crc, const uint8_t *p, size_t len)
{
    for (; len >= 8; p += 8, len -= 8) {
        uint32_t a = crc ^ crc_le32(p), b = crc_le32(p + 4);

        crc = slice[7][a & 0xff] ^ slice[6][a >> 8 & 0xff] ^
              slice[5][a >> 16 & 0xff] ^ slice[4][a >> 24] ^
              slice[3][b & 0xff] ^ slice[2][b >> 8 & 0xff] ^
              slice[1][b >> 16 & 0xff] ^ slice[0][b >> 24];
    }
    for (; len; p++, len--)
        crc = crc >> 8 ^ slice[0][(crc ^ *p) & 0xff];
    return crc;
}

static uint64_t crc_word(const uint8_t *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}

/* What the bytes taken out before add to the word at p. */
static uint64_t crc_carried(const uint8_t *p)
{
    return crc_word(p - 145) ^ crc_word(p - 183) ^ crc_word(p - 211) ^
           crc_word(p - 300);
}

#define REACH 304u  /* 300, in whole words */
#define PIECE 4096u /* of a frame, at once */
#define WORTH 600u  /* shorter ones go through the tables at once */

/* n: WORTH to PIECE. */
static uint32_t crc_shorten(uint32_t crc, const uint8_t *p, size_t n)
{
    uint8_t taken[REACH + PIECE + 8], tail[REACH + 8];
    size_t most = (n - 300) / 8 * 8, left = n - most, i;
    const uint8_t *q = taken + REACH + most;
    uint64_t w;

    memset(taken, 0, REACH);
    memset(taken + REACH + most, 0, left + 8);
    for (i = 0; i < most; i += 8) {
        w = crc_word(p + i) ^ crc_carried(taken + REACH + i);
        if (i == 0) {
            uint8_t first[8] = {(uint8_t)crc, (uint8_t)(crc >> 8),
                                (uint8_t)(crc >> 16), (uint8_t)(crc >> 24)};

            w ^= crc_word(first);
        }
        memcpy(taken + REACH + i, &w, sizeof(w));
    }
    for (i = 0; i + 8 <= left; i += 8) {
        w = crc_word(p + most + i) ^ crc_carried(q + i);
        memcpy(tail + i, &w, sizeof(w));
    }
    for (; i < left; i++) {
        const uint8_t *b = q + i;

        tail[i] = p[most + i] ^ b[-145] ^ b[-183] ^ b[-211] ^ b[-300];
    }
    return crc_slices(0, tail, left);
}

uint32_t rtl_crc(uint32_t crc, const uint8_t *p, size_t len)
{
    crc = ~crc;
    while (len >= WORTH) {
        size_t n = len < PIECE ? len : PIECE;

        crc = crc_shorten(crc, p, n);
        p += n;
        len -= n;
    }
    return ~crc_slices(crc, p, len);
}

unsigned rtl_hash(const uint8_t addr[6])
{
    uint32_t crc = ~rtl_crc(0, addr, 6);
    unsigned i, n = 0;

    /* The reflected CRC has the first bit sent at its bottom. */
    for (i = 0; i < 6; i++)
        n = n << 1 | (crc >> i & 1u);
    return n;
}
