/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A portable pixmap (ppm(5), P6, maximum 255), whole in memory, to PNG.
 * Source: Portable Network Graphics Specification, second edition (W3C 2003).
 */
#ifndef HVMCTL_PNG_H
#define HVMCTL_PNG_H

#include <hvmd/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PNG_SIDE_MAX 16384u

/* *out is the caller's to free; -EINVAL: no such pixmap; -ENOMEM */
int png_from_ppm(const uint8_t *ppm, size_t len, uint8_t **out, size_t *out_len,
                 struct err *);

#endif
