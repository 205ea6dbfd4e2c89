/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile guest at the chip set: bridges, their ports, DMA controllers. */
#include "../../bench/steps.h"
#include "i440fx.h"

static const struct steps_window windows[] = {
    {IO_PIO, 0xcf8, 8},    {IO_PIO, 0x92, 1},     {IO_PIO, 0xb2, 2},
    {IO_PIO, 0x402, 1},    {IO_PIO, 0x00, 0x10},  {IO_PIO, 0x80, 0x10},
    {IO_PIO, 0xc0, 0x20},  {IO_PIO, 0x480, 0x10}, {IO_PCI, 0x0000, 256},
    {IO_PCI, 0x0800, 256},
};

static int on_request(struct machine *m, enum machine_event e)
{
    return 0;
}

static void on_apm(struct machine *m, uint8_t cmd)
{
}

const struct steps_map fuzz_map = {STEPS_WINDOWS(windows)};

static void build(struct steps *s, unsigned key)
{
    struct machine_head *head = calloc(1, sizeof(*head));

    s->ctx = head;
    head->request = on_request;
    head->apm = on_apm;
    steps_begin(s, &fuzz_map, NULL, 0, 4096);
    s->b->env.machine = (struct machine *)head;
    steps_add(s, &i440fx_ops, NULL);
    steps_add(s, &piix3_ops, NULL);
    steps_add(s, &i8237_ops, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct steps *s = steps_kept((struct bytes){data, len}, 0, build);

    steps_run(s, NULL);
    if (len && data[0] == 0xff) {
        steps_refused(s, &i440fx_ops, NULL);
        steps_refused(s, &piix3_ops, NULL);
        steps_refused(s, &i8237_ops, NULL);
    }
    steps_back(s);
    return 0;
}
