/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile guest, peer and saved state on both ports: bytes become register
 * accesses, input, a peer that takes nothing or some, time and restores of a
 * changed state. Built alone (no fuzzer runtime) it runs a fixed number of
 * pseudo-random inputs, or the files that it is given.
 */
#include "../../bench/bench.h"
#include "regs.h"

#include <hvmd/chardev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct bytes {
    const uint8_t *p;
    size_t left;
};

/* A byte stream that takes as much as it is told to. */
struct peer {
    struct chr chr;
    size_t accept, room;
};

static uint8_t take(struct bytes *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->p++;
}

static size_t peer_write(struct chr *c, const uint8_t *buf, size_t len)
{
    struct peer *p = (struct peer *)c;
    size_t n = len < p->accept ? len : p->accept;

    if (!len || !buf)
        abort();
    p->accept -= n;
    return n;
}

static void peer_room(struct chr *c, size_t n)
{
    struct peer *p = (struct peer *)c;

    if (n > UART_FIFO)
        abort();
    p->room = n;
}

static const struct chr_ops peer_ops = {.write = peer_write,
                                        .rx_room = peer_room};

static void restore(struct dev *d, struct bytes *in)
{
    const struct state_desc *s = d->ops->state;
    uint8_t buf[256];
    size_t n = state_bytes(s);
    struct err e;

    if (n > sizeof(buf))
        abort();
    state_save(s, d, buf);
    buf[take(in) % n] = take(in);
    state_load(s, d, buf, n, &e);
}

static struct dev *port_new(const struct dev_ops *ops, struct bench *b,
                            uint16_t base, unsigned irq, struct peer *peer)
{
    struct conf c = {0};
    struct err e;

    peer->chr.ops = &peer_ops;
    conf_set_num(&c, "base", base);
    conf_set_num(&c, "irq", irq);
    conf_set_ptr(&c, "chr", &peer->chr);
    return dev_new(ops, &b->env, 0, &c, &e);
}

static void input(struct peer *p, struct bytes *in)
{
    uint8_t buf[UART_FIFO];
    size_t n = take(in) % UART_FIFO + 1u;

    if (n > p->room)
        n = p->room;
    if (!n || !p->chr.rx)
        return;
    memset(buf, take(in), sizeof(buf));
    p->room -= n;
    p->chr.rx(p->chr.dev, buf, n);
}

static void access_port(struct bench *b, uint16_t base, unsigned regs,
                        uint8_t op, struct bytes *in)
{
    uint16_t port = (uint16_t)(base + (op >> 1) % regs);
    unsigned size = (op & 0x30) == 0x30 ? 2 : 1;

    if (op & 1)
        bus_write(&b->bus, SPACE_PIO, port, size, take(in));
    else
        bus_read(&b->bus, SPACE_PIO, port, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bench *b = bench_new(4096);
    struct bytes in = {data, len};
    struct peer peer[2] = {0};
    struct dev *d[2] = {port_new(&uart_ops, b, 0x3f8, 4, &peer[0]),
                        port_new(&parport_ops, b, 0x378, 7, &peer[1])};

    while (in.left) {
        uint8_t op = take(&in), which = op & 1;

        if (op < 128) {
            access_port(b, 0x3f8, 8, op, &in);
        } else if (op < 160) {
            access_port(b, 0x378, 3, op, &in);
        } else if (op < 192) {
            input(&peer[0], &in);
        } else if (op < 224) {
            peer[which].accept = take(&in) % 40;
            if (peer[which].chr.tx_ready)
                peer[which].chr.tx_ready(peer[which].chr.dev);
        } else if (op < 240) {
            bench_step(b, (uint64_t)take(&in) << (op & 15));
        } else if (op < 254) {
            restore(d[which], &in);
        } else {
            d[which]->ops->reset(d[which], RESET_POWER);
        }
    }
    /* However it was treated, a reset makes it work again. */
    d[0]->ops->reset(d[0], RESET_POWER);
    if (bench_inb(b, 0x3fd) != (LSR_THRE | LSR_TEMT))
        abort();
    dev_free(d[0]);
    dev_free(d[1]);
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
