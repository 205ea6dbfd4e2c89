/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <hvmd/dev.h>
#include <string.h>

struct probe {
    uint32_t off[16];
    uint64_t val[16];
    unsigned size[16], n, reps;
};

static uint64_t probe_rd(void *dev, uint32_t off, unsigned size)
{
    struct probe *p = dev;

    p->off[p->n % 16] = off;
    p->size[p->n++ % 16] = size;
    return 0x8877665544332211 + off;
}

static void probe_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct probe *p = dev;

    p->off[p->n % 16] = off;
    p->val[p->n % 16] = val;
    p->size[p->n++ % 16] = size;
}

static size_t probe_rep(void *dev, uint32_t off, unsigned size, bool wr,
                        void *buf, size_t n)
{
    struct probe *p = dev;

    p->reps++;
    if (n > 3)
        n = 3;
    if (!wr)
        memset(buf, 0x5a, n * size);
    return n;
}

static const struct io_ops probe_ops = {.rd = probe_rd, .wr = probe_wr};
static const struct io_ops wide_ops = {
    .rd = probe_rd, .wr = probe_wr, .min = 4, .max = 4};
static const struct io_ops rep_ops = {
    .rd = probe_rd, .wr = probe_wr, .rep = probe_rep, .max = 2};

static void bus_overlap_is_refused(void **s)
{
    struct bus b;
    struct probe p = {0};

    bus_init(&b, NULL);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0x100, 8, &probe_ops, &p, NULL), 0);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0x107, 1, &probe_ops, &p, NULL),
                     -EEXIST);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0xf8, 9, &probe_ops, &p, NULL),
                     -EEXIST);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0x80, 0x200, &probe_ops, &p, NULL),
                     -EEXIST);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0xf8, 8, &probe_ops, &p, NULL), 0);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0x108, 8, &probe_ops, &p, NULL), 0);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0xffff, 1, &probe_ops, &p, NULL),
                     0);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0xfffe, 4, &probe_ops, &p, NULL),
                     -EINVAL);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0x10000, 1, &probe_ops, &p, NULL),
                     -EINVAL);
    assert_int_equal(bus_map(&b, SPACE_PIO, 0x10001, 1, &probe_ops, &p, NULL),
                     -EINVAL);
    assert_int_equal(bus_map(&b, SPACE_PIO, 5, 0, &probe_ops, &p, NULL),
                     -EINVAL);
    /* offsets have 32 bits */
    assert_int_equal(
        bus_map(&b, SPACE_MMIO, 0, UINT64_C(1) << 32, &probe_ops, &p, NULL),
        -EINVAL);
    assert_ptr_equal(bus_find(&b, SPACE_PIO, 0xff)->base, 0xf8);
    assert_null(bus_find(&b, SPACE_PIO, 0x110));
    bus_unmap(&b, SPACE_PIO, 0x100);
    assert_null(bus_find(&b, SPACE_PIO, 0x100));
    assert_non_null(bus_find(&b, SPACE_PIO, 0x108));
    assert_non_null(bus_find(&b, SPACE_PIO, 0xffff));
}

static void bus_fills_up_without_harm(void **s)
{
    struct bus b;
    struct probe p = {0};
    unsigned i;

    bus_init(&b, NULL);
    for (i = 0; i < BUS_REGIONS_MAX; i++)
        assert_int_equal(
            bus_map(&b, SPACE_MMIO, 0x1000 + i * 16, 16, &probe_ops, &p, NULL),
            0);
    assert_int_equal(bus_map(&b, SPACE_MMIO, 0, 1, &probe_ops, &p, NULL),
                     -ENOSPC);
    for (i = 0; i < BUS_REGIONS_MAX; i++)
        bus_unmap(&b, SPACE_MMIO, 0x1000 + i * 16);
    assert_int_equal(b.space[SPACE_MMIO].n, 0);
}

static void bus_splits_and_joins_widths(void **s)
{
    struct bus b;
    struct probe p = {0};
    uint64_t hits[HIT_KINDS] = {0};

    bus_init(&b, NULL);
    bus_map(&b, SPACE_MMIO, 0x1000, 16, &wide_ops, &p, hits);
    assert_int_equal(bus_read(&b, SPACE_MMIO, 0x1001, 1), 0x22);
    assert_int_equal(p.off[0], 0);
    assert_int_equal(p.size[0], 4);
    assert_int_equal(bus_read(&b, SPACE_MMIO, 0x1000, 8), 0x4433221544332211);
    assert_int_equal(p.n, 3);
    bus_write(&b, SPACE_MMIO, 0x1006, 2, 0xabcd);
    assert_int_equal(p.off[3], 4);
    assert_int_equal(p.val[3], 0xabcd0000);
    bus_write(&b, SPACE_MMIO, 0x1008, 8, 0x8877665544332211);
    assert_int_equal(p.n, 6);
    assert_int_equal(p.size[4], 4);
    assert_int_equal(p.val[4], 0x44332211);
    assert_int_equal(p.off[5], 12);
    assert_int_equal(p.val[5], 0x88776655);
    assert_int_equal(hits[HIT_MMIO_RD], 2);
    assert_int_equal(hits[HIT_MMIO_WR], 2);
    assert_int_equal(hits[HIT_PIO_RD] + hits[HIT_PIO_WR], 0);
    assert_int_equal(bus_read(&b, SPACE_MMIO, 0x2000, 8), UINT64_MAX);
    assert_int_equal(bus_read(&b, SPACE_PIO, 0x10, 2), 0xffff);
    bus_write(&b, SPACE_PIO, 0x10, 2, 1);
}

/* Narrower than a register and on both sides of where one ends, or where the
 * region ends: no register is meant. */
static void bus_narrow_stays_in_a_register(void **s)
{
    struct bus b;
    struct probe p = {0};

    bus_init(&b, NULL);
    bus_map(&b, SPACE_MMIO, 0x1000, 6, &wide_ops, &p, NULL);
    assert_int_equal(bus_read(&b, SPACE_MMIO, 0x1003, 2), 0xffff);
    bus_write(&b, SPACE_MMIO, 0x1003, 2, 0xabcd);
    assert_int_equal(bus_read(&b, SPACE_MMIO, 0x1004, 2), 0xffff);
    bus_write(&b, SPACE_MMIO, 0x1004, 2, 0xabcd);
    assert_int_equal(p.n, 0);
}

static size_t probe_mem(void *dev, uint32_t off, bool wr, void *buf, size_t n)
{
    ((struct probe *)dev)->reps++;
    return n;
}

static void bus_burst_ends_with_its_region(void **s)
{
    static const struct io_ops mem_ops = {
        .rd = probe_rd, .wr = probe_wr, .mem = probe_mem};
    struct bus b;
    struct probe p = {0};
    uint8_t buf[64] = {0};

    bus_init(&b, NULL);
    bus_map(&b, SPACE_MMIO, 0x1000, 16, &mem_ops, &p, NULL);
    bus_map(&b, SPACE_PIO, 0x1000, 1, &rep_ops, &p, NULL);
    assert_int_equal(bus_burst(&b, SPACE_MMIO, 0x1008, 4, true, buf, 2), 2);
    assert_int_equal(p.reps, 1);
    assert_int_equal(bus_burst(&b, SPACE_MMIO, 0x1008, 4, true, buf, 3), 0);
    assert_int_equal(bus_burst(&b, SPACE_PIO, 0x1000, 2, true, buf, 1), 0);
    assert_int_equal(p.reps, 1);
}

static void bus_straddling_goes_by_bytes(void **s)
{
    struct bus b;
    struct probe p = {0}, q = {0};

    bus_init(&b, NULL);
    bus_map(&b, SPACE_PIO, 0x10, 2, &probe_ops, &p, NULL);
    bus_map(&b, SPACE_PIO, 0x12, 1, &probe_ops, &q, NULL);
    assert_int_equal(bus_read(&b, SPACE_PIO, 0x11, 4), 0xffff1112);
    bus_write(&b, SPACE_PIO, 0x11, 4, 0x44332211);
    assert_int_equal(p.val[1], 0x11);
    assert_int_equal(q.val[1], 0x22);
    assert_int_equal(bus_read(&b, SPACE_MMIO, UINT64_MAX, 8), UINT64_MAX);
}

static void bus_rep_uses_bulk_and_finishes(void **s)
{
    struct bus b;
    struct probe p = {0};
    uint64_t hits[HIT_KINDS] = {0};
    uint16_t buf[7];

    bus_init(&b, NULL);
    bus_map(&b, SPACE_PIO, 0x1f0, 1, &probe_ops, &p, hits);
    bus_map(&b, SPACE_PIO, 0x170, 8, &rep_ops, &p, hits);
    bus_rep(&b, 0x170, 2, false, buf, 7);
    assert_int_equal(p.reps, 3);
    assert_int_equal(hits[HIT_PIO_RD], 3);
    for (int i = 0; i < 7; i++)
        assert_int_equal(buf[i], 0x5a5a);
    bus_rep(&b, 0x1f0, 1, true, buf, 5);
    assert_int_equal(p.n, 5);
    assert_int_equal(hits[HIT_PIO_WR], 5);
    bus_rep(&b, 0x400, 2, false, buf, 7);
    assert_int_equal(buf[6], 0xffff);
    bus_copy(&b, 0x400, 2, false, buf, 7);
    assert_int_equal(buf[6], 0xffff);
}

static uint64_t fake_now;
static uint64_t fake_source(void *ctx)
{
    return fake_now;
}

static unsigned fired[3];
static struct timer tm[3];
static void fire(void *ctx)
{
    unsigned i = (unsigned)(uintptr_t)ctx;

    fired[i]++;
    if (i == 2)
        timer_set(&tm[2], 0); /* always due again */
}

static void timers_fire_in_order_and_within_budget(void **s)
{
    struct clock c;

    fake_now = 1000;
    clock_init(&c, fake_source, NULL);
    c.offset_ns = 1000;
    for (unsigned i = 0; i < 3; i++) {
        fired[i] = 0;
        timer_init(&tm[i], &c, fire, (void *)(uintptr_t)i);
    }
    timer_set(&tm[0], 200);
    timer_set(&tm[1], 100);
    assert_int_equal(clock_next(&c), 100);
    fake_now = 1100;
    assert_true(clock_run(&c));
    assert_int_equal(fired[1], 1);
    assert_int_equal(fired[0], 0);
    clock_pause(&c, true);
    fake_now = 5000;
    assert_int_equal(clock_now(&c), 100);
    assert_int_equal(clock_next(&c), TIMER_NEVER);
    assert_true(clock_run(&c));
    clock_pause(&c, false);
    assert_int_equal(clock_now(&c), 100);
    assert_int_equal(fired[0], 0);
    fake_now += 100;
    clock_run(&c);
    assert_int_equal(fired[0], 1);
    timer_set(&tm[2], 0);
    assert_false(clock_run(&c));
    assert_int_equal(fired[2], 64);
    timer_cancel(&tm[2]);
    timer_cancel(&tm[2]);
    assert_null(c.head);
}

static void work_goes_on_while_time_stands_still(void **s)
{
    struct clock c;

    fake_now = 0;
    clock_init(&c, fake_source, NULL);
    for (unsigned i = 0; i < 2; i++) {
        fired[i] = 0;
        timer_init(&tm[i], &c, fire, (void *)(uintptr_t)i);
        timer_set(&tm[i], 100 + i);
    }
    assert_false(clock_run_work(&c));
    tm[1].work = true;
    clock_pause(&c, true);
    assert_false(clock_run_work(&c));
    clock_pause(&c, false);
    assert_true(clock_run_work(&c));
    assert_int_equal(fired[0], 0);
    assert_int_equal(fired[1], 1);
    assert_false(clock_run_work(&c));
    timer_cancel(&tm[0]);
}

static char logged[65536];
static size_t logged_len;
static void log_keep(void *ctx, const char *line, size_t len)
{
    if (logged_len + len < sizeof(logged)) {
        memcpy(logged + logged_len, line, len);
        logged_len += len;
        logged[logged_len] = 0;
    }
}

static const struct dev_ops noisy_ops = {"noisy", sizeof(struct dev)};

static void guest_log_has_a_budget(void **s)
{
    struct clock c;
    struct log l = {.write = log_keep, .clock = &c};
    struct dev d = {.ops = &noisy_ops, .env.log = &l};

    fake_now = 0;
    logged_len = 0;
    clock_init(&c, fake_source, NULL);
    for (int i = 0; i < 1000; i++)
        guest_log(&d, 0, "line \x1b[2J%d\n", i);
    assert_int_equal(d.mistakes, 1000);
    assert_int_equal(l.guest_dropped, 990);
    assert_non_null(strstr(logged, "noisy: line \\x1b[2J9\\x0a\n"));
    assert_null(strchr(logged, 0x1b));
    fake_now = NS_PER_S;
    guest_log(&d, 0, "later");
    assert_non_null(strstr(logged, "later (990 such lines held back)\n"));
    l.guest_bytes = LOG_GUEST_CAP_BYTES;
    fake_now = 100 * NS_PER_S;
    guest_log(&d, 1, "over the cap");
    assert_null(strstr(logged, "over the cap"));
}

/* A guest that talks all the time cannot hide that its disk fails. */
static void host_log_is_heard_beside_a_talking_guest(void **s)
{
    struct clock c;
    struct log l = {.write = log_keep, .clock = &c};
    struct dev d = {.ops = &noisy_ops, .env.log = &l};
    struct log_bucket talk[64] = {{0}};

    fake_now = 0;
    logged_len = 0;
    clock_init(&c, fake_source, NULL);
    for (unsigned i = 0; i < 1000; i++)
        bucket_log(&l, &talk[i % 64], "guest", "so much to say");
    bucket_log(&l, &(struct log_bucket){0}, "guest", "a word too many");
    host_log(&d, 0, "the disk fails");
    assert_null(strstr(logged, "a word too many"));
    assert_non_null(strstr(logged, "noisy: the disk fails\n"));
    l.guest_bytes = LOG_GUEST_CAP_BYTES - LOG_HOST_BYTES;
    fake_now += 60 * NS_PER_S;
    bucket_log(&l, &(struct log_bucket){0}, "guest", "a word too many");
    host_log(&d, 0, "it fails again");
    assert_null(strstr(logged, "a word too many"));
    assert_non_null(strstr(logged, "it fails again"));
    /* but has a bucket and an end too */
    for (unsigned i = 0; i < 1000; i++)
        host_log(&d, 1, "and again");
    assert_true(l.guest_bytes < LOG_GUEST_CAP_BYTES - LOG_HOST_BYTES + 11 * 32);
    l.guest_bytes = LOG_GUEST_CAP_BYTES;
    host_log(&d, 2, "for good");
    assert_null(strstr(logged, "for good"));
    assert_int_equal(d.mistakes, 0);
}

static void log_escape_stays_inside(void **s)
{
    char out[8];

    assert_int_equal(log_escape(out, sizeof(out), "ab\n\n", 4), 6);
    assert_string_equal(out, "ab\\x0a");
    assert_int_equal(log_escape(out, 1, "ab", 2), 0);
    assert_string_equal(out, "");
}

struct toy_regs {
    uint8_t a, b;
    uint16_t w[3];
    uint64_t q;
};
struct toy {
    int wires;
    struct toy_regs r;
    bool was_loaded;
};
static const struct field toy_fields[] = {
    FIELD_MAX(struct toy_regs, a, 1, 3), FIELD(struct toy_regs, b, 1),
    FIELD_ARRAY(struct toy_regs, w, 1), FIELD(struct toy_regs, q, 1),
    FIELD_END};
static void toy_loaded(void *dev)
{
    ((struct toy *)dev)->was_loaded = true;
}
static const struct state_desc toy_state = {"toy",
                                            1,
                                            offsetof(struct toy, r),
                                            sizeof(struct toy_regs),
                                            toy_fields,
                                            NULL,
                                            NULL,
                                            toy_loaded};

static void state_round_trip_and_refusals(void **s)
{
    struct toy x = {.wires = 7, .r = {3, 9, {1, 2, 0xffff}, 1ull << 63}};
    struct toy y = {.wires = 8};
    uint8_t buf[16];
    struct err e;

    assert_true(state_covers(&toy_state));
    assert_int_equal(state_bytes(&toy_state), 16);
    state_save(&toy_state, &x, buf);
    assert_int_equal(state_load(&toy_state, &y, buf, 16, &e), 0);
    assert_memory_equal(&x.r, &y.r, sizeof(x.r));
    assert_true(y.was_loaded);
    assert_int_equal(y.wires, 8);
    buf[0] = 4;
    y.r.b = 77;
    assert_int_equal(state_load(&toy_state, &y, buf, 16, &e), -EINVAL);
    assert_non_null(strstr(e.text, "field a"));
    assert_int_equal(y.r.b, 77);
    assert_int_equal(state_load(&toy_state, &y, buf, 15, &e), -EINVAL);
}

/* Version 2 brought n and data; data is as long as n says. */
struct grown_regs {
    uint8_t a, n;
    uint8_t data[6];
};
static const struct field grown_fields[] = {FIELD(struct grown_regs, a, 1),
                                            {.name = "n",
                                             .off = 1,
                                             .width = 1,
                                             .since = 2,
                                             .count = 1,
                                             .max = 6,
                                             .absent = 2},
                                            {.name = "data",
                                             .off = 2,
                                             .width = 1,
                                             .since = 2,
                                             .count = 6,
                                             .max = 9,
                                             .absent = 7,
                                             .live_off = 1,
                                             .live_width = 1},
                                            FIELD_END};
static const struct state_desc grown_state = {.name = "grown",
                                              .version = 2,
                                              .size = sizeof(struct grown_regs),
                                              .fields = grown_fields};

static void state_of_an_older_version(void **s)
{
    struct grown_regs x;
    struct err e;

    assert_true(state_covers(&grown_state));
    assert_int_equal(
        state_decode(&grown_state, 1, (const uint8_t *)"\5", 1, &x, &e), 0);
    assert_int_equal(x.a, 5);
    assert_int_equal(x.n, 2);
    assert_int_equal(x.data[5], 7);
    assert_int_equal(
        state_decode(&grown_state, 1, (const uint8_t *)"\5\1", 2, &x, &e),
        -EINVAL);
    assert_int_equal(
        state_decode(&grown_state, 3, (const uint8_t *)"\5", 1, &x, &e),
        -EINVAL);
    assert_non_null(strstr(e.text, "knows 1 to 2"));
    /* of version 0 every field would be absent */
    assert_int_equal(
        state_decode(&grown_state, 0, (const uint8_t *)"", 0, &x, &e), -EINVAL);
}

static void state_saves_what_is_live(void **s)
{
    struct grown_regs x = {1, 3, {1, 2, 3, 4, 5, 6}}, y;
    uint8_t buf[8];
    struct err e;

    assert_int_equal(state_bytes(&grown_state), 8);
    assert_int_equal(state_save(&grown_state, &x, buf), 5);
    assert_int_equal(state_load(&grown_state, &y, buf, 5, &e), 0);
    assert_memory_equal(&y, (&(struct grown_regs){1, 3, {1, 2, 3}}), 8);
    assert_int_equal(state_load(&grown_state, &y, buf, 4, &e), -EINVAL);
    assert_non_null(strstr(e.text, "within field data"));
    buf[1] = 2;
    assert_int_equal(state_load(&grown_state, &y, buf, 5, &e), -EINVAL);
    buf[1] = 7;
    assert_int_equal(state_load(&grown_state, &y, buf, 5, &e), -EINVAL);
    assert_non_null(strstr(e.text, "field n has the value 0x7"));
}

/* What counts live elements must stand before them, and be small enough. */
static void state_covers_checks_live_counts(void **s)
{
    struct field f[4];
    struct state_desc d = grown_state;

    memcpy(f, grown_fields, sizeof(f));
    d.fields = f;
    assert_true(state_covers(&d));
    f[1].max = 7;
    assert_false(state_covers(&d));
    f[1].max = 6;
    f[1].since = 3;
    assert_false(state_covers(&d));
    f[1] = grown_fields[2];
    f[2] = grown_fields[1];
    assert_false(state_covers(&d));
}

static void clock_set_moves_a_paused_clock(void **s)
{
    struct clock c;

    clock_init_monotonic(&c);
    clock_pause(&c, true);
    clock_set(&c, 77 * NS_PER_S);
    assert_int_equal(clock_now(&c), 77 * NS_PER_S);
    clock_pause(&c, false);
    assert_in_range(clock_now(&c), 77 * NS_PER_S, 1000 * NS_PER_S);
}

static void state_covers_finds_gaps(void **s)
{
    static const struct field gap[] = {FIELD(struct toy_regs, a, 1),
                                       FIELD(struct toy_regs, q, 1), FIELD_END};
    static const struct field twice[] = {
        FIELD(struct toy_regs, a, 1), FIELD(struct toy_regs, a, 1),
        FIELD_ARRAY(struct toy_regs, w, 1), FIELD(struct toy_regs, q, 1),
        FIELD_END};
    struct state_desc d = toy_state;

    d.fields = gap;
    assert_false(state_covers(&d));
    d.fields = twice;
    assert_false(state_covers(&d));
}

static void conf_keeps_values(void **s)
{
    struct conf c = {0};

    conf_set_num(&c, "n", 5);
    conf_set_str(&c, "s", "x");
    conf_set_num(&c, "n", 6);
    assert_int_equal(c.n, 2);
    assert_int_equal(conf_num(&c, "n", 0), 6);
    assert_string_equal(conf_str(&c, "s", ""), "x");
    assert_string_equal(conf_str(&c, "none", "d"), "d");
    assert_null(conf_ptr(&c, "none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bus_overlap_is_refused),
        cmocka_unit_test(bus_fills_up_without_harm),
        cmocka_unit_test(bus_splits_and_joins_widths),
        cmocka_unit_test(bus_narrow_stays_in_a_register),
        cmocka_unit_test(bus_burst_ends_with_its_region),
        cmocka_unit_test(bus_straddling_goes_by_bytes),
        cmocka_unit_test(bus_rep_uses_bulk_and_finishes),
        cmocka_unit_test(timers_fire_in_order_and_within_budget),
        cmocka_unit_test(work_goes_on_while_time_stands_still),
        cmocka_unit_test(guest_log_has_a_budget),
        cmocka_unit_test(host_log_is_heard_beside_a_talking_guest),
        cmocka_unit_test(log_escape_stays_inside),
        cmocka_unit_test(state_round_trip_and_refusals),
        cmocka_unit_test(state_covers_finds_gaps),
        cmocka_unit_test(state_of_an_older_version),
        cmocka_unit_test(state_saves_what_is_live),
        cmocka_unit_test(state_covers_checks_live_counts),
        cmocka_unit_test(clock_set_moves_a_paused_clock),
        cmocka_unit_test(conf_keeps_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
