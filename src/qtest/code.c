/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "code.h"

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

size_t hex_decode(uint8_t *out, size_t most, const char *text)
{
    size_t n = 0;

    for (; n < most; n++, text += 2) {
        int hi = hex_digit(text[0]);
        int lo = hi < 0 ? -1 : hex_digit(text[1]);

        if (lo < 0)
            break;
        out[n] = (uint8_t)(hi << 4 | lo);
    }
    return n;
}

void hex_encode(char *out, const uint8_t *in, size_t len)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digit[in[i] >> 4];
        *out++ = digit[in[i] & 15];
    }
}

void b64_encode(char *out, const uint8_t *in, size_t len)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t left = (uint32_t)(len - i), v = (uint32_t)in[i] << 16;

        if (left > 1)
            v |= (uint32_t)in[i + 1] << 8;
        if (left > 2)
            v |= in[i + 2];
        *out++ = digit[v >> 18];
        *out++ = digit[v >> 12 & 63];
        *out++ = left > 1 ? digit[v >> 6 & 63] : '=';
        *out++ = left > 2 ? digit[v & 63] : '=';
    }
}

static int b64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

size_t b64_decode(uint8_t *out, size_t most, const char *text)
{
    uint32_t v = 0;
    unsigned bits = 0;
    size_t n = 0;

    for (; *text && *text != '='; text++) {
        int d = b64_digit(*text);

        if (d < 0)
            return SIZE_MAX;
        v = v << 6 | (uint32_t)d;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (n < most)
            out[n++] = (uint8_t)(v >> bits);
    }
    while (*text == '=')
        text++;
    return *text ? SIZE_MAX : n;
}
