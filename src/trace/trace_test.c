/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Format, recorder and replay; a machine on the bench stands for a guest. */
#include "../block/pool.h"
#include "../ioreq/ring.h"
#include "../machine/rig.h"
#include "rec.h"
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <hvmd/loop.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <xen/hvm/ioreq.h>

#define PRD  0x10000u
#define DATA 0x20000u

#define SLURP_MOST (20u << 20)

/* Machine, ring and recorder, as hvmd has them. */
struct deck {
    struct rig *r;
    struct loop *loop;
    struct pool *pool;
    struct rec *rec;
    struct ring ring;
    struct ioreq page[HV_PAGE_BYTES / sizeof(struct ioreq)];
    char dir[32], path[48];
    uint64_t served;
};

static void nothing(void *ctx)
{
}

static void no_time(void *ctx, int64_t s)
{
}

static int setup(void **state)
{
    struct deck *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    d->r = rig_new();
    d->loop = loop_new();
    d->pool = pool_new(d->loop, 1);
    strcpy(d->dir, "/tmp/hvmd-trace-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    snprintf(d->path, sizeof(d->path), "%s/t", d->dir);
    *state = d;
    return 0;
}

static void start(struct deck *d)
{
    struct rig *r = d->r;
    struct err e;

    d->rec = rec_open(d->path, d->pool, &r->b->log, &e);
    assert_non_null(d->rec);
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        if (r->conf.disk[i].blk)
            rec_disk(d->rec, i, r->conf.disk[i].blk);
    rec_memory(d->rec, r->host.gmem);
    r->host.gmem = rec_device_memory(d->rec);
    rec_start(d->rec, &r->conf, r->host.clock);
    rig_start(r);
    d->ring = (struct ring){.sync_page = d->page,
                            .vcpus = 1,
                            .machine = r->m,
                            .gmem = rec_ring_memory(d->rec),
                            .log = &r->b->log,
                            .invalidate = nothing,
                            .timeoffset = no_time,
                            .watch = rec_watch(d->rec)};
}

static void finish(struct deck *d)
{
    rec_close(d->rec);
    d->rec = NULL;
}

static int teardown(void **state)
{
    struct deck *d = *state;

    if (d->r->m)
        rig_free(d->r);
    finish(d);
    pool_free(d->pool);
    loop_free(d->loop);
    unlink(d->path);
    rmdir(d->dir);
    free(d);
    return 0;
}

static uint64_t request(struct deck *d, struct ioreq q)
{
    q.state = STATE_IOREQ_READY;
    if (!q.count)
        q.count = 1;
    d->page[0] = q;
    assert_true(ring_watched_sync(&d->ring, 0));
    d->served++;
    bench_step(d->r->b, 1000);
    return d->page[0].data;
}

static uint64_t in(struct deck *d, uint16_t port, unsigned size)
{
    return request(d, (struct ioreq){.addr = port, .size = size, .dir = 1});
}

static void out(struct deck *d, uint16_t port, unsigned size, uint32_t v)
{
    request(d, (struct ioreq){.addr = port, .size = size, .data = v});
}

static void config(struct deck *d, unsigned devfn, unsigned reg, uint32_t v)
{
    request(d, (struct ioreq){.type = IOREQ_TYPE_PCI_CONFIG,
                              .addr = (uint64_t)devfn << 32 | reg,
                              .size = 4,
                              .data = v});
}

/* IDENTIFY DEVICE, read by a string to there. */
static void identify(struct deck *d, uint64_t gpa)
{
    out(d, 0x1f7, 1, 0xec);
    request(d, (struct ioreq){.addr = 0x1f0,
                              .size = 2,
                              .dir = 1,
                              .count = 256,
                              .data_is_ptr = 1,
                              .data = gpa});
}

/* One sector by DMA: a read or a write. */
static void disk_dma(struct deck *d, bool write, unsigned lba)
{
    const uint32_t prd[2] = {DATA, 0x80000200};

    memcpy(d->r->b->ram + PRD, prd, sizeof(prd));
    memset(d->r->b->ram + DATA, (int)lba, 512);
    out(d, 0xc000, 1, 0);
    out(d, 0xc002, 1, 6);
    out(d, 0xc004, 4, PRD);
    out(d, 0x1f2, 1, 1);
    out(d, 0x1f3, 1, lba);
    out(d, 0x1f4, 1, 0);
    out(d, 0x1f5, 1, 0);
    out(d, 0x1f6, 1, 0xe0);
    out(d, 0x1f7, 1, write ? 0xca : 0xc8);
    out(d, 0xc000, 1, write ? 1 : 9);
    in(d, 0x1f7, 1); /* while it may be busy */
    if (d->r->conf.disk[0].blk)
        blk_mem_release(d->r->conf.disk[0].blk);
    bench_step(d->r->b, 1000000);
    in(d, 0xc002, 1);
    in(d, 0x1f7, 1);
}

/* One frame by a descriptor at this address. */
static void send_frame(struct deck *d, uint64_t at)
{
    /* own, end of ring, first and last of a frame of 64 bytes */
    const uint32_t desc[4] = {0xf0000040, 0, (uint32_t)at + 0x100,
                              (uint32_t)(at >> 32)};

    memcpy(d->r->b->ram + at % RIG_RAM_BYTES, desc, sizeof(desc));
    config(d, PCI_DEVFN(4, 0), 0x10, 0xc201);
    config(d, PCI_DEVFN(4, 0), 4, 5);
    out(d, 0xc237, 1, 0x10);
    out(d, 0xc2e0, 2, 1);
    out(d, 0xc220, 4, (uint32_t)at);
    out(d, 0xc224, 4, (uint32_t)(at >> 32));
    out(d, 0xc237, 1, 4);
    out(d, 0xc2d9, 1, 0x40);
    assert_int_equal(in(d, 0xc23e, 2), 0x84); /* sent, none is left */
}

/* Some of everything, as a guest may. */
static void live(struct deck *d)
{
    config(d, PCI_DEVFN(1, 1), 0x40, 0x80008000);
    config(d, PCI_DEVFN(1, 1), 0x20, 0xc001);
    config(d, PCI_DEVFN(1, 1), 4, 5);
    for (unsigned i = 0; i < 32; i++) {
        bool hold = i & 1;

        blk_mem_hold(d->r->conf.disk[0].blk, hold);
        disk_dma(d, i % 3 == 0, i);
        if (i % 5 == 0)
            in(d, 0x1f7, 1);
    }
    blk_mem_hold(d->r->conf.disk[0].blk, false);
    /* IDENTIFY by a string, and a string to the screen */
    out(d, 0x1f6, 1, 0xa0);
    identify(d, DATA);
    request(d, (struct ioreq){.type = IOREQ_TYPE_COPY,
                              .addr = 0xb8000,
                              .size = 4,
                              .count = 64,
                              .data_is_ptr = 1,
                              .data = DATA});
    request(d, (struct ioreq){.type = IOREQ_TYPE_INVALIDATE});
    request(d, (struct ioreq){.type = 77, .size = 3, .count = 0});
    in(d, 0x70, 1);
    in(d, 0x3c4, 2);
}

static uint8_t *slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *p = malloc(SLURP_MOST);

    assert_true(f && p);
    *len = fread(p, 1, SLURP_MOST, f);
    fclose(f);
    return p;
}

static struct replay_counts replayed(const uint8_t *p, size_t len)
{
    struct err e = {.text = ""};
    struct replay *r = replay_new(p, len, NULL, &e);
    struct replay_counts n;

    assert_string_equal(e.text, "");
    assert_non_null(r);
    while (replay_run(r, 1000))
        ;
    n = *replay_counts(r);
    replay_free(r);
    return n;
}

static void try_hostile(const uint8_t *p, size_t len)
{
    struct err e;
    struct replay *r = replay_new(p, len, NULL, &e);

    if (!r)
        return;
    replay_run(r, 2000);
    replay_free(r);
}

static void test_numbers_survive(void **state)
{
    static const struct trace_rec rec[] = {
        {.kind = TRACE_END, .value = TRACE_WHY_SLOW},
        {.kind = TRACE_WROTE,
         .dt_ns = 1,
         .addr = UINT64_MAX,
         .len = UINT32_MAX,
         .hash = 0xfedcba98},
        {.kind = TRACE_BLK,
         .dt_ns = UINT64_MAX,
         .unit = 3,
         .op = BLK_DISCARD,
         .addr = 1u << 31,
         .value = UINT64_C(1) << 40,
         .result = -EIO},
        {.kind = TRACE_DONE, .unit = 1, .result = -ENOSPC},
        {.kind = TRACE_IO,
         .type = 8,
         .size = 255,
         .flags = 0x1f,
         .addr = UINT64_MAX,
         .count = UINT32_MAX,
         .data = UINT64_MAX,
         .hash = 5},
    };
    uint8_t buf[TRACE_REC_MAX + 4] = {0};
    struct trace t = {.data = buf};
    struct trace_rec got;

    for (unsigned i = 0; i < sizeof(rec) / sizeof(rec[0]); i++) {
        t.len = trace_put(buf, &rec[i]);
        assert_true(t.len <= TRACE_REC_MAX);
        t.at = 0;
        assert_int_equal(trace_next(&t, &got), 1);
        assert_memory_equal(&got, &rec[i], sizeof(got));
        assert_int_equal(trace_next(&t, &got), 0);
        for (t.len--, t.at = 0; t.len; t.len--)
            assert_int_equal(trace_next(&t, &got), -ENODATA);
    }
    got = (struct trace_rec){.kind = TRACE_READ, .addr = 9, .len = 4};
    t.len = trace_put(buf, &got);
    memcpy(buf + t.len, "abcd", 4);
    t.len += 4;
    t.at = 0;
    assert_int_equal(trace_next(&t, &got), 1);
    assert_memory_equal(got.bytes, "abcd", 4);
}

static void test_head_tells_the_machine(void **state)
{
    struct deck *d = *state;
    uint8_t buf[TRACE_HEAD_MAX];
    struct err e = {.text = ""};
    struct trace t;
    size_t len;

    d->r->conf.disk[1].serial = "ABC-12";
    len = trace_put_head(buf, &d->r->conf);
    assert_true(len <= sizeof(buf));
    assert_int_equal(trace_open(&t, buf, len, &e), 0);
    assert_int_equal(t.head.conf.ram_bytes, RIG_RAM_BYTES);
    assert_string_equal(t.head.conf.disk[1].serial, "ABC-12");
    assert_int_equal(t.head.disk[2].size_bytes, RIG_DISK_BYTES);
    assert_true(t.head.conf.disk[3].cdrom && !t.head.disk[3].medium);
    assert_memory_equal(t.head.conf.nic[0].mac, d->r->conf.nic[0].mac, 6);
    assert_int_equal(t.head.conf.vga_rom.size_bytes, sizeof(d->r->rom));
    for (size_t i = 0; i < len; i++)
        assert_int_equal(trace_open(&t, buf, i, &e), -EINVAL);
    buf[8]++;
    assert_int_equal(trace_open(&t, buf, len, &e), -EINVAL);
    assert_non_null(strstr(e.text, "version"));
    rig_start(d->r); /* for the end of the test */
}

static void test_what_was_recorded_is_done_again(void **state)
{
    struct deck *d = *state;
    struct replay_counts n;
    struct stat st;
    uint8_t *p;
    size_t len;

    start(d);
    live(d);
    finish(d);
    assert_int_equal(stat(d->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    p = slurp(d->path, &len);
    n = replayed(p, len);
    assert_int_equal(n.requests, d->served);
    assert_true(n.compared > 100);
    assert_int_equal(n.differ, 0);
    assert_int_equal(n.unread, 0);
    assert_int_equal(n.other_blk, 0);
    assert_int_equal(n.end, TRACE_WHY_CLOSED);
    free(p);
}

/* The rig's memory is found at each of its multiples. */
static void test_a_guest_of_6_gib(void **state)
{
    const uint64_t high = UINT64_C(0x150000000), hole = 0xf0000000;
    struct deck *d = *state;
    struct replay_counts n;
    uint8_t *p;
    size_t len;

    d->r->conf.ram_bytes = UINT64_C(6) << 30;
    d->r->b->mirror_end = UINT64_C(7) << 30;
    start(d);
    live(d);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t at = i == 0 ? high : i == 1 ? hole : high - 256;
        send_frame(d, at);
        /* IDENTIFY by a string to there, over the end of what is folded */
        identify(d, (at & ~UINT64_C(0xfffffff)) - 128);
    }
    finish(d);
    p = slurp(d->path, &len);
    n = replayed(p, len);
    assert_int_equal(n.requests, d->served);
    assert_int_equal(n.differ, 0);
    assert_int_equal(n.unread, 0);
    assert_int_equal(n.other_blk, 0);
    /* the most of -m takes no more of the host's memory */
    for (unsigned i = 0; i < 8; i++)
        p[12 + i] = (uint8_t)(TRACE_RAM_MOST >> 8 * i);
    assert_int_equal(replayed(p, len).differ, 0);
    p[12]++;
    try_hostile(p, len);
    free(p);
}

static void test_a_difference_is_found(void **state)
{
    struct deck *d = *state;
    struct trace_rec rec;
    struct replay_counts n;
    struct err e;
    struct trace t;
    uint8_t *p;
    size_t len;

    start(d);
    live(d);
    out(d, 0x70, 1, 0x10);
    in(d, 0x1f2, 1);
    finish(d);
    p = slurp(d->path, &len);
    assert_int_equal(trace_open(&t, p, len, &e), 0);
    while (trace_next(&t, &rec) > 0 && rec.addr != 0x1f2)
        ;
    p[t.at - 1] ^= 2; /* what was written there */
    n = replayed(p, len);
    assert_true(n.differ >= 1);
    assert_int_equal(n.requests, d->served);
    free(p);
}

/* What a device writes to guest memory of its own: a descriptor's status. */
static void test_a_difference_of_dma_is_found(void **state)
{
    struct deck *d = *state;
    uint64_t status = 0x30000;
    struct replay_counts n;
    struct trace_rec rec;
    struct err e;
    struct trace t;
    uint8_t *p;
    size_t len;

    start(d);
    disk_dma(d, false, 1); /* no image: not compared */
    send_frame(d, status);
    finish(d);
    p = slurp(d->path, &len);
    assert_int_equal(replayed(p, len).differ, 0);
    assert_int_equal(trace_open(&t, p, len, &e), 0);
    do
        assert_int_equal(trace_next(&t, &rec), 1);
    while (rec.kind != TRACE_WROTE || rec.addr != status);
    p[t.at - 1] ^= 2;
    n = replayed(p, len);
    assert_int_equal(n.differ, 1);
    assert_int_equal(n.place[0].type, REPLAY_DMA);
    assert_true(n.place[0].addr == status);
    free(p);
}

static void test_the_cap_ends_it(void **state)
{
    struct deck *d = *state;
    struct replay_counts n;
    uint8_t *p;
    size_t len;

    start(d);
    rec_set_cap(d->rec, 6000);
    live(d);
    finish(d);
    p = slurp(d->path, &len);
    assert_true(len <= 6000);
    n = replayed(p, len);
    assert_int_equal(n.end, TRACE_WHY_CAP);
    assert_true(n.requests > 50 && n.requests < d->served);
    assert_int_equal(n.differ, 0);
    assert_non_null(strstr(d->r->b->log_text, "greatest size"));
    free(p);
}

/* About 5 KiB of trace each. */
static void strings(struct deck *d, unsigned n)
{
    while (n--)
        request(d, (struct ioreq){.addr = 0x80,
                                  .size = 4,
                                  .count = 512,
                                  .data_is_ptr = 1,
                                  .df = 0,
                                  .data = DATA});
}

/* The loop never runs, so no buffer comes back. */
static void test_a_slow_disk_ends_it(void **state)
{
    struct deck *d = *state;
    struct replay_counts n;
    uint8_t *p;
    size_t len;

    start(d);
    strings(d, 10000);
    assert_non_null(strstr(d->r->b->log_text, "not written fast enough"));
    finish(d);
    p = slurp(d->path, &len);
    n = replayed(p, len);
    assert_int_equal(n.end, TRACE_WHY_SLOW);
    assert_true(len > 8u << 20);
    free(p);
}

/* A file that takes so much and no more; pool_wait(): a buffer is done. */
static void record_into(struct deck *d, rlim_t bytes)
{
    struct rlimit old, limit;

    signal(SIGXFSZ, SIG_IGN); /* as in hvmd */
    start(d);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (unsigned i = 0; i < 2; i++) {
        strings(d, 2000); /* more than a buffer, less than two */
        if (!strstr(d->r->b->log_text, "recording has ended"))
            pool_wait(d->pool);
    }
    finish(d);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_non_null(strstr(d->r->b->log_text, strerror(EFBIG)));
}

static void test_a_full_disk_leaves_a_whole_trace(void **state)
{
    struct deck *d = *state;
    struct replay_counts n;
    uint8_t *p;
    size_t len;

    record_into(d, 12u << 20);
    p = slurp(d->path, &len);
    assert_true(len > 7u << 20 && len <= (8u << 20) + 16);
    n = replayed(p, len);
    assert_int_equal(n.end, TRACE_WHY_ERROR);
    assert_true(n.requests > 1000 && n.requests < 2000);
    assert_int_equal(n.differ, 0);
    free(p);
}

static void test_a_full_disk_leaves_no_file_without_a_head(void **state)
{
    struct deck *d = *state;

    record_into(d, 1u << 20);
    assert_int_equal(access(d->path, F_OK), -1);
}

static void test_files_that_are_refused(void **state)
{
    struct deck *d = *state;
    struct err e;
    char bad[64];

    d->rec = rec_open(d->path, d->pool, &d->r->b->log, &e);
    assert_non_null(d->rec);
    assert_null(rec_open(d->path, d->pool, &d->r->b->log, &e));
    assert_non_null(strstr(e.text, "is there already"));
    finish(d); /* nothing began: no file is left */
    assert_int_equal(access(d->path, F_OK), -1);
    snprintf(bad, sizeof(bad), "%s/no/t", d->dir);
    assert_null(rec_open(bad, d->pool, &d->r->b->log, &e));
    assert_non_null(strstr(e.text, "No such file"));
    rig_start(d->r); /* for the end of the test */
}

static uint64_t rnd(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static void test_hostile_traces(void **state)
{
    struct deck *d = *state;
    uint64_t seed = 20261126;
    uint8_t *p, *bad;
    size_t len;

    start(d);
    live(d);
    finish(d);
    p = slurp(d->path, &len);
    bad = malloc(len);
    assert_non_null(bad);
    for (size_t cut = 0; cut < len; cut += 1 + len / 97)
        try_hostile(p, cut);
    for (unsigned i = 0; i < 300; i++) {
        size_t skip = 400 * (i % 8 != 0); /* mostly behind the head's start */

        memcpy(bad, p, len);
        for (unsigned k = 0; k <= i % 5; k++)
            bad[skip + rnd(&seed) % (len - skip)] = (uint8_t)rnd(&seed);
        try_hostile(bad, len);
    }
    free(bad);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_survive),
        cmocka_unit_test_setup_teardown(test_head_tells_the_machine, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_was_recorded_is_done_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_guest_of_6_gib, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_difference_is_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_difference_of_dma_is_found,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_cap_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_slow_disk_ends_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_a_whole_trace,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_full_disk_leaves_no_file_without_a_head, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_that_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_hostile_traces, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
