/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one turn costs, counted and not timed (rules R4, R10): the descriptors
 * that one access or one timer of a device reads from guest memory, and the
 * lines that a guest makes the log write.
 */
#include "storm_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <hvmd/pci.h>

#define KICK_MOST 4096u /* descriptors */
#define TABLE     0x10000u
#define TABLE_END 0x20000u
#define DATA      0x100000u

struct counter {
    struct gmem_ops ops; /* first */
    const struct gmem_ops *real;
    uint64_t bytes, worst_bytes, all_bytes;
};

static int counted_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    struct counter *c = (struct counter *)(uintptr_t)g->ops;

    if (gpa >= TABLE && gpa < TABLE_END)
        c->bytes += len;
    return c->real->read(g, gpa, dst, len);
}

static struct rig *start(struct counter *c)
{
    struct rig *r = rig_new();

    rig_start(r);
    rig_firmware(r);
    memset(c, 0, sizeof(*c));
    c->ops = *r->b->gmem.ops;
    c->real = r->b->gmem.ops;
    c->ops.read = counted_read;
    r->b->gmem.ops = &c->ops;
    return r;
}

static void turn_ends(struct counter *c)
{
    if (c->bytes > c->worst_bytes)
        c->worst_bytes = c->bytes;
    c->all_bytes += c->bytes;
    c->bytes = 0;
}

/* What the access began goes on by timers, each a turn of its own. */
static void run_dry(struct rig *r, struct counter *c)
{
    uint64_t end = r->b->now_ns + NS_PER_S, next;

    turn_ends(c);
    while ((next = clock_next(&r->b->clock)) < end) {
        bench_step(r->b, next > r->b->now_ns ? next - r->b->now_ns : 0);
        turn_ends(c);
    }
}

static uint16_t bm_port(struct rig *r)
{
    return (uint16_t)machine_pci_dev(r->m, PCI_DEVFN(1, 1))->bar[4].addr;
}

static void fill_table(struct rig *r, uint32_t bytes)
{
    uint32_t e[2] = {DATA, bytes};

    for (unsigned i = TABLE; i < TABLE_END; i += 8)
        memcpy(r->b->ram + i, e, sizeof(e));
}

static void disk_dma(struct rig *r, struct counter *c, uint8_t cmd)
{
    uint16_t bm = bm_port(r);

    rig_out(r, bm, 1, 0);
    rig_out(r, bm + 2, 1, 6);
    rig_out(r, bm + 4, 4, TABLE);
    rig_out(r, 0x1f6, 1, 0xe0);
    rig_out(r, 0x1f1, 1, cmd == 0x06); /* TRIM */
    rig_out(r, 0x1f2, 1, 4);
    rig_out(r, 0x1f2, 1, cmd == 0x06 ? 8 : 0); /* 48 bits: 1024 sectors */
    for (uint16_t port = 0x1f3; port < 0x1f6; port++)
        for (unsigned i = 0; i < 2; i++)
            rig_out(r, port, 1, 0);
    turn_ends(c);
    rig_out(r, 0x1f7, 1, cmd);
    turn_ends(c);
    rig_out(r, bm, 1, cmd == 0x25 ? 9 : 1);
    run_dry(r, c);
    rig_in(r, 0x1f7, 1);
}

static void cd_dma(struct rig *r, struct counter *c, const uint8_t cdb[12])
{
    uint16_t bm = bm_port(r) + 8;
    uint8_t packet[12];

    memcpy(packet, cdb, sizeof(packet));
    rig_out(r, bm, 1, 0);
    rig_out(r, bm + 2, 1, 6);
    rig_out(r, bm + 4, 4, TABLE);
    rig_out(r, 0x176, 1, 0xa0);
    rig_out(r, 0x171, 1, 1);
    rig_out(r, 0x177, 1, 0xa0);
    machine_rep(r->m, 0x170, 2, true, packet, 6);
    turn_ends(c);
    rig_out(r, bm, 1, 9);
    run_dry(r, c);
    rig_in(r, 0x177, 1);
}

static void prd_walks_have_turns(void **state)
{
    static const uint8_t disk[] = {0x25, 0x35, 0x06};
    static const uint8_t cd[][12] = {
        {0x28, 0, 0, 0, 0, 0, 0, 0, 255},       /* READ(10) */
        {0xbe, 0, 0, 0, 0, 9, 0, 0, 200, 0xf8}, /* READ CD, raw */
        {0x12, 0, 0, 0, 96},
        {0x5a, 0, 0x3f, 0, 0, 0, 0, 4, 0}};
    static const uint32_t size[] = {2, 4, 30, 510, 514, 1022};
    struct counter c;
    struct rig *r = start(&c);

    for (unsigned s = 0; s < sizeof(size) / sizeof(size[0]); s++) {
        fill_table(r, size[s]);
        for (unsigned i = 0; i < sizeof(disk); i++)
            disk_dma(r, &c, disk[i]);
        for (unsigned k = 0; k < 2; k++) /* the first clears attentions */
            for (unsigned i = 0; i < sizeof(cd) / sizeof(cd[0]); i++)
                cd_dma(r, &c, cd[i]);
    }
    print_message("most PRD entries read in one turn: %llu of %llu\n",
                  (unsigned long long)c.worst_bytes / 8,
                  (unsigned long long)c.all_bytes / 8);
    assert_true(c.all_bytes / 8 > 4 * 8192); /* tables were walked */
    assert_true(c.worst_bytes / 8 <= KICK_MOST);
    r->b->gmem.ops = c.real;
    rig_free(r);
}

/* Descriptors of the network card that are its own for ever. */
static void network_rings_have_turns(void **state)
{
    struct counter c;
    struct rig *r = start(&c);
    uint16_t nic = 0;
    uint8_t frame[1514] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    for (unsigned devfn = 0; devfn < 256; devfn += 8)
        if (rig_cfg(r, devfn, 0, 4) == 0x813910ec)
            nic = (uint16_t)machine_pci_dev(r->m, devfn)->bar[0].addr;
    assert_true(nic);
    for (unsigned kind = 0; kind < 4; kind++) {
        uint32_t cmd = kind & 1 ? 0x80000000u | 1 : 0xb0000000u | 60;

        rig_out(r, nic + 0x37, 1, 0x0c);
        rig_out(r, nic + 0x40, 4, kind & 2 ? 0x00060000 : 0);
        rig_out(r, nic + 0x44, 4, 0x0000000f);
        rig_out(r, nic + 0xe0, 2, 0x0003);
        rig_out(r, nic + 0x20, 4, TABLE);
        rig_out(r, nic + 0x28, 4, TABLE + 0x400);
        rig_out(r, nic + 0xe4, 4, TABLE + 0x800);
        for (unsigned round = 0; round < 50; round++) {
            for (unsigned i = 0; i < 64 * 3; i++) {
                uint32_t d[4] = {cmd, 0, DATA, 0};

                memcpy(r->b->ram + TABLE + 16 * i, d, sizeof(d));
            }
            turn_ends(&c);
            rig_out(r, nic + 0xd9, 1, 0xc0);
            run_dry(r, &c);
            net_mem_put(r->net, frame, sizeof(frame));
            net_mem_rx_end(r->net);
            run_dry(r, &c);
        }
    }
    print_message("most ring descriptors read in one turn: %llu of %llu\n",
                  (unsigned long long)c.worst_bytes / 16,
                  (unsigned long long)c.all_bytes / 16);
    assert_true(c.all_bytes / 16 > 1000);
    assert_true(c.worst_bytes / 16 <= KICK_MOST);
    r->b->gmem.ops = c.real;
    rig_free(r);
}

struct sink_count {
    uint64_t bytes, second[61];
    struct rig *r;
};

static void count_line(void *ctx, const char *line, size_t len)
{
    struct sink_count *s = ctx;
    uint64_t at = s->r->b->now_ns / NS_PER_S;

    s->bytes += len;
    s->second[at < 60 ? at : 60] += len;
    for (size_t i = 0; i + 1 < len; i++)
        assert_in_range(line[i], 0x20, 0x7e);
    assert_int_equal(line[len - 1], '\n');
}

/* Every way to a line that is known, at once. */
static void shout(struct rig *r, struct prng *p)
{
    static const char text[] = "a guest \033[2J that says a lot\n";
    uint16_t bm = bm_port(r);

    for (unsigned i = 0; i < sizeof(text) - 1; i++) {
        rig_out(r, 0x402, 1, (uint8_t)text[i]);
        rig_out(r, 0xb044, 1, (uint8_t)text[i]);
        rig_out(r, 0x12, 1, (uint8_t)text[i]);
    }
    rig_out(r, 0xae08, 4, (uint32_t)value(p));
    rig_out(r, 0x10, 2, below(p, 65536));
    rig_out(r, 0x10, 1, below(p, 256));
    rig_out(r, 0x12, 2, below(p, 65536));
    rig_out(r, 0x10, 4, (uint32_t)value(p));
    rig_out(r, 0xb2, 1, below(p, 256));
    rig_out(r, (uint16_t)(bm + 4u), 4, TABLE);
    rig_out(r, 0x1f6, 1, 0xe0);
    rig_out(r, 0x1f7, 1, 0x25);
    rig_out(r, bm, 1, 9);
    rig_out(r, bm, 1, 0);
}

/*
 * XSA-180: a guest's messages filled the disk of dom0. 60 seconds of random
 * accesses and of all that is known to make a line.
 */
static void xsa_180_cve_2014_3672_log_flood(void **state)
{
    struct rig *r = rig_new();
    struct sink_count s = {.r = r};
    struct prng p = {0x5eed};
    uint64_t calm = 0;

    r->b->log.write = count_line;
    r->b->log.ctx = &s;
    rig_start(r);
    rig_firmware(r);
    fill_table(r, 2);
    s.bytes = 0;
    memset(s.second, 0, sizeof(s.second));
    while (r->b->now_ns < 60 * NS_PER_S) {
        storm_step(r, &p);
        if (below(&p, 8) == 0)
            shout(r, &p);
        bench_step(r->b, NS_PER_MS);
        if (below(&p, 4096) == 0) {
            machine_reset_devices(r->m);
            rig_firmware(r);
        }
    }
    for (unsigned i = 10; i < 60; i++)
        calm = s.second[i] > calm ? s.second[i] : calm;
    print_message("%llu bytes in 60 s, %llu in the first, then at most %llu in "
                  "one; %llu lines held back\n",
                  (unsigned long long)s.bytes, (unsigned long long)s.second[0],
                  (unsigned long long)calm,
                  (unsigned long long)r->b->log.guest_dropped);
    assert_true(s.bytes <= 60 * 1024);
    assert_true(calm <= 1024);
    rig_free(r);
}

/* Many messages, each within its own bucket, are within one together. */
static void the_log_has_a_rate(void **state)
{
    struct bench *b = bench_new(1 << 20);
    struct log_bucket bucket[200] = {{0}};

    for (unsigned i = 0; i < 600; i++) {
        for (unsigned k = 0; k < 200; k++)
            bucket_log(&b->log, &bucket[k], "who",
                       "a line of a message that is as long as they are");
        bench_step(b, NS_PER_S / 10);
    }
    assert_true(b->log.guest_bytes <= 60 * 1024);
    assert_true(b->log.guest_bytes > 30 * 1024);
    /* the daemon's own words are not held back by that */
    b->log_len = 0;
    log_line(&b->log, "still here");
    assert_true(b->log_len > 0);
    bench_free(b);
}

/* The cap for a guest's life, reached in a month of it. */
static void the_log_has_an_end(void **state)
{
    struct bench *b = bench_new(1 << 20);
    struct log_bucket bucket[64] = {{0}};

    for (unsigned i = 0; i < 40000; i++) {
        for (unsigned k = 0; k < 64; k++)
            bucket_log(&b->log, &bucket[k], "who",
                       "a line of a message that is as long as they are");
        bench_step(b, 60 * NS_PER_S);
    }
    assert_true(b->log.guest_bytes <= LOG_GUEST_CAP_BYTES + 512);
    assert_true(b->log.guest_bytes > LOG_GUEST_CAP_BYTES / 2);
    bench_free(b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prd_walks_have_turns),
        cmocka_unit_test(network_rings_have_turns),
        cmocka_unit_test(xsa_180_cve_2014_3672_log_flood),
        cmocka_unit_test(the_log_has_a_rate),
        cmocka_unit_test(the_log_has_an_end),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
