/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers by the table, and each one's own behaviour. */
#include "rig.h"

#include <string.h>

static const struct rtl_reg *row(const char *name)
{
    for (unsigned i = 1; i < rtl_nregs; i++)
        if (!strcmp(rtl_regs[i].name, name))
            return &rtl_regs[i];
    fail_msg("no register %s", name);
    return NULL;
}

static uint32_t width_mask(unsigned bytes)
{
    return bytes >= 4 ? UINT32_MAX : (1u << (8 * bytes)) - 1;
}

/* Plain: what is read is what is stored, whatever was written before. */
static bool plain(const struct rtl_reg *r)
{
    return r->name && r->bytes <= 4 && r->at != RTL_NOWHERE && !r->get &&
           !r->live && strcmp(r->name, "MPC") != 0;
}

static void enter(struct rig *r, const struct rtl_reg *reg)
{
    rig_wr2(r, RTL_CPCR, reg->flags & RTL_F_CPTX ? CPCR_TX : 0);
    rig_unlock(r, true);
}

static void table_is_sound(void **state)
{
    uint8_t used[2][RTL_REG_BYTES] = {{0}};

    for (unsigned i = 1; i < rtl_nregs; i++) {
        const struct rtl_reg *r = &rtl_regs[i];
        uint8_t *map = used[(r->flags & RTL_F_CPTX) != 0];

        assert_true(r->off + r->bytes <= RTL_REG_BYTES);
        for (unsigned b = 0; b < r->bytes; b++)
            assert_int_equal(map[r->off + b]++, 0);
        if (r->bytes <= 4)
            assert_int_equal(r->reset & ~width_mask(r->bytes), 0);
        if (r->at != RTL_NOWHERE)
            assert_true(r->at + r->bytes <= sizeof(struct rtl_state));
        if (!r->get && r->at == RTL_NOWHERE)
            assert_non_null(r->set);
    }
    (void)state;
}

static void reset_values(void **state)
{
    struct rig *r = rig_new();
    static const struct {
        uint8_t off, size;
        uint32_t val;
    } known[] = {
        {RTL_TSD0, 4, 0x2000},
        {RTL_TSD0 + 12, 4, 0x2000},
        {RTL_CR, 1, 0x01},
        {RTL_CAPR, 2, 0xfff0},
        {RTL_CBR, 2, 0},
        {RTL_IMR, 2, 0},
        {RTL_ISR, 2, 0},
        {RTL_TCR, 4, 0x77800000},
        {RTL_RCR, 4, 0},
        {RTL_9346CR, 1, 0},
        {RTL_CONFIG0, 1, 0x10},
        {RTL_CONFIG1, 1, 0x4d},
        {RTL_MSR, 1, 0xd0},
        {RTL_RERID, 1, 0x20},
        {RTL_TSAD, 2, 0x000f},
        {RTL_BMCR, 2, 0x3100},
        {RTL_BMSR, 2, 0x782d},
        {RTL_ANAR, 2, 0x05e1},
        {RTL_ANLPAR, 2, 0x45e1},
        {RTL_CPCR, 2, 0},
        {0x53, 1, 0},
        {0x5f, 1, 0},
        {0xda, 2, 0},
    };

    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        assert_int_equal(rig_rd(r, known[i].off, known[i].size), known[i].val);
    assert_int_equal(rig_rd4(r, RTL_IDR0), 0x123e1600);
    assert_int_equal(rig_rd4(r, RTL_IDR0 + 4), 0x00005634);
    for (unsigned i = 1; i < rtl_nregs; i++)
        if (plain(&rtl_regs[i])) {
            assert_int_not_equal(rtl_regs[i].off, RTL_9346CR);
            enter(r, &rtl_regs[i]);
            assert_int_equal(rig_rd(r, rtl_regs[i].off, rtl_regs[i].bytes),
                             rtl_regs[i].reset);
        }
    rig_free(r);
    (void)state;
}

/* Ones, zeros and each byte alone reach the writable bits and no others. */
static void masks(void **state)
{
    for (unsigned i = 1; i < rtl_nregs; i++) {
        const struct rtl_reg *reg = &rtl_regs[i];
        uint32_t fixed = reg->reset & ~reg->wmask;
        struct rig *r;

        if (!plain(reg) || reg->off == RTL_9346CR || reg->off == RTL_BMCR)
            continue;
        r = rig_new();
        enter(r, reg);
        rig_wr(r, reg->off, reg->bytes, UINT32_MAX);
        assert_int_equal(rig_rd(r, reg->off, reg->bytes),
                         (fixed | reg->wmask) & width_mask(reg->bytes));
        rig_wr(r, reg->off, reg->bytes, 0);
        assert_int_equal(rig_rd(r, reg->off, reg->bytes), fixed);
        for (unsigned b = 0; b < reg->bytes; b++) {
            uint32_t byte = 0xffu << (8 * b);

            rig_wr1(r, reg->off + b, 0xff);
            assert_int_equal(rig_rd(r, reg->off, reg->bytes),
                             fixed | (reg->wmask & byte));
            assert_int_equal(rig_rd1(r, reg->off + b),
                             (fixed | reg->wmask) >> (8 * b) & 0xff);
            rig_wr1(r, reg->off + b, 0);
        }
        assert_int_equal(rig_rd(r, reg->off, reg->bytes), fixed);
        rig_free(r);
    }
    (void)state;
}

/* Station address, filter and wake-up memories: every byte, every width. */
static void byte_arrays(void **state)
{
    struct rig *r = rig_new();

    for (unsigned i = 1; i < rtl_nregs; i++) {
        const struct rtl_reg *reg = &rtl_regs[i];

        if (reg->bytes <= 4)
            continue;
        for (unsigned b = 0; b < reg->bytes; b++)
            rig_wr1(r, reg->off + b, (uint8_t)(0x11 + 7 * b));
        for (unsigned b = 0; b < reg->bytes; b++)
            assert_int_equal(rig_rd1(r, reg->off + b), (uint8_t)(0x11 + 7 * b));
        rig_wr2(r, reg->off + 1, 0xbeef);
        assert_int_equal(rig_rd2(r, reg->off + 1), 0xbeef);
        assert_int_equal(rig_rd1(r, reg->off), 0x11);
        assert_int_equal(rig_rd1(r, reg->off + 3), 0x11 + 21);
    }
    /* IDR 6 and 7 do not exist */
    rig_wr4(r, RTL_IDR0 + 4, 0xffffffff);
    assert_int_equal(rig_rd4(r, RTL_IDR0 + 4), 0x0000ffff);
    rig_free(r);
    (void)state;
}

/* Any access equals the bytes it is made of, where reading changes nothing. */
static void widths(void **state)
{
    struct rig *r = rig_new();
    uint8_t bytes[RTL_REG_BYTES];

    for (unsigned pass = 0; pass < 2; pass++) {
        rig_wr2(r, RTL_CPCR, pass ? CPCR_TX | CPCR_RX : 0);
        rig_rd2(r, RTL_ANER); /* a bit of it is read once */
        for (unsigned i = 0; i < RTL_REG_BYTES; i++)
            bytes[i] = rig_rd1(r, i);
        for (unsigned size = 2; size <= 4; size *= 2)
            for (unsigned i = 0; i + size <= RTL_REG_BYTES; i++) {
                uint32_t val = 0;

                for (unsigned b = 0; b < size; b++)
                    val |= (uint32_t)bytes[i + b] << (8 * b);
                assert_int_equal(rig_rd(r, i, size), val);
                assert_int_equal((uint32_t)bus_read(&r->b->bus, SPACE_MMIO,
                                                    RIG_MMIO + i, size),
                                 val);
            }
    }
    rig_free(r);
    (void)state;
}

/* Every width of write at every offset, aligned or not, in both modes. */
static void writes_anywhere(void **state)
{
    struct rig *r = rig_new();
    uint32_t seed = 1;

    for (unsigned pass = 0; pass < 40; pass++)
        for (unsigned i = 0; i < RTL_REG_BYTES; i++)
            for (unsigned size = 1; size <= 8; size *= 2) {
                seed = seed * 1664525u + 1013904223u;
                if (i + size > RTL_REG_BYTES)
                    continue;
                bus_write(&r->b->bus, pass & 1 ? SPACE_MMIO : SPACE_PIO,
                          (pass & 1 ? RIG_MMIO : RIG_PIO) + i,
                          size == 8 && !(pass & 1) ? 4 : size,
                          (uint64_t)seed << 32 | seed >> 3);
            }
    rig_wr1(r, RTL_CR, CR_RST);
    assert_int_equal(rig_rd1(r, RTL_CR), CR_BUFE);
    assert_int_equal(rig_rd2(r, RTL_IMR), 0);
    assert_false(rig_irq(r));
    rig_free(r);
    (void)state;
}

static void config_lock(void **state)
{
    struct rig *r = rig_new();
    static const uint8_t locked[] = {RTL_CONFIG1, RTL_CONFIG3, RTL_CONFIG4};
    static const uint8_t modes[] = {EEM_NORMAL, EEM_PROGRAM};

    for (unsigned i = 0; i < sizeof(locked); i++) {
        uint8_t was = rig_rd1(r, locked[i]);

        for (unsigned m = 0; m < sizeof(modes); m++) {
            rig_wr1(r, RTL_9346CR, modes[m]);
            rig_wr1(r, locked[i], (uint8_t)~was);
            assert_int_equal(rig_rd1(r, locked[i]), was);
        }
        rig_unlock(r, true);
        rig_wr1(r, locked[i], (uint8_t)~was);
        assert_int_not_equal(rig_rd1(r, locked[i]), was);
        rig_unlock(r, false);
    }
    /* CONFIG0 never, CONFIG5 always */
    rig_unlock(r, true);
    rig_wr1(r, RTL_CONFIG0, 0xff);
    assert_int_equal(rig_rd1(r, RTL_CONFIG0), 0x10);
    rig_unlock(r, false);
    rig_wr1(r, RTL_CONFIG5, 0xff);
    assert_int_equal(rig_rd1(r, RTL_CONFIG5), 0x7f);
    rig_free(r);
    (void)state;
}

static void interrupts(void **state)
{
    struct rig *r = rig_new();
    struct rtl8139_stats st;

    rtl_isr(r->rtl, INT_ROK | INT_TOK);
    assert_false(rig_irq(r));
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK | INT_TOK);
    rig_wr2(r, RTL_IMR, INT_TOK);
    assert_true(rig_irq(r));
    assert_true(rig_cfg(r, PCI_STATUS, 2) & RTL_STATUS_INTX);
    rig_wr2(r, RTL_ISR, 0);
    assert_true(rig_irq(r));
    rig_wr2(r, RTL_ISR, INT_TOK);
    assert_false(rig_irq(r));
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK); /* reading clears nothing */
    rig_wr2(r, RTL_IMR, 0xffff);
    assert_int_equal(rig_rd2(r, RTL_IMR), INT_ALL);
    assert_true(rig_irq(r));
    rig_wr1(r, RTL_ISR + 1, 0xff); /* the other byte */
    assert_true(rig_irq(r));
    rig_wr4(r, RTL_IMR, 0xffff0000); /* both registers in one access */
    assert_int_equal(rig_rd4(r, RTL_IMR), 0);
    assert_false(rig_irq(r));
    rtl8139_stats(r->dev, &st);
    assert_int_equal(st.interrupts, 2);

    /* Software interrupt, INTx off, and the event register of CardBus */
    rig_wr2(r, RTL_IMR, INT_SWINT);
    rig_wr1(r, RTL_TPPOLL, TPPOLL_FSWINT);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_SWINT);
    assert_true(rig_irq(r));
    assert_int_equal(rig_rd4(r, RTL_FPSR), FE_INTR);
    rig_cfg_wr(r, PCI_COMMAND, 2, 7 | PCI_COMMAND_INTX_OFF);
    assert_false(rig_irq(r));
    assert_true(rig_cfg(r, PCI_STATUS, 2) & RTL_STATUS_INTX);
    rig_cfg_wr(r, PCI_COMMAND, 2, 7);
    assert_true(rig_irq(r));
    assert_int_equal(rig_rd4(r, RTL_FER), FE_INTR);
    rig_wr4(r, RTL_FER, FE_INTR);
    assert_int_equal(rig_rd4(r, RTL_FER), 0);
    rig_wr4(r, RTL_FFER, 0xffffffff);
    assert_int_equal(rig_rd4(r, RTL_FER), FE_INTR | FE_GWAKE);
    assert_int_equal(rig_rd4(r, RTL_FFER), 0);
    rig_free(r);
    (void)state;
}

static void soft_reset(void **state)
{
    struct rig *r = rig_new();

    rig_unlock(r, true);
    rig_wr1(r, RTL_CONFIG3, 0x20);
    rig_unlock(r, false);
    rig_wr4(r, RTL_IDR0, 0x44332211);
    rig_wr4(r, RTL_MAR0, 0xa5a5a5a5);
    rig_wr1(r, RTL_CR, CR_RE | CR_TE);
    assert_int_equal(rig_rd1(r, RTL_CR), CR_RE | CR_TE | CR_BUFE);
    rig_wr4(r, RTL_RCR, 0xffffffff);
    rig_wr2(r, RTL_IMR, 0xffff);
    rtl_isr(r->rtl, INT_LINKCHG);
    rig_wr4(r, RTL_TIMERINT, 77);
    rig_wr4(r, RTL_TSAD0, 0x1000);
    bench_step(r->b, 100 * NS_PER_US);
    assert_true(rig_irq(r));
    rig_wr1(r, RTL_CR, CR_RST | CR_RE | CR_TE);
    assert_int_equal(rig_rd1(r, RTL_CR), CR_BUFE);
    assert_false(rig_irq(r));
    assert_int_equal(rig_rd4(r, RTL_IMR), 0);
    assert_int_equal(rig_rd4(r, RTL_RCR), 0);
    assert_int_equal(rig_rd4(r, RTL_TSAD0), 0);
    assert_int_equal(rig_rd4(r, RTL_TSD0), TSD_OWN);
    assert_int_equal(rig_rd4(r, RTL_TCTR), 0);
    assert_int_equal(rig_rd4(r, RTL_TIMERINT), 0);
    assert_int_equal(rig_rd4(r, RTL_IDR0), 0x44332211);
    assert_int_equal(rig_rd4(r, RTL_MAR0), 0xa5a5a5a5);
    assert_int_equal(rig_rd1(r, RTL_CONFIG3) & 0x70, 0x20);
    rig_free(r);
    (void)state;
}

static void counters(void **state)
{
    struct rig *r = rig_new();

    r->rtl->s.mpc = 0x123456;
    assert_int_equal(rig_rd4(r, RTL_MPC), 0x123456);
    rig_wr1(r, RTL_MPC + 2, 0x55); /* any write clears all of it */
    assert_int_equal(rig_rd4(r, RTL_MPC), 0);
    r->rtl->s.tsd[0] = TSD_TOK;
    r->rtl->s.tsd[1] = TSD_TUN;
    r->rtl->s.tsd[2] = TSD_TABT;
    r->rtl->s.tsd[3] = TSD_OWN;
    assert_int_equal(rig_rd2(r, RTL_TSAD), 0x1248);
    rig_free(r);
    (void)state;
}

/* C+ 6.2: the layout as drivers read it, and Cmd as they poll it */
static void tally(void **state)
{
    struct rig *r = rig_new();
    struct rtl_state *s = &r->rtl->s;
    uint8_t *at = r->b->ram + 0x12340, expect[64];

    s->tally_tx_ok = 0x0706050403020100;
    s->tally_rx_ok = 0x0f0e0d0c0b0a0908;
    s->tally_tx_err = 0x1716151413121110;
    s->tally_rx_err = 0x1b1a1918;
    s->tally_miss = 0x1d1c;
    s->tally_fae = 0x1f1e;
    s->tally_tx_1col = 0x23222120;
    s->tally_tx_mcol = 0x27262524;
    s->tally_rx_phy = 0x2f2e2d2c2b2a2928;
    s->tally_rx_brd = 0x3736353433323130;
    s->tally_rx_mul = 0x3b3a3938;
    s->tally_tx_abt = 0x3d3c;
    s->tally_tx_undrn = 0x3f3e;
    for (unsigned i = 0; i < 64; i++)
        expect[i] = (uint8_t)i;
    rig_wr2(r, RTL_CPCR, CPCR_TX | CPCR_RX);
    rig_wr4(r, RTL_DTCCR + 4, 0);
    rig_wr4(r, RTL_DTCCR, 0x12340);
    assert_int_equal(at[5], 0);
    rig_wr4(r, RTL_DTCCR, 0x12340 | DTCCR_CMD);
    assert_int_equal(rig_rd4(r, RTL_DTCCR), 0x12340);
    assert_memory_equal(at, expect, 64);
    /* Not without being bus master, and not outside RAM */
    memset(at, 0, 64);
    rig_cfg_wr(r, PCI_COMMAND, 2, 3);
    rig_wr4(r, RTL_DTCCR, 0x12340 | DTCCR_CMD);
    assert_int_equal(at[5], 0);
    rig_cfg_wr(r, PCI_COMMAND, 2, 7);
    rig_wr4(r, RTL_DTCCR + 4, 0xffffffff);
    rig_wr4(r, RTL_DTCCR, 0xffffffff);
    assert_int_equal(rig_rd4(r, RTL_DTCCR), 0xffffffc0);
    rig_free(r);
    (void)state;
}

/* The C+ ring bases stand where TSAD are; order of writes does not matter. */
static void ring_bases(void **state)
{
    struct rig *r = rig_new();

    rig_wr4(r, RTL_TNPDS, 0x123456ff);
    rig_wr4(r, RTL_TNPDS + 4, 0x9);
    assert_int_equal(rig_rd4(r, RTL_TSAD0), 0x123456ff);
    rig_wr2(r, RTL_CPCR, CPCR_TX);
    assert_int_equal(rig_rd4(r, RTL_TNPDS), 0x12345600);
    assert_int_equal(rig_rd4(r, RTL_TNPDS + 4), 0x9);
    r->rtl->s.tx_ring[0] = r->rtl->s.tx_ring[1] = 5;
    rig_wr4(r, RTL_THPDS, 0xabcdef01);
    assert_int_equal(rig_rd4(r, RTL_THPDS), 0xabcdef00);
    assert_int_equal(r->rtl->s.tx_ring[0], 5);
    assert_int_equal(r->rtl->s.tx_ring[1], 0);
    rig_wr4(r, RTL_TNPDS, 0x1000);
    assert_int_equal(r->rtl->s.tx_ring[0], 0);
    r->rtl->s.rx_ring = 5;
    rig_wr4(r, RTL_RDSAR, 0x2001);
    assert_int_equal(rig_rd4(r, RTL_RDSAR), 0x2000);
    assert_int_equal(r->rtl->s.rx_ring, 0);
    rig_free(r);
    (void)state;
}

static void bufe(void **state)
{
    struct rig *r = rig_new();

    for (uint32_t bl = 0; bl < 4; bl++) {
        rig_wr4(r, RTL_RCR, bl << RCR_RBLEN_SHIFT);
        r->rtl->s.rx_put = 0;
        rig_wr2(r, RTL_CAPR, 0xfff0);
        assert_true(rig_rd1(r, RTL_CR) & CR_BUFE);
        r->rtl->s.rx_put = 0x40;
        assert_int_equal(rig_rd2(r, RTL_CBR), 0x40);
        assert_false(rig_rd1(r, RTL_CR) & CR_BUFE);
        rig_wr2(r, RTL_CAPR, 0x30);
        assert_true(rig_rd1(r, RTL_CR) & CR_BUFE);
        /* Drivers count on: modulo the ring */
        rig_wr2(r, RTL_CAPR, (uint16_t)(0x30 + (8192u << bl)));
        assert_true(rig_rd1(r, RTL_CR) & CR_BUFE);
    }
    rig_free(r);
    (void)state;
}

/* What iPXE does to tell an RTL8139, C+ and 8169 apart */
static void detection(void **state)
{
    static const unsigned revs[] = {0x10, 0x20};

    for (unsigned i = 0; i < 2; i++) {
        struct rig *r = rig_new_for(revs[i], true, NULL);
        uint16_t want = CPCR_MULRW | CPCR_RX | CPCR_TX | CPCR_DAC;

        rig_wr2(r, 0xda, 0x0600); /* RMS, only on the 8169 */
        assert_int_equal(rig_rd2(r, 0xda), 0);
        rig_wr2(r, RTL_CPCR, want);
        assert_int_equal(rig_rd2(r, RTL_CPCR), i ? want : 0);
        assert_int_equal(rig_rd4(r, RTL_TCR) & TCR_HWVERID,
                         i ? TCR_HWVERID_CPLUS : TCR_HWVERID_C);
        assert_int_equal(rig_rd1(r, RTL_RERID), revs[i]);
        assert_int_equal(rig_cfg(r, PCI_REVISION, 1), revs[i]);
        rig_wr2(r, RTL_IMR, 0xffff);
        assert_int_equal(rig_rd2(r, RTL_IMR),
                         i ? INT_ALL : INT_ALL & ~INT_CPLUS);
        rig_wr1(r, RTL_TPPOLL, 0xff);
        assert_int_equal(rig_rd2(r, RTL_ISR), i ? INT_SWINT : 0);
        rig_wr4(r, RTL_RDSAR, 0x1000);
        assert_int_equal(rig_rd4(r, RTL_RDSAR), i ? 0x1000 : 0);
        rig_free(r);
    }
    (void)state;
}

static void row_names(void **state)
{
    assert_int_equal(row("BMCR")->off, RTL_BMCR);
    assert_int_equal(row("TNPDSH")->off, RTL_TNPDS + 4);
    assert_int_equal(row("CONFIG4")->off, RTL_CONFIG4);
    assert_int_equal(row("9346CR")->off, RTL_9346CR);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sound),  cmocka_unit_test(row_names),
        cmocka_unit_test(reset_values),    cmocka_unit_test(masks),
        cmocka_unit_test(byte_arrays),     cmocka_unit_test(widths),
        cmocka_unit_test(writes_anywhere), cmocka_unit_test(config_lock),
        cmocka_unit_test(interrupts),      cmocka_unit_test(soft_reset),
        cmocka_unit_test(counters),        cmocka_unit_test(tally),
        cmocka_unit_test(ring_bases),      cmocka_unit_test(bufe),
        cmocka_unit_test(detection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
