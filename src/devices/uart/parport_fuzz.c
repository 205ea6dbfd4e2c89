/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile guest, peer and saved state at a parallel port. */
#include "../../bench/steps.h"
#include "regs.h"

static const struct steps_window windows[] = {{IO_PIO, 0x378, 8}};

const struct steps_map fuzz_map = {STEPS_WINDOWS(windows), .head = 1};

/* key 1: somebody is at the other end. The ctx is its conf. */
static void build(struct steps *s, unsigned key)
{
    struct conf *c = calloc(1, sizeof(*c));

    s->ctx = c;
    steps_begin(s, &fuzz_map, NULL, 0, 4096);
    conf_set_num(c, "base", 0x378);
    conf_set_num(c, "irq", 7);
    if (key & 1)
        conf_set_ptr(c, "chr", &s->chr.chr);
    steps_add(s, &parport_ops, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = {data, len};
    uint8_t how = take8(&in);
    struct steps *s = steps_kept(in, how & 1, build);

    steps_run(s, NULL);
    if (len && data[0] == 0xff)
        steps_refused(s, &parport_ops, s->ctx);
    steps_back(s);
    return 0;
}
