/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../../bench/bench.h"
#include "cmos.h"

#include <cmocka.h>

static uint8_t get(struct bench *b, uint8_t index)
{
    bench_outb(b, 0x70, index);
    return bench_inb(b, 0x71);
}

static struct dev *make(struct bench *b, const char *boot)
{
    struct conf c = {0};
    struct err e;
    struct dev *d;

    conf_set_str(&c, "boot", boot);
    d = dev_new(&cmos_ops, &b->env, 0, &c, &e);
    assert_non_null(d);
    return d;
}

static void boot_order_is_where_seabios_looks(void **s)
{
    static const struct {
        const char *order;
        uint8_t flag1, flag2;
    } row[] = {{"c", 0, 0x02},      {"dc", 0, 0x23}, {"n", 0, 0x04},
               {"cda", 0x10, 0x32}, {"", 0, 0},      {"acdn", 0x30, 0x21}};

    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bench *b = bench_new(4096);
        struct dev *d = make(b, row[i].order);

        assert_int_equal(get(b, 0x38), row[i].flag1);
        assert_int_equal(get(b, 0x3d), row[i].flag2);
        dev_free(d);
        bench_free(b);
    }
}

static void ram_keeps_bytes_and_nmi_bit_is_no_address(void **s)
{
    struct bench *b = bench_new(4096);
    struct dev *d = make(b, "c");

    for (unsigned i = 0; i < 128; i++) {
        bench_outb(b, 0x70, (uint8_t)i);
        bench_outb(b, 0x71, (uint8_t)(i ^ 0x5a));
    }
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(get(b, (uint8_t)(i | 0x80)), i ^ 0x5a);
    assert_int_equal(bench_inb(b, 0x70), 0xff);
    bench_outw(b, 0x70, 0x7715); /* index and data in one access */
    assert_int_equal(get(b, 0x15), 0x77);
    dev_free(d);
    bench_free(b);
}

/* SeaBIOS tells DOS the century from here: int 1Ah/04h (src/clock.c). */
static void bios_finds_disk_translation_and_century(void **s)
{
    struct bench *b = bench_new(4096);
    struct conf c = {0};
    struct err e;
    struct dev *d;

    conf_set_str(&c, "boot", "c");
    conf_set_num(&c, "disktrans", CMOS_TRANS_LBA << 4 | CMOS_TRANS_LBA);
    d = dev_new(&cmos_ops, &b->env, 0, &c, &e);
    assert_non_null(d);
    assert_int_equal(get(b, 0x39), 0x11);
    assert_int_equal(get(b, 0x32), 0x20);
    assert_int_equal(get(b, 0x37), 0x20);
    dev_free(d);
    bench_free(b);
}

static void every_byte_is_in_the_table(void **s)
{
    assert_true(state_covers(cmos_ops.state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_order_is_where_seabios_looks),
        cmocka_unit_test(ram_keeps_bytes_and_nmi_bit_is_no_address),
        cmocka_unit_test(bios_finds_disk_translation_and_century),
        cmocka_unit_test(every_byte_is_in_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
