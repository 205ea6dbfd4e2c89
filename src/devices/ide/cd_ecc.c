/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mode 1 sector: sync, header, error detection (EDC) and correction (ECC).
 * Source: ECMA-130 clause 14 and annexes A and B.
 */
#include "priv.h"

#define EDC_POLY 0xd8018001u /* (x^16+x^15+x^2+1)(x^16+x^2+x+1), reversed */
#define EDC_AT   2064u
#define ZERO_AT  2068u
#define P_AT     2076u
#define Q_AT     2248u
#define ECC_AT   12u /* parity covers header to ECC */

static uint8_t bcd(uint8_t v)
{
    return (uint8_t)(v / 10 << 4 | v % 10);
}

static uint32_t edc(const uint8_t *p, size_t n)
{
    uint32_t table[16], crc = 0;
    uint32_t i, k;

    for (i = 0; i < 16; i++) {
        table[i] = i;
        for (k = 0; k < 4; k++)
            table[i] = table[i] & 1 ? table[i] >> 1 ^ EDC_POLY : table[i] >> 1;
    }
    while (n--) {
        crc ^= *p++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

/* GF(2^8) with x^8+x^4+x^3+x^2+1 */
static uint8_t gf_mul(uint8_t a, uint8_t b)
{
    unsigned r = 0, x = a;

    for (; b; b = (uint8_t)(b >> 1)) {
        if (b & 1)
            r ^= x;
        x = x << 1 ^ (x & 0x80 ? 0x11du : 0);
    }
    return (uint8_t)r;
}

/*
 * The two parity bytes of one code word, whose k-th byte lies at
 * (start + k * step) % wrap. They make the sum, and the sum weighted with
 * powers of alpha (highest first), zero.
 */
static void ecc_word(const uint8_t *data, uint32_t start, uint32_t step,
                     uint32_t wrap, unsigned count, uint8_t *first,
                     uint8_t *second)
{
    uint8_t sum = 0, weighted = 0;
    uint32_t at = start;
    unsigned k;

    for (k = 0; k < count; k++) {
        sum ^= data[at];
        weighted ^= data[at];
        weighted = (uint8_t)(weighted << 1 ^ (weighted & 0x80 ? 0x1d : 0));
        at += step;
        if (at >= wrap)
            at -= wrap;
    }
    /*
     * The data's weighted sum is 2 * weighted. With parity p and q:
     * sum + p + q = 0 and 2 * weighted + 2p + q = 0, hence 3p below.
     */
    *first = gf_mul((uint8_t)(gf_mul(weighted, 2) ^ sum), 0xf4); /* 1/3 */
    *second = (uint8_t)(*first ^ sum);
}

/* Words of two bytes; each byte plane has its own code words. */
static void ecc_p(uint8_t *sector)
{
    unsigned i;

    for (i = 0; i < 86; i++)
        ecc_word(sector + ECC_AT, i, 86, 2064, 24, &sector[P_AT + i],
                 &sector[P_AT + 86 + i]);
}

static void ecc_q(uint8_t *sector)
{
    unsigned i;

    for (i = 0; i < 52; i++)
        ecc_word(sector + ECC_AT, i / 2 * 86 + i % 2, 88, 2236, 43,
                 &sector[Q_AT + i], &sector[Q_AT + 52 + i]);
}

void cd_mode1_sector(uint8_t out[RAW_SECTOR], uint32_t lba)
{
    uint8_t msf[3];
    uint32_t crc;

    memset(out, 0xff, 12);
    out[0] = out[11] = 0;
    atapi_msf(msf, lba);
    out[12] = bcd(msf[0]);
    out[13] = bcd(msf[1]);
    out[14] = bcd(msf[2]);
    out[15] = 1;
    crc = edc(out, EDC_AT);
    out[EDC_AT] = (uint8_t)crc;
    out[EDC_AT + 1] = (uint8_t)(crc >> 8);
    out[EDC_AT + 2] = (uint8_t)(crc >> 16);
    out[EDC_AT + 3] = (uint8_t)(crc >> 24);
    memset(out + ZERO_AT, 0, 8);
    ecc_p(out);
    ecc_q(out);
}
