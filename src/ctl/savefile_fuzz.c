/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input as a saved state, with header and checksum put right so that the
 * records are reached. What is taken is lived with for a while, and what
 * comes of it must be taken again.
 */
#include "../bench/fuzz.h"
#include "savefile_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS 40u

static void mend_header(uint8_t *p, size_t len)
{
    static const uint8_t version[4] = {SAVEFILE_VERSION};

    memcpy(p, SAVEFILE_MAGIC, 8);
    memcpy(p + 8, version, 4);
    stream_seal(p, len);
}

static void live(struct rig *r, uint64_t seed)
{
    struct prng prng = {seed | 1};
    struct stream s;
    struct err e;

    machine_pause(r->m, false);
    for (unsigned i = 0; i < STEPS; i++)
        storm_step(r, &prng);
    s = stream_of(r);
    if (stream_into(r, s, &e)) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
    machine_pause(r->m, false);
    free(s.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *p = malloc(len + 1);
    struct rig *r = rig_new();
    struct err e;

    if (!p)
        abort();
    memcpy(p, data, len);
    if (len >= SAVEFILE_HEADER)
        mend_header(p, len);
    rig_start(r);
    if (stream_into(r, (struct stream){p, len}, &e) == 0) {
        struct stream s = stream_of(r);

        fuzz_answer(s.p, s.n);
        free(s.p);
        live(r, len * 31 + (len ? data[len - 1] : 0));
    } else {
        fuzz_answer(e.text, strlen(e.text));
    }
    free(p);
    rig_free(r);
    return 0;
}
