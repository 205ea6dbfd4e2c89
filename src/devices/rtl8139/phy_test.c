/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Link, negotiation and forced media, as drivers see them. */
#include "rig.h"

#define UP   0x782du
#define DOWN 0x7809u

static void no_cable(void **state)
{
    struct rig *r = rig_new_for(0x20, false, NULL);

    assert_int_equal(rig_rd2(r, RTL_BMSR), DOWN);
    assert_int_equal(rig_rd1(r, RTL_MSR) & MSR_LINKB, MSR_LINKB);
    assert_int_equal(rig_rd2(r, RTL_ANLPAR), 0);
    assert_false(rtl_link(r->rtl));
    rtl8139_set_link(r->dev, false);
    rtl8139_set_link(r->dev, true);
    assert_int_equal(rig_rd2(r, RTL_ISR), 0);
    rig_free(r);
    (void)state;
}

/* By the administrator and by the cable's other end */
static void link_changes(void **state)
{
    struct rig *r = rig_new();

    rig_wr2(r, RTL_IMR, INT_LINKCHG);
    assert_false(rig_irq(r));
    for (unsigned i = 0; i < 4; i++) {
        bool up = i & 1;

        if (i < 2)
            rtl8139_set_link(r->dev, up);
        else
            net_mem_link(r->net, up);
        assert_true(rig_irq(r));
        assert_int_equal(rig_rd2(r, RTL_ISR), INT_LINKCHG);
        assert_int_equal(rig_rd2(r, RTL_BMSR), up ? UP : DOWN);
        assert_int_equal(rig_rd1(r, RTL_MSR), up ? 0xd0 : 0xd4);
        assert_int_equal(rig_rd2(r, RTL_ANLPAR), up ? 0x45e1 : 0);
        assert_int_equal(rig_rd2(r, RTL_CSCR) & (CSCR_CON | CSCR_CHANGED),
                         (up ? CSCR_CON : 0) | CSCR_CHANGED);
        assert_int_equal(rig_rd2(r, RTL_CSCR) & CSCR_CHANGED, 0); /* once */
        rig_wr2(r, RTL_ISR, INT_LINKCHG);
        if (i < 2)
            rtl8139_set_link(r->dev, up);
        assert_false(rig_irq(r)); /* said once */
    }
    assert_int_equal(rig_rd2(r, RTL_DIS), 2);
    assert_int_equal(rig_rd2(r, RTL_DIS), 0); /* cleared by reading */
    /* Both have to be there */
    net_mem_link(r->net, false);
    rtl8139_set_link(r->dev, false);
    net_mem_link(r->net, true);
    assert_int_equal(rig_rd2(r, RTL_BMSR), DOWN);
    rtl8139_set_link(r->dev, true);
    assert_int_equal(rig_rd2(r, RTL_BMSR), UP);
    rig_free(r);
    (void)state;
}

static void restart(void **state)
{
    struct rig *r = rig_new();

    assert_int_equal(rig_rd2(r, RTL_ANER), 3);
    assert_int_equal(rig_rd2(r, RTL_ANER), 1); /* page received: read once */
    rig_wr2(r, RTL_ANAR, 0x0061);
    assert_int_equal(rig_rd2(r, RTL_ANAR), 0x0061);
    assert_int_equal(rig_rd1(r, RTL_MSR) & MSR_SPEED_10, 0);
    rig_wr2(r, RTL_BMCR, BMCR_ANE | BMCR_RESTART);
    assert_int_equal(rig_rd2(r, RTL_BMCR), 0x3100); /* locked, bit 9 gone */
    assert_int_equal(rig_rd1(r, RTL_MSR) & MSR_SPEED_10, MSR_SPEED_10);
    assert_int_equal(rig_rd2(r, RTL_ANER), 3);
    assert_int_equal(rig_rd2(r, RTL_BMSR), UP);
    assert_int_equal(rig_rd2(r, RTL_ISR), 0);
    /* Nothing in common: no link */
    rig_wr2(r, RTL_ANAR, 0xffff & ~0x01e0);
    assert_int_equal(rig_rd2(r, RTL_ANAR), 0xa401);
    rig_wr2(r, RTL_BMCR, BMCR_RESTART);
    assert_int_equal(rig_rd2(r, RTL_BMSR), DOWN | BMSR_ANDONE);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_LINKCHG);
    net_mem_link(r->net, false);
    assert_int_equal(rig_rd2(r, RTL_BMSR), DOWN);
    rig_wr2(r, RTL_ANAR, 0x05e1);
    net_mem_link(r->net, true);
    assert_int_equal(rig_rd2(r, RTL_BMSR), UP);
    rig_free(r);
    (void)state;
}

static void forced(void **state)
{
    struct rig *r = rig_new();

    rig_wr2(r, RTL_BMCR, 0); /* locked */
    assert_int_equal(rig_rd2(r, RTL_BMCR), 0x3100);
    rig_unlock(r, true);
    rig_wr2(r, RTL_BMCR, 0);
    assert_int_equal(rig_rd2(r, RTL_BMCR), 0);
    assert_int_equal(rig_rd2(r, RTL_BMSR), DOWN | BMSR_LINK);
    assert_int_equal(rig_rd2(r, RTL_ANLPAR), 0);
    assert_int_equal(rig_rd2(r, RTL_ANER), 0);
    assert_int_equal(rig_rd1(r, RTL_MSR), 0xd8);
    rig_wr2(r, RTL_BMCR, BMCR_SPD_SET | BMCR_DUPLEX);
    assert_int_equal(rig_rd2(r, RTL_BMCR), 0x2100);
    assert_int_equal(rig_rd1(r, RTL_MSR), 0xd0);
    rtl8139_set_link(r->dev, false);
    assert_int_equal(rig_rd2(r, RTL_BMSR), DOWN);
    rtl8139_set_link(r->dev, true);
    assert_int_equal(rig_rd2(r, RTL_BMSR), DOWN | BMSR_LINK);
    /* A byte of it keeps the other */
    rig_wr1(r, RTL_BMCR + 1, BMCR_ANE >> 8);
    assert_int_equal(rig_rd2(r, RTL_BMCR), 0x1000);
    assert_int_equal(rig_rd2(r, RTL_BMSR), UP);
    rig_free(r);
    (void)state;
}

static void reset(void **state)
{
    struct rig *r = rig_new();

    rig_unlock(r, true);
    rig_wr2(r, RTL_BMCR, BMCR_DUPLEX);
    rig_unlock(r, false);
    rig_wr2(r, RTL_ANAR, 0x0021);
    rig_wr2(r, RTL_NWAYTR, 0xffff);
    rig_wr2(r, RTL_CSCR, 0);
    assert_int_equal(rig_rd2(r, RTL_NWAYTR), 0x80);
    assert_int_equal(rig_rd2(r, RTL_CSCR), CSCR_CON);
    rig_wr1(r, RTL_CR, CR_RST); /* not the transceiver's */
    assert_int_equal(rig_rd2(r, RTL_BMCR), BMCR_DUPLEX);
    assert_int_equal(rig_rd2(r, RTL_ANAR), 0x0021);
    rig_wr2(r, RTL_BMCR, BMCR_RESET);
    assert_int_equal(rig_rd2(r, RTL_BMCR), 0x3100);
    assert_int_equal(rig_rd2(r, RTL_BMSR), UP);
    assert_int_equal(rig_rd2(r, RTL_ANAR), 0x05e1);
    assert_int_equal(rig_rd2(r, RTL_NWAYTR), 0);
    assert_int_equal(rig_rd2(r, RTL_CSCR), 0x03c8);
    assert_int_equal(rig_rd2(r, RTL_ISR), 0);
    /* A cable that the administrator pulled stays pulled over a reset */
    rtl8139_set_link(r->dev, false);
    r->dev->ops->reset(r->dev, RESET_POWER);
    assert_int_equal(r->rtl->s.bmsr, DOWN);
    assert_int_equal(r->rtl->s.isr, 0);
    rig_free(r);
    (void)state;
}

/* The link on the other side of a save is what the cable there says. */
static void saved(void **state)
{
    struct rig *r = rig_new();
    size_t n = state_bytes(&rtl_state_desc);
    uint8_t buf[4096];
    struct err e;

    assert_true(n <= sizeof(buf));
    rtl8139_set_link(r->dev, false);
    r = rig_move(r);
    assert_false(rtl_link(r->rtl));
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_LINKCHG);
    rtl8139_set_link(r->dev, true);
    rig_wr2(r, RTL_ISR, INT_LINKCHG);
    rig_wr2(r, RTL_IMR, INT_LINKCHG);
    state_save(&rtl_state_desc, r->dev, buf);
    net_mem_link(r->net, false);
    rig_wr2(r, RTL_ISR, INT_LINKCHG);
    assert_int_equal(state_load(&rtl_state_desc, r->dev, buf, n, &e), 0);
    assert_false(rtl_link(r->rtl));
    assert_true(rig_irq(r));
    rig_free(r);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_cable), cmocka_unit_test(link_changes),
        cmocka_unit_test(restart),  cmocka_unit_test(forced),
        cmocka_unit_test(reset),    cmocka_unit_test(saved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
