/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world that is made once and brought back after each input. What set-up
 * takes from malloc() and calloc() between keep_record() and keep_image()
 * belongs to it; keep_back() gives each byte of it the value of then, whoever
 * changed it. Freed meanwhile, memory is poisoned, and comes back too. The
 * targets are linked with --wrap for that; one world at a time is current.
 */
#ifndef HVMD_KEEP_H
#define HVMD_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEP_BLOCKS 128
#define KEEP_PAGE   4096u

struct keep {
    struct keep_block {
        uint8_t *live, *image; /* image NULL: all zero */
        uint8_t *zero;         /* a byte for each page of image */
        const uint8_t *wet;    /* pages written since; NULL: look at all */
        size_t bytes;
        bool gone; /* freed since keep_image() */
    } block[KEEP_BLOCKS];
    unsigned n;
    bool recording;
    long more; /* allocated since keep_image(), not yet freed */
};

/* Memory that comes and goes is k's from now on; NULL: nobody's. */
void keep_current(struct keep *k);
/* Begins a world, which becomes current. */
void keep_record(struct keep *k);
/* Only the pages of a block whose byte in wet is not 0 are looked at; wet
 * belongs to the world too, and has a byte for each page. */
void keep_wet(struct keep *k, const void *live, uint8_t *wet);
void keep_image(struct keep *k);
void keep_back(struct keep *k);
/* All as it was at keep_image(). */
bool keep_same(const struct keep *k);
/* After the world has freed its memory: whether it has. */
bool keep_end(struct keep *k);

#endif
