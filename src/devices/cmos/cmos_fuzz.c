/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile guest at the RAM behind the clock. */
#include "../../bench/steps.h"
#include "cmos.h"

static const struct steps_window windows[] = {{IO_PIO, 0x70, 2}};

static void own(struct steps *s, unsigned n, unsigned a)
{
    cmos_mark_suspend(s->dev[0]);
}

const struct steps_map fuzz_map = {STEPS_WINDOWS(windows), .own = own,
                                   .head = 5};

static void build(struct steps *s, unsigned key)
{
    steps_begin(s, &fuzz_map, NULL, 0, 4096);
}

/* The device is new for each input: what it is told is part of that. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char letters[] = "acdnx";
    struct steps *s = steps_kept((struct bytes){data, len}, 0, build);
    struct conf c = {.n = 0};
    char boot[5] = "";

    for (unsigned i = 0, n = 0; i < 4; i++) {
        uint8_t pick = take8(&s->in);

        if (pick < 5)
            boot[n++] = letters[pick];
    }
    conf_set_str(&c, "boot", boot);
    conf_set_num(&c, "disktrans", take8(&s->in) & 0x55);
    steps_add(s, &cmos_ops, &c);
    steps_run(s, NULL);
    steps_quiet(s);
    dev_free(s->dev[--s->ndevs]);
    steps_back(s);
    return 0;
}
