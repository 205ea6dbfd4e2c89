/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile guest, viewer and saved state at keyboard and mouse. */
#include "../../bench/steps.h"
#include "regs.h"

static const struct steps_window windows[] = {{IO_PIO, 0x60, 1},
                                              {IO_PIO, 0x64, 1}};

/* 0: a key, a odd: down; 1: motion; 2: a byte for the mouse */
static void own(struct steps *s, unsigned n, unsigned a)
{
    struct input *input = ps2_input(s->dev[0]);
    struct bytes *in = &s->in;

    if (n == 0) {
        input->ops->key(input->dev, take8(in), a & 1);
    } else if (n == 1) {
        int32_t x = (int32_t)((uint32_t)(int8_t)take8(in) << a);
        int32_t y = (int32_t)((uint32_t)(int8_t)take8(in) << a);
        int8_t wheel = (int8_t)take8(in);

        input->ops->rel(input->dev, x, y, wheel, take8(in));
    } else {
        steps_out(s, 0x64, 1, 0xd4);
        steps_out(s, 0x60, 1, take8(in));
    }
}

static unsigned own_bytes(struct bytes in, unsigned n, unsigned a)
{
    return n == 1 ? 4 : 1;
}

const struct steps_map fuzz_map = {
    .win = windows, .nwin = 2, .own = own, .own_bytes = own_bytes};

static void between(struct steps *s)
{
    struct ps2_regs *r = &((struct ps2 *)s->dev[0])->r;

    MUST(r->kbd.out.len <= KBD_QUEUE + 1 && r->aux.out.len <= AUX_QUEUE &&
         r->kbd.reply.len <= REPLY_MAX && r->aux.reply.len <= REPLY_MAX);
}

static void build(struct steps *s, unsigned key)
{
    steps_begin(s, &fuzz_map, NULL, 0, 4096);
    steps_add(s, &ps2_ops, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct steps *s = steps_kept((struct bytes){data, len}, 0, build);

    steps_run(s, between);
    if (len && data[0] == 0xff)
        steps_refused(s, &ps2_ops, NULL);
    /* However it was treated, a reset makes it work again. */
    s->seam->reset(s, RESET_POWER);
    steps_out(s, 0x64, 1, 0xaa);
    MUST(bench_inb(s->b, 0x60) == 0x55);
    steps_back(s);
    return 0;
}
