/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile guest, hostile viewer and hostile saved state: bytes become port
 * accesses, keys, motion, time and restores of a changed state. Built alone
 * (no fuzzer runtime) it runs a fixed number of pseudo-random inputs, or the
 * files that it is given.
 */
#include "../../bench/bench.h"
#include "regs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct bytes {
    const uint8_t *p;
    size_t left;
};

static uint8_t take(struct bytes *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->p++;
}

static int32_t take_int(struct bytes *in)
{
    uint8_t shift = take(in);

    return (int32_t)((uint32_t)(int8_t)take(in) << (shift % 25));
}

/* Saves, changes a byte, restores: refused or as good as any. */
static void restore(struct dev *d, struct bytes *in)
{
    uint8_t buf[1024];
    size_t n = state_bytes(&ps2_state);
    size_t at = (take(in) | (size_t)take(in) << 8) % n;
    struct err e;

    if (n > sizeof(buf))
        abort();
    state_save(&ps2_state, d, buf);
    buf[at] = take(in);
    state_load(&ps2_state, d, buf, n, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bench *b = bench_new(4096);
    struct bytes in = {data, len};
    struct err e;
    struct dev *d = dev_new(&ps2_ops, &b->env, 0, NULL, &e);
    struct input *input = ps2_input(d);
    struct ps2_regs *r = &((struct ps2 *)d)->r;

    while (in.left) {
        uint8_t op = take(&in);

        switch (op >> 4) {
        case 0 ... 2:
            bench_outb(b, 0x64, take(&in));
            break;
        case 3 ... 5:
            bench_outb(b, 0x60, take(&in));
            break;
        case 6:
            bench_outb(b, 0x64, 0xd4);
            bench_outb(b, 0x60, take(&in));
            break;
        case 7 ... 9:
            bus_read(&b->bus, SPACE_PIO, op & 1 ? 0x60 : 0x64, 1u << op % 3);
            break;
        case 10 ... 11:
            input->ops->key(input->dev, take(&in), op & 1);
            break;
        case 12:
        case 13: {
            int32_t x = take_int(&in), y = take_int(&in);

            input->ops->rel(input->dev, x, y, (int8_t)take(&in), op);
            break;
        }
        case 14:
            bench_step(b, (uint64_t)take(&in) << (op & 15));
            break;
        default:
            if (op == 255)
                d->ops->reset(d, RESET_POWER);
            else
                restore(d, &in);
        }
        if (r->kbd.out.len > KBD_QUEUE + 1 || r->aux.out.len > AUX_QUEUE ||
            r->kbd.reply.len > REPLY_MAX || r->aux.reply.len > REPLY_MAX)
            abort();
    }
    /* However it was treated, a reset makes it work again. */
    d->ops->reset(d, RESET_POWER);
    bench_outb(b, 0x64, 0xaa);
    if (bench_inb(b, 0x60) != 0x55)
        abort();
    dev_free(d);
    bench_free(b);
    return 0;
}

#ifndef FUZZ_RUNTIME
static void run_random(uint64_t seed)
{
    uint8_t buf[4096];

    for (size_t i = 0; i < sizeof(buf); i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        buf[i] = (uint8_t)(seed >> 24);
    }
    LLVMFuzzerTestOneInput(buf, sizeof(buf));
}

static int run_file(const char *path)
{
    static uint8_t buf[1 << 16];
    FILE *f = fopen(path, "rb");
    size_t n;

    if (!f) {
        perror(path);
        return 1;
    }
    n = fread(buf, 1, sizeof(buf), f);
    fclose(f);
    return LLVMFuzzerTestOneInput(buf, n);
}

int main(int argc, char **argv)
{
    unsigned rounds = 200;

    if (argc > 1 && argv[1][0] != '-') {
        for (int i = 1; i < argc; i++)
            if (run_file(argv[i]))
                return 1;
        return 0;
    }
    if (argc > 2 && !strcmp(argv[1], "-n"))
        rounds = (unsigned)strtoul(argv[2], NULL, 10);
    for (unsigned i = 0; i < rounds; i++)
        run_random(0x9e3779b97f4a7c15u * (i + 1));
    return 0;
}
#endif
