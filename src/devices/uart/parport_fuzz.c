/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile guest, peer and saved state at a parallel port. */
#include "../../bench/steps.h"
#include "regs.h"

static const struct steps_window windows[] = {{IO_PIO, 0x378, 8}};

const struct steps_map fuzz_map = {.win = windows, .nwin = 1, .head = 1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct steps s = {.ctx = NULL};
    struct conf c = {.n = 0};

    steps_begin(&s, &fuzz_map, data, len, 4096);
    conf_set_num(&c, "base", 0x378);
    conf_set_num(&c, "irq", 7);
    if (take8(&s.in) & 1)
        conf_set_ptr(&c, "chr", &s.chr.chr);
    steps_add(&s, &parport_ops, &c);
    steps_run(&s, NULL);
    if (len && data[0] == 0xff)
        steps_refused(&s, &parport_ops, &c);
    steps_end(&s);
    return 0;
}
