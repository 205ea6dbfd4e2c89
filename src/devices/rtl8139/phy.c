/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transceiver: basic mode registers, auto-negotiation with a partner that
 * can do all the chip can, and the cable. Negotiation takes no time: a driver
 * that restarts it finds it complete.
 * Source: IEEE 802.3 clauses 22.2.4 and 28.2; RTL8139C(L)+ data sheet 1.6,
 * sections 6.18 (MSR) and 6.24 to 6.34.
 */
#include "priv.h"

#define PARTNER (AN_ACK | AN_PAUSE | AN_MEDIA | AN_CSMACD)

bool rtl_link(const struct rtl *rtl)
{
    return (rtl->s.bmsr & BMSR_LINK) != 0;
}

static bool plugged(const struct rtl *rtl)
{
    return rtl->s.cable && !rtl->s.gone && rtl->net && !rtl->net->down;
}

/* What BMSR, ANLPAR, ANER, MSR and CSCR say of the cable as it is now. */
static void negotiate(struct rtl *rtl)
{
    struct rtl_state *s = &rtl->s;
    bool up = plugged(rtl), fast = (s->bmcr & BMCR_SPD_SET) != 0;

    s->bmsr = BMSR_ABLE;
    s->anlpar = 0;
    s->aner = 0;
    if (up && (s->bmcr & BMCR_ANE)) {
        uint16_t common = s->anar & PARTNER & AN_MEDIA;

        s->anlpar = PARTNER;
        s->aner = ANER_LP_ABLE | ANER_PAGE_RX;
        s->bmsr |= BMSR_ANDONE;
        fast = (common & (AN_TXFD | AN_TX)) != 0;
        up = common != 0;
    }
    if (up)
        s->bmsr |= BMSR_LINK;
    s->msr &= (uint8_t) ~(MSR_LINKB | MSR_SPEED_10);
    s->msr |= (uint8_t)((up ? 0 : MSR_LINKB) | (fast ? 0 : MSR_SPEED_10));
    s->cscr = (uint16_t)((s->cscr & ~CSCR_CON) | (up ? CSCR_CON : 0));
}

/* The link was up or not: who cares hears of a change. */
static void tell(struct rtl *rtl, bool was)
{
    if (rtl_link(rtl) == was)
        return;
    if (was)
        rtl->s.dis++;
    rtl->s.cscr |= CSCR_CHANGED;
    rtl_isr(rtl, INT_LINKCHG);
    rtl_rx_update(rtl);
    rtl_tx_resume(rtl);
}

void rtl_phy_link(struct rtl *rtl)
{
    bool up = plugged(rtl);

    /* A negotiation that found nothing in common is a link that is down. */
    if (up != ((rtl->s.bmsr & (BMSR_LINK | BMSR_ANDONE)) != 0)) {
        bool was = rtl_link(rtl);

        negotiate(rtl);
        tell(rtl, was);
    }
}

/* At power-on and auto-load: nobody has seen another link before. */
void rtl_phy_reset(struct rtl *rtl)
{
    struct rtl_state *s = &rtl->s;

    s->bmcr = rtl_eeprom_bmcr(rtl);
    s->anar = AN_PAUSE | AN_MEDIA | AN_CSMACD;
    s->dis = 0;
    s->nwaytr = 0;
    s->cscr = CSCR_RESET;
    negotiate(rtl);
}

static void write_bmcr(struct rtl *rtl, uint16_t val)
{
    struct rtl_state *s = &rtl->s;
    bool was = rtl_link(rtl);
    uint16_t old = s->bmcr;

    if (val & BMCR_RESET) {
        rtl_phy_reset(rtl);
    } else {
        if ((s->cr9346 & EE_EEM) == EEM_CONFIG)
            s->bmcr = val & BMCR_LOCKED;
        if (s->bmcr != old || (val & BMCR_RESTART))
            negotiate(rtl);
    }
    tell(rtl, was);
}

void rtl_phy_write(struct rtl *rtl, unsigned reg, uint16_t val)
{
    struct rtl_state *s = &rtl->s;

    switch (reg) {
    case RTL_BMCR:
        write_bmcr(rtl, val);
        break;
    case RTL_ANAR: /* told to the partner at the next negotiation */
        s->anar = val;
        break;
    case RTL_NWAYTR:
        s->nwaytr = val;
        break;
    case RTL_CSCR:
        s->cscr = val;
        break;
    default:
        break;
    }
}
