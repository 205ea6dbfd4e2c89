/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State as data. Registers are held to what the register table says can be in
 * them, the rest to the ranges in the fields, so that loaded state is no worse
 * than what a guest can write (R14).
 */
#include "priv.h"

#include <errno.h>
#include <string.h>

#define S struct rtl_state

static const struct field rtl_fields[] = {
    FIELD_MAX(S, tctr_base_ns, 1, INT64_MAX),
    FIELD_MAX(S, tctr_seen_ns, 1, INT64_MAX),
    FIELD(S, tnpds, 1),
    FIELD(S, thpds, 1),
    FIELD(S, rdsar, 1),
    FIELD(S, dtccr, 1),
    FIELD(S, tally_tx_ok, 1),
    FIELD(S, tally_rx_ok, 1),
    FIELD(S, tally_tx_err, 1),
    FIELD(S, tally_rx_phy, 1),
    FIELD(S, tally_rx_brd, 1),
    FIELD(S, tally_rx_err, 1),
    FIELD(S, tally_tx_1col, 1),
    FIELD(S, tally_tx_mcol, 1),
    FIELD(S, tally_rx_mul, 1),
    FIELD_ARRAY(S, tsd, 1),
    FIELD_ARRAY(S, tsad, 1),
    FIELD(S, rbstart, 1),
    FIELD(S, tcr, 1),
    FIELD(S, rcr, 1),
    FIELD(S, timerint, 1),
    FIELD(S, mpc, 1),
    FIELD(S, flash, 1),
    FIELD(S, phy1_parm, 1),
    FIELD(S, tw_parm, 1),
    FIELD(S, fer, 1),
    FIELD(S, femr, 1),
    FIELD_MAX(S, rx_put, 1, 0xffff),
    FIELD(S, tally_miss, 1),
    FIELD(S, tally_fae, 1),
    FIELD(S, tally_tx_abt, 1),
    FIELD(S, tally_tx_undrn, 1),
    FIELD(S, capr, 1),
    FIELD(S, imr, 1),
    FIELD(S, isr, 1),
    FIELD(S, mulint, 1),
    FIELD(S, bmcr, 1),
    FIELD(S, bmsr, 1),
    FIELD(S, anar, 1),
    FIELD(S, anlpar, 1),
    FIELD(S, aner, 1),
    FIELD(S, dis, 1),
    FIELD(S, nwaytr, 1),
    FIELD(S, cscr, 1),
    FIELD(S, cpcr, 1),
    FIELD_ARRAY_MAX(S, tx_ring, 1, RTL_RING_MAX - 1),
    FIELD_MAX(S, rx_ring, 1, RTL_RING_MAX - 1),
    FIELD(S, tx_vlan, 1),
    FIELD_ARRAY(S, ee_word, 1),
    FIELD(S, ee_shift, 1),
    FIELD_MAX(S, ee_bits, 1, 16),
    FIELD_MAX(S, ee_phase, 1, EE_IGNORE),
    FIELD_MAX(S, ee_addr, 1, 63),
    FIELD_MAX(S, ee_write_on, 1, 1),
    FIELD_MAX(S, ee_do, 1, 1),
    FIELD_MAX(S, ee_clk, 1, 1),
    FIELD_MAX(S, tx_next, 1, 3),
    FIELD(S, cr, 1),
    FIELD(S, cr9346, 1),
    FIELD(S, config0, 1),
    FIELD(S, config1, 1),
    FIELD(S, config3, 1),
    FIELD(S, config4, 1),
    FIELD(S, config5, 1),
    FIELD(S, msr, 1),
    FIELD(S, etthr, 1),
    FIELD(S, phy2_parm, 1),
    FIELD_ARRAY(S, idr, 1),
    FIELD_ARRAY(S, mar, 1),
    FIELD_ARRAY(S, crc, 1),
    FIELD_ARRAY(S, wakeup, 1),
    FIELD_ARRAY(S, lsbcrc, 1),
    FIELD_MAX(S, cable, 1, 1),
    FIELD_MAX(S, gone, 1, 1),
    FIELD_MAX(S, tx_wait, 1, RTL_WAIT_BITS),
    FIELD_MAX(S, loop_full, 1, 1),
    FIELD_ARRAY_MAX(S, pad, 1, 0),
    FIELD_ARRAY(S, cfg, 1),
    FIELD_END,
};

/* Bits that neither the guest nor the chip changes are as after reset. */
static bool row_valid(const struct rtl_state *s, const struct rtl_reg *r)
{
    uint32_t val = 0;

    if (!r->name || r->at == RTL_NOWHERE || r->bytes > 4)
        return true;
    memcpy(&val, (const uint8_t *)s + r->at, r->bytes);
    return ((val ^ r->reset) & ~(r->wmask | r->live)) == 0;
}

/* The bits at which an instruction of the EEPROM stands */
static bool eeprom_valid(const struct rtl_state *s)
{
    switch (s->ee_phase) {
    case EE_COMMAND:
        return s->ee_bits < 8;
    case EE_READ:
    case EE_WRITE:
    case EE_WRAL:
        return s->ee_bits < 16;
    default:
        return true;
    }
}

static int rtl_check(const void *state, struct err *err)
{
    const struct rtl_state *s = state;

    for (unsigned i = 0; i < rtl_nregs; i++)
        if (!row_valid(s, &rtl_regs[i]))
            return err_set(err, -EINVAL,
                           "state of rtl8139: register %s has a value that it "
                           "cannot have",
                           rtl_regs[i].name);
    if (!eeprom_valid(s))
        return err_set(err, -EINVAL,
                       "state of rtl8139: field ee_bits is %u, where no "
                       "instruction stands",
                       s->ee_bits);
    return 0;
}

/* A plain RTL8139C has none of these. */
static void drop_cplus(struct rtl_state *s)
{
    s->cpcr = 0;
    s->etthr = 0;
    s->rdsar = s->tnpds = s->thpds = s->dtccr = 0;
    s->tx_wait &= RTL_WAIT_C;
    s->imr &= (uint16_t)~INT_CPLUS;
    s->isr &= (uint16_t)~INT_CPLUS;
}

/* Above the header only the power state is the guest's. */
static void fix_config(struct rtl *rtl)
{
    uint8_t state = rtl->s.cfg[RTL_PMCSR] & PMCSR_STATE;

    memcpy(rtl->s.cfg + 0x40, rtl->pci.reset_cfg + 0x40, 256 - 0x40);
    rtl->s.cfg[RTL_PMCSR] |= state;
}

static void rtl_loaded(void *dev)
{
    struct rtl *rtl = dev;
    struct rtl_state *s = &rtl->s;
    uint64_t now = clock_now(rtl->dev.env.clock);

    s->gone |= rtl->returned;
    if (!rtl->cplus)
        drop_cplus(s);
    if (s->tctr_base_ns > now)
        s->tctr_base_ns = now;
    if (s->tctr_seen_ns > now || s->tctr_seen_ns < s->tctr_base_ns)
        s->tctr_seen_ns = now;
    s->loop_full = 0; /* that frame is lost, as on any wire */
    rtl->loop_len = 0;
    memset(&rtl->w, 0, sizeof(rtl->w));
    rtl->rx_told = false;
    timer_cancel(&rtl->more);

    fix_config(rtl);
    pci_loaded(&rtl->pci);
    rtl_pm_update(rtl);
    if (s->gone) {
        rtl8139_unplug(&rtl->dev);
        return;
    }
    rtl_irq_update(rtl);
    rtl_timer_arm(rtl);
    rtl_phy_link(rtl);
    rtl_rx_update(rtl);
    rtl_tx_resume(rtl);
}

const struct state_desc rtl_state_desc = {
    .name = "rtl8139",
    .version = 1,
    .off = (uint32_t)offsetof(struct rtl, s),
    .size = sizeof(struct rtl_state),
    .fields = rtl_fields,
    .check = rtl_check,
    .loaded = rtl_loaded,
};
