/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as hexadecimal digits and as base64 (RFC 4648, 4). */
#ifndef HVMD_QTEST_CODE_H
#define HVMD_QTEST_CODE_H

#include <stddef.h>
#include <stdint.h>

/* Value of a digit of either case; -1: none. */
int hex_digit(char c);
/* Whole pairs of digits up to most bytes; how many bytes. */
size_t hex_decode(uint8_t *out, size_t most, const char *text);
void hex_encode(char *out, const uint8_t *in, size_t len); /* 2 * len */

#define B64_CHARS(len) (((len) + 2) / 3 * 4)
void b64_encode(char *out, const uint8_t *in, size_t len);
/* Up to most bytes; how many, or SIZE_MAX: text is none. out may be text. */
size_t b64_decode(uint8_t *out, size_t most, const char *text);

#endif
