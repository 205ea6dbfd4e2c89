/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines as a fuzzer's reproducers have them, from a number: PCI set-up,
 * tables in memory, device registers, time. The same number gives the same
 * lines.
 */
#ifndef HVMD_QTEST_STORM_GEN_H
#define HVMD_QTEST_STORM_GEN_H

#include <stddef.h>
#include <stdint.h>

#define STORM_ARGS  24
#define STORM_BYTES 65536u

struct storm {
    uint64_t seed;
    const char *arg[STORM_ARGS]; /* ends with NULL */
    int nargs;
    char text[STORM_BYTES];
    size_t len;
    unsigned lines;
};

void storm_make(struct storm *, unsigned number);

#endif
