/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile guest, peer and saved state at a serial port. */
#include "../../bench/steps.h"
#include "regs.h"

static const struct steps_window windows[] = {{IO_PIO, 0x3f8, 8}};

const struct steps_map fuzz_map = {STEPS_WINDOWS(windows)};

static void between(struct steps *s)
{
    MUST(s->chr.room <= UART_FIFO);
}

/* The ctx is its conf. */
static void build(struct steps *s, unsigned key)
{
    struct conf *c = calloc(1, sizeof(*c));

    s->ctx = c;
    steps_begin(s, &fuzz_map, NULL, 0, 4096);
    conf_set_num(c, "base", 0x3f8);
    conf_set_num(c, "irq", 4);
#ifndef FUZZ_BARE /* nothing is at the other end */
    conf_set_ptr(c, "chr", &s->chr.chr);
#endif
    steps_add(s, &uart_ops, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct steps *s = steps_kept((struct bytes){data, len}, 0, build);

    steps_run(s, between);
    if (len && data[0] == 0xff)
        steps_refused(s, &uart_ops, s->ctx);
    /* However it was treated, a reset makes it work again. */
    s->seam->reset(s, RESET_POWER);
    MUST(bench_inb(s->b, 0x3fd) == (LSR_THRE | LSR_TEMT));
    steps_back(s);
    return 0;
}
