/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 93C46 as drivers drive it by 9346CR, and auto-load. */
#include "rig.h"

#include <string.h>

/* A start bit, two bits of operation, six of address */
#define CMD(op, addr) (4u << 6 | (op) << 6 | (addr))
#define EWDS          CMD(0, 0x00)
#define WRAL          CMD(0, 0x10)
#define ERAL          CMD(0, 0x20)
#define EWEN          CMD(0, 0x30)
#define WRITE(a)      CMD(1, a)
#define READ(a)       CMD(2, a)
#define ERASE(a)      CMD(3, a)

static void cmd(struct rig *r, uint32_t bits)
{
    rig_ee_cmd(r, bits, 9);
    rig_ee_end(r);
}

static void cmd_data(struct rig *r, uint32_t bits, uint16_t data)
{
    rig_ee_cmd(r, bits, 9);
    for (unsigned i = 16; i-- > 0;)
        rig_ee_clock(r, data >> i & 1);
    rig_ee_end(r);
}

static void contents(void **state)
{
    struct rig *r = rig_new();

    assert_int_equal(rig_ee_read(r, 0), 0x8129);
    assert_int_equal(rig_ee_read(r, 1), 0x10ec);
    assert_int_equal(rig_ee_read(r, 2), 0x8139);
    assert_int_equal(rig_ee_read(r, 3), 0x1af4);
    assert_int_equal(rig_ee_read(r, 4), 0x1100);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_ee_read(r, 7 + i),
                         rig_mac[2 * i] | rig_mac[2 * i + 1] << 8);
    rig_free(r);
    (void)state;
}

/* Eight address bits first: only a 93C56 answers 8129h to that. */
static void probed_as_93c56(void **state)
{
    struct rig *r = rig_new();
    uint16_t val = 0;

    rig_ee_cmd(r, 6u << 8, 11);
    for (unsigned i = 0; i < 16; i++)
        val = (uint16_t)(val << 1 | rig_ee_clock(r, false));
    rig_ee_end(r);
    assert_int_not_equal(val, 0x8129);
    assert_int_equal(rig_rd4(r, RTL_RCR) & RCR_9356SEL, 0);
    rig_free(r);
    (void)state;
}

static void protocol(void **state)
{
    struct rig *r = rig_new();
    uint32_t val = 0;

    /* Zeros before the start bit do not count; then the dummy bit */
    rig_ee_cmd(r, READ(1), 14);
    assert_int_equal(rig_rd1(r, RTL_9346CR) & EE_DO, 0);
    /* Sequential: word 1, then word 2 without a gap */
    for (unsigned i = 0; i < 32; i++)
        val = val << 1 | rig_ee_clock(r, true);
    assert_int_equal(val, 0x10ec8139);
    /* Nothing moves while SK stands still or falls */
    val = rig_rd1(r, RTL_9346CR) & EE_DO;
    for (unsigned i = 0; i < 4; i++) {
        rig_wr1(r, RTL_9346CR, EEM_PROGRAM | EE_CS | EE_SK);
        assert_int_equal(rig_rd1(r, RTL_9346CR) & EE_DO, val);
    }
    rig_wr1(r, RTL_9346CR, EEM_PROGRAM | EE_CS);
    assert_int_equal(rig_rd1(r, RTL_9346CR), EEM_PROGRAM | EE_CS | val);
    rig_ee_end(r);
    /* Past the last word comes the first */
    rig_ee_cmd(r, READ(63), 9);
    for (unsigned i = 0, v; i < 32; i++) {
        v = rig_ee_clock(r, false);
        val = val << 1 | v;
    }
    assert_int_equal(val, 0xffff8129);
    rig_ee_end(r);
    /* In other modes its pins are not the register's */
    assert_int_equal(rig_rd1(r, RTL_9346CR), EEM_NORMAL);
    rig_wr1(r, RTL_9346CR, EEM_CONFIG | EE_CS | EE_SK | EE_DI);
    assert_int_equal(r->rtl->s.ee_phase, EE_STANDBY);
    rig_free(r);
    (void)state;
}

static void programming(void **state)
{
    struct rig *r = rig_new();

    cmd_data(r, WRITE(40), 0x1234); /* not enabled yet */
    assert_int_equal(rig_ee_read(r, 40), 0xffff);
    cmd(r, EWEN);
    cmd_data(r, WRITE(40), 0x1234);
    assert_int_equal(rig_ee_read(r, 40), 0x1234);
    assert_int_equal(rig_ee_read(r, 41), 0xffff);
    /* READY when selected again */
    rig_wr1(r, RTL_9346CR, EEM_PROGRAM);
    rig_wr1(r, RTL_9346CR, EEM_PROGRAM | EE_CS);
    assert_int_equal(rig_rd1(r, RTL_9346CR) & EE_DO, EE_DO);
    rig_ee_end(r);
    cmd_data(r, WRITE(63), 0x4321);
    assert_int_equal(rig_ee_read(r, 63), 0x4321);
    cmd(r, ERASE(40));
    assert_int_equal(rig_ee_read(r, 40), 0xffff);
    /* Broken off, and clocked for too long */
    rig_ee_cmd(r, WRITE(41) << 15, 24);
    rig_ee_end(r);
    assert_int_equal(rig_ee_read(r, 41), 0xffff);
    rig_ee_cmd(r, WRITE(41), 9);
    for (unsigned i = 0; i < 40; i++)
        rig_ee_clock(r, i < 16 && i & 1);
    rig_ee_end(r);
    assert_int_equal(rig_ee_read(r, 41), 0x5555);
    cmd_data(r, WRAL, 0xa55a);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(rig_ee_read(r, i), 0xa55a);
    cmd(r, EWDS);
    cmd(r, ERAL);
    cmd_data(r, WRAL, 0);
    cmd(r, ERASE(3));
    assert_int_equal(rig_ee_read(r, 3), 0xa55a);
    cmd(r, EWEN);
    cmd(r, ERAL);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(rig_ee_read(r, i), 0xffff);
    rig_free(r);
    (void)state;
}

static void auto_load(void **state)
{
    struct rig *r = rig_new();

    cmd(r, EWEN);
    cmd_data(r, WRITE(7), 0x2211);
    cmd_data(r, WRITE(9), 0x6655);
    rig_wr1(r, RTL_CR, CR_RE);
    rig_wr4(r, RTL_IDR0, 0);
    rig_wr1(r, RTL_9346CR, EEM_LOAD);
    assert_int_equal(rig_rd1(r, RTL_9346CR), EEM_NORMAL);
    assert_int_equal(rig_rd4(r, RTL_IDR0), 0x123e2211);
    assert_int_equal(rig_rd2(r, RTL_IDR0 + 4), 0x6655);
    assert_int_equal(rig_rd1(r, RTL_CR), CR_BUFE);
    /* PCI reset loads what is in it, power-on what the administrator said */
    rig_wr4(r, RTL_IDR0, 0);
    r->dev->ops->reset(r->dev, RESET_BUS);
    assert_memory_equal(r->rtl->s.idr, "\x11\x22\x3e\x12\x55\x66", 6);
    r->dev->ops->reset(r->dev, RESET_POWER);
    assert_memory_equal(r->rtl->s.idr, rig_mac, 6);
    rig_free(r);
    (void)state;
}

/* Erased: the registers stay as they are, the chip works. */
static void auto_load_of_nothing(void **state)
{
    struct rig *r = rig_new();

    cmd(r, EWEN);
    cmd(r, ERAL);
    rig_wr4(r, RTL_IDR0, 0x44332211);
    rig_wr1(r, RTL_9346CR, EEM_LOAD);
    assert_int_equal(rig_rd4(r, RTL_IDR0), 0x44332211);
    assert_int_equal(rig_rd1(r, RTL_CONFIG1), 0x4d);
    r->dev->ops->reset(r->dev, RESET_BUS);
    assert_int_equal(r->rtl->s.idr[0], 0);
    assert_int_equal(r->rtl->s.bmcr, 0x3100);
    assert_true(rtl_link(r->rtl));
    rig_free(r);
    (void)state;
}

static void rom_size(void **state)
{
    static const uint8_t data[3] = {0x55, 0xaa, 0x01};
    static const struct {
        uint32_t bytes;
        uint8_t bs;
    } t[] = {{3, 1},     {8192, 1},   {8193, 2},
             {65536, 4}, {131072, 5}, {1u << 20, 5}};

    for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct rom rom = {data, t[i].bytes};
        struct rig *r = rig_new_for(0x20, true, &rom);

        assert_int_equal(rig_rd1(r, RTL_CONFIG0), 0x10 | t[i].bs);
        rig_free(r);
    }
    (void)state;
}

/* Saved at every bit of an instruction. */
static void saved(void **state)
{
    static const uint32_t bits[] = {EWEN, WRITE(50)};
    struct rig *r = rig_new();
    uint16_t val = 0;

    for (unsigned k = 0; k < 2; k++) {
        rig_wr1(r, RTL_9346CR, EEM_PROGRAM);
        rig_wr1(r, RTL_9346CR, EEM_PROGRAM | EE_CS);
        for (unsigned i = 9; i-- > 0;) {
            r = rig_move(r);
            rig_ee_clock(r, bits[k] >> i & 1);
        }
        for (unsigned i = 16; k && i-- > 0;) {
            r = rig_move(r);
            rig_ee_clock(r, 0xbeefu >> i & 1);
        }
        r = rig_move(r);
        rig_ee_end(r);
    }
    rig_ee_cmd(r, READ(50), 9);
    for (unsigned i = 0; i < 16; i++) {
        r = rig_move(r);
        val = (uint16_t)(val << 1 | rig_ee_clock(r, false));
    }
    assert_int_equal(val, 0xbeef);
    rig_free(r);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents),  cmocka_unit_test(probed_as_93c56),
        cmocka_unit_test(protocol),  cmocka_unit_test(programming),
        cmocka_unit_test(auto_load), cmocka_unit_test(auto_load_of_nothing),
        cmocka_unit_test(rom_size),  cmocka_unit_test(saved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
