/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all fuzz targets share. A target is a file *_fuzz.c with the function
 * that libFuzzer and AFL++ call, and a row in tests/fuzz/meson.build. An input
 * is a string of bytes, taken from its beginning; past its end all is zero.
 */
#ifndef HVMD_FUZZ_H
#define HVMD_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What one input may take of the CPU, with sanitizers too; more is a hang. */
#define FUZZ_CPU_MS 1000

struct bytes {
    const uint8_t *p;
    size_t left;
};

/* n bytes, 0 to 8, little-endian. */
static inline uint64_t take(struct bytes *in, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n && in->left; i++, in->left--)
        v |= (uint64_t)*in->p++ << (8 * i);
    return v;
}

static inline uint8_t take8(struct bytes *in)
{
    return (uint8_t)take(in, 1);
}

/*
 * What came out of what is fuzzed, of this input: replays compare its sum with
 * the one that is committed. Nothing to a fuzzing engine.
 */
void fuzz_answer(const void *, size_t);
static inline void fuzz_answer_num(uint64_t v)
{
    fuzz_answer(&v, sizeof(v));
}

/* As a find: what must hold whatever the input is. */
#define MUST(cond)                                                             \
    do {                                                                       \
        if (!(cond))                                                           \
            abort();                                                           \
    } while (0)

#endif
