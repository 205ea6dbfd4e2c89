/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "png.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define RGB_BYTES   3u
#define CHUNK_BYTES 12u /* length, type, CRC */
#define IHDR_BYTES  13u

/* 9.2: the filter types used */
#define FILTER_NONE 0
#define FILTER_UP   2

struct ppm {
    uint32_t w, h;
    const uint8_t *px;
};

/* A decimal number and the one blank behind it. */
static bool number(const uint8_t **at, const uint8_t *end, uint32_t *out)
{
    const uint8_t *p = *at;
    uint32_t v = 0;

    while (p < end && *p >= '0' && *p <= '9' && v < 100000)
        v = v * 10 + (uint32_t)(*p++ - '0');
    if (p == *at || p == end || (*p != '\n' && *p != ' '))
        return false;
    *at = p + 1;
    *out = v;
    return true;
}

static bool read_ppm(struct ppm *p, const uint8_t *ppm, size_t len)
{
    const uint8_t *at = ppm + 3, *end = ppm + len;
    uint32_t most;

    if (len < 3 || memcmp(ppm, "P6\n", 3) != 0 || !number(&at, end, &p->w) ||
        !number(&at, end, &p->h) || !number(&at, end, &most))
        return false;
    p->px = at;
    return most == 255 && p->w && p->h && p->w <= PNG_SIDE_MAX &&
           p->h <= PNG_SIDE_MAX &&
           (size_t)(end - at) == (size_t)p->w * p->h * RGB_BYTES;
}

static uint8_t *put_32(uint8_t *at, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
    return at + 4;
}

/* The data is in place already, behind length and type. */
static uint8_t *end_chunk(uint8_t *at, const char *type, uint32_t len)
{
    put_32(at, len);
    memcpy(at + 4, type, 4);
    return put_32(at + 8 + len, (uint32_t)crc32(0, at + 4, len + 4));
}

/* 9: a type before each row; rows of a screen are mostly as the one above. */
static uint8_t *filter(const struct ppm *p, size_t *len)
{
    size_t row = (size_t)p->w * RGB_BYTES;
    uint8_t *raw, *at;

    *len = (row + 1) * p->h;
    raw = at = calloc(1, *len);
    for (uint32_t y = 0; raw && y < p->h; y++) {
        const uint8_t *px = p->px + y * row, *above = y ? px - row : NULL;

        *at++ = y ? FILTER_UP : FILTER_NONE;
        for (size_t x = 0; x < row; x++)
            *at++ = (uint8_t)(px[x] - (above ? above[x] : 0));
    }
    return raw;
}

static uint8_t *header(uint8_t *at, const struct ppm *p)
{
    static const uint8_t sign[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, 10};
    uint8_t *ihdr = at + sizeof(sign) + 8;

    memcpy(at, sign, sizeof(sign));
    put_32(ihdr, p->w);
    put_32(ihdr + 4, p->h);
    ihdr[8] = 8; /* bits per sample */
    ihdr[9] = 2; /* RGB */
    memset(ihdr + 10, 0, 3);
    return end_chunk(at + sizeof(sign), "IHDR", IHDR_BYTES);
}

int png_from_ppm(const uint8_t *ppm, size_t len, uint8_t **out, size_t *out_len,
                 struct err *e)
{
    uint8_t *raw, *png = NULL, *at;
    size_t raw_len = 0;
    struct ppm p;
    uLongf packed;

    if (!read_ppm(&p, ppm, len))
        return err_set(e, -EINVAL, "the screen came in an unknown format");
    raw = filter(&p, &raw_len);
    packed = compressBound(raw_len);
    if (raw)
        png = malloc(8 + 3 * CHUNK_BYTES + IHDR_BYTES + packed);
    if (!png) {
        free(raw);
        return err_set(e, -ENOMEM, "out of memory");
    }
    at = header(png, &p);
    if (compress2(at + 8, &packed, raw, raw_len, 6) != Z_OK ||
        packed > INT32_MAX) {
        free(raw);
        free(png);
        return err_set(e, -EIO, "the screen cannot be compressed");
    }
    free(raw);
    at = end_chunk(at, "IDAT", (uint32_t)packed);
    at = end_chunk(at, "IEND", 0);
    *out = png;
    *out_len = (size_t)(at - png);
    return 0;
}
