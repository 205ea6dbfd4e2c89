/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers: one table, accesses of any width at any offset, interrupts,
 * the counter. Accesses are composed of registers, each of which is read or
 * written once; bytes that no register has read as 0.
 * Source: RTL8139C(L) data sheet 1.4, section 6; RTL8139C(L)+ 1.6, section 6.
 */
#include "priv.h"

#include <string.h>

/* TCTR counts at 33.333 MHz. */
#define TICK_NS 30u
#define WRAP_NS ((uint64_t)TICK_NS << 32)

/* Layout of the tally counters in memory, DTCCR (C+ 6.2). */
#define TALLY_BYTES 64u

bool rtl_awake(const struct rtl *rtl)
{
    return !rtl->s.gone && (rtl->s.cfg[RTL_PMCSR] & PMCSR_STATE) == 0;
}

void rtl_irq_update(struct rtl *rtl)
{
    bool level = (rtl->s.isr & rtl->s.imr) != 0 && rtl_awake(rtl);
    bool was = (rtl->s.cfg[PCI_STATUS] & RTL_STATUS_INTX) != 0;

    if (level == was)
        return;
    if (level) {
        rtl->stats.interrupts++;
        rtl->s.fer |= FE_INTR;
    }
    pci_irq(&rtl->pci, level);
}

void rtl_isr(struct rtl *rtl, uint16_t bits)
{
    rtl->s.isr |= bits & INT_ALL;
    rtl_irq_update(rtl);
}

/* When TCTR becomes TimerInt for the first time after tctr_seen_ns. */
static uint64_t timer_due(const struct rtl_state *s)
{
    uint64_t pos = (s->tctr_seen_ns - s->tctr_base_ns) % WRAP_NS;
    uint64_t target = (uint64_t)s->timerint * TICK_NS;

    if (s->timerint == 0)
        return TIMER_NEVER;
    if (target > pos)
        return s->tctr_seen_ns + (target - pos);
    return s->tctr_seen_ns + (target + WRAP_NS - pos);
}

void rtl_timer_check(struct rtl *rtl)
{
    uint64_t now;
    bool due;

    if (!rtl->s.timerint)
        return; /* the clock is not asked on the way of each frame */
    now = clock_now(rtl->dev.env.clock);
    due = timer_due(&rtl->s) <= now;
    if (now > rtl->s.tctr_seen_ns)
        rtl->s.tctr_seen_ns = now;
    if (due)
        rtl_isr(rtl, INT_TIMEOUT);
}

/* Armed only while the guest would be interrupted: no wake-ups otherwise. */
void rtl_timer_arm(struct rtl *rtl)
{
    const struct rtl_state *s = &rtl->s;

    if (s->timerint && (s->imr & INT_TIMEOUT) && !(s->isr & INT_TIMEOUT) &&
        rtl_awake(rtl))
        timer_set(&rtl->timer, timer_due(s));
    else
        timer_cancel(&rtl->timer);
}

void rtl_timer_fire(void *dev)
{
    struct rtl *rtl = dev;

    rtl_timer_check(rtl);
    rtl_timer_arm(rtl);
}

static uint32_t reg_load(const struct rtl *rtl, const struct rtl_reg *r)
{
    uint32_t val = 0;

    if (r->at != RTL_NOWHERE)
        memcpy(&val, (const uint8_t *)&rtl->s + r->at, r->bytes);
    return val;
}

static void reg_store(struct rtl *rtl, const struct rtl_reg *r, uint32_t val)
{
    memcpy((uint8_t *)&rtl->s + r->at, &val, r->bytes);
}

static uint32_t reg_merge(const struct rtl *rtl, const struct rtl_reg *r,
                          uint32_t val, uint32_t lanes)
{
    lanes &= r->wmask;
    return (reg_load(rtl, r) & ~lanes) | (val & lanes);
}

/* TSD0-3: a write clears what the chip had to say about the last frame. */
static void set_tsd(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                    uint32_t lanes)
{
    unsigned n = (unsigned)(r->off - RTL_TSD0) / 4;
    uint32_t new = reg_merge(rtl, r, val, lanes) & TSD_WRITABLE;

    reg_store(rtl, r, new);
    if ((lanes & TSD_OWN) && !(new &TSD_OWN))
        rtl_tx_start(rtl, n);
}

/*
 * The C+ ring bases are the same registers: a driver may write them before it
 * turns C+ mode on.
 */
static void set_tsad(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                     uint32_t lanes)
{
    struct rtl_state *s = &rtl->s;

    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    if (!rtl->cplus)
        return;
    s->tnpds = (uint64_t)s->tsad[1] << 32 | (s->tsad[0] & ~0xffu);
    s->thpds = (uint64_t)s->tsad[3] << 32 | (s->tsad[2] & ~0xffu);
}

static void set_txring(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                       uint32_t lanes)
{
    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    rtl->s.tx_ring[r->off >= RTL_THPDS] = 0;
}

static void set_rdsar(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                      uint32_t lanes)
{
    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    rtl->s.rx_ring = 0;
    rtl_rx_update(rtl);
}

static uint8_t *put_le(uint8_t *p, uint64_t val, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *p++ = (uint8_t)(val >> (8 * i));
    return p;
}

static void tally_dump(struct rtl *rtl)
{
    const struct rtl_state *s = &rtl->s;
    uint8_t out[TALLY_BYTES], *p = out;

    p = put_le(p, s->tally_tx_ok, 8);
    p = put_le(p, s->tally_rx_ok, 8);
    p = put_le(p, s->tally_tx_err, 8);
    p = put_le(p, s->tally_rx_err, 4);
    p = put_le(p, s->tally_miss, 2);
    p = put_le(p, s->tally_fae, 2);
    p = put_le(p, s->tally_tx_1col, 4);
    p = put_le(p, s->tally_tx_mcol, 4);
    p = put_le(p, s->tally_rx_phy, 8);
    p = put_le(p, s->tally_rx_brd, 8);
    p = put_le(p, s->tally_rx_mul, 4);
    p = put_le(p, s->tally_tx_abt, 2);
    put_le(p, s->tally_tx_undrn, 2);
    pci_dma_write(&rtl->pci, s->dtccr, out, sizeof(out));
}

/* Cmd reads as 0 again at once: the dump is done. */
static void set_dtccr(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                      uint32_t lanes)
{
    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    if (r->off == RTL_DTCCR && (val & DTCCR_CMD))
        tally_dump(rtl);
}

static void set_rx(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                   uint32_t lanes)
{
    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    rtl_rx_update(rtl);
}

static uint32_t get_cr(struct rtl *rtl, const struct rtl_reg *r)
{
    (void)r;
    return rtl->s.cr | (rtl_ring_empty(&rtl->s) ? CR_BUFE : 0);
}

static void set_cr(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                   uint32_t lanes)
{
    uint8_t old = rtl->s.cr;

    if (val & CR_RST) {
        rtl_soft_reset(rtl);
        return;
    }
    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    if ((rtl->s.cr ^ old) & CR_TE)
        rtl_tx_reset(rtl);
    if ((rtl->s.cr ^ old) & CR_RE)
        rtl_rx_reset(rtl);
    rtl_rx_update(rtl);
}

static uint32_t get_cbr(struct rtl *rtl, const struct rtl_reg *r)
{
    (void)r;
    return rtl->s.rx_put & 0xffffu;
}

static void set_imr(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                    uint32_t lanes)
{
    rtl_timer_check(rtl);
    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    if (!rtl->cplus)
        rtl->s.imr &= (uint16_t)~INT_CPLUS;
    rtl_irq_update(rtl);
    rtl_timer_arm(rtl);
    rtl_rx_update(rtl);
}

static uint32_t get_isr(struct rtl *rtl, const struct rtl_reg *r)
{
    (void)r;
    rtl_timer_check(rtl);
    if (rtl->w.rx_need) /* by a driver that polls */
        rtl_rx_update(rtl);
    return rtl->s.isr;
}

/* Writing 1 clears, as all drivers have it; the sheet says reading does. */
static void set_isr(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                    uint32_t lanes)
{
    (void)r;
    (void)lanes;
    rtl_timer_check(rtl);
    rtl->s.isr &= (uint16_t)~val;
    rtl_irq_update(rtl);
    rtl_timer_arm(rtl);
    rtl_rx_update(rtl);
}

static uint32_t get_cscr(struct rtl *rtl, const struct rtl_reg *r)
{
    uint32_t val = reg_load(rtl, r);

    rtl->s.cscr &= (uint16_t)~CSCR_CHANGED;
    return val;
}

static uint32_t get_tcr(struct rtl *rtl, const struct rtl_reg *r)
{
    return reg_load(rtl, r) | (rtl->cplus ? TCR_HWVERID_CPLUS : TCR_HWVERID_C);
}

static uint32_t get_tctr(struct rtl *rtl, const struct rtl_reg *r)
{
    uint64_t now = clock_now(rtl->dev.env.clock);

    (void)r;
    return (uint32_t)((now - rtl->s.tctr_base_ns) / TICK_NS);
}

/* Whatever is written, it starts from 0. */
static void set_tctr(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                     uint32_t lanes)
{
    (void)r;
    (void)val;
    (void)lanes;
    rtl_timer_check(rtl);
    rtl->s.tctr_base_ns = clock_now(rtl->dev.env.clock);
    rtl->s.tctr_seen_ns = rtl->s.tctr_base_ns;
    rtl_timer_arm(rtl);
}

static void set_timerint(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                         uint32_t lanes)
{
    rtl_timer_check(rtl);
    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    rtl->s.tctr_seen_ns = clock_now(rtl->dev.env.clock);
    rtl_timer_arm(rtl);
}

static void set_mpc(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                    uint32_t lanes)
{
    (void)val;
    (void)lanes;
    reg_store(rtl, r, 0);
}

static uint32_t get_9346cr(struct rtl *rtl, const struct rtl_reg *r)
{
    uint32_t val = reg_load(rtl, r);

    if ((val & EE_EEM) == EEM_PROGRAM && rtl->s.ee_do)
        val |= EE_DO;
    return val;
}

static void set_9346cr(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                       uint32_t lanes)
{
    uint8_t new = (uint8_t)reg_merge(rtl, r, val, lanes);

    if ((new &EE_EEM) == EEM_PROGRAM) {
        reg_store(rtl, r, new);
        rtl_eeprom_pins(rtl, new &(EE_CS | EE_SK | EE_DI));
        return;
    }
    rtl_eeprom_pins(rtl, 0); /* its pins are the chip's again */
    if ((new &EE_EEM) == EEM_LOAD) {
        rtl_eeprom_load(rtl);
        rtl_soft_reset(rtl);
        new = EEM_NORMAL;
    }
    reg_store(rtl, r, new);
}

static void set_config1(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                        uint32_t lanes)
{
    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    rtl_pm_update(rtl);
}

static uint32_t get_rerid(struct rtl *rtl, const struct rtl_reg *r)
{
    (void)r;
    return rtl->s.cfg[PCI_REVISION];
}

/* TSAD: the same four bits of all transmit status registers. */
static uint32_t get_tsad(struct rtl *rtl, const struct rtl_reg *r)
{
    uint32_t val = 0;

    (void)r;
    for (unsigned n = 0; n < 4; n++) {
        uint32_t tsd = rtl->s.tsd[n];

        val |= (uint32_t)((tsd & TSD_OWN) != 0) << n;
        val |= (uint32_t)((tsd & TSD_TABT) != 0) << (4 + n);
        val |= (uint32_t)((tsd & TSD_TUN) != 0) << (8 + n);
        val |= (uint32_t)((tsd & TSD_TOK) != 0) << (12 + n);
    }
    return val;
}

static uint32_t get_clear(struct rtl *rtl, const struct rtl_reg *r)
{
    uint32_t val = reg_load(rtl, r);

    reg_store(rtl, r, 0);
    return val;
}

static uint32_t get_aner(struct rtl *rtl, const struct rtl_reg *r)
{
    uint32_t val = reg_load(rtl, r);

    reg_store(rtl, r, val & ~ANER_PAGE_RX);
    return val;
}

static void set_phy(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                    uint32_t lanes)
{
    rtl_phy_write(rtl, r->off, (uint16_t)reg_merge(rtl, r, val, lanes));
}

static void set_tppoll(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                       uint32_t lanes)
{
    (void)r;
    (void)lanes;
    if (val & TPPOLL_FSWINT)
        rtl_isr(rtl, INT_SWINT);
    if (val & TPPOLL_HPQ)
        rtl_tx_poll(rtl, true);
    if (val & TPPOLL_NPQ)
        rtl_tx_poll(rtl, false);
}

static void set_cpcr(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                     uint32_t lanes)
{
    uint16_t old = rtl->s.cpcr;

    reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
    if ((rtl->s.cpcr ^ old) & CPCR_TX)
        rtl_tx_reset(rtl);
    if ((rtl->s.cpcr ^ old) & CPCR_RX)
        rtl_rx_reset(rtl);
    rtl_rx_update(rtl);
}

static void set_fer(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                    uint32_t lanes)
{
    (void)r;
    (void)lanes;
    rtl->s.fer &= ~val;
}

static uint32_t get_fpsr(struct rtl *rtl, const struct rtl_reg *r)
{
    (void)r;
    return rtl->s.isr & rtl->s.imr ? FE_INTR : 0;
}

static void set_ffer(struct rtl *rtl, const struct rtl_reg *r, uint32_t val,
                     uint32_t lanes)
{
    (void)r;
    (void)lanes;
    rtl->s.fer |= val & (FE_INTR | FE_GWAKE);
}

#define ALL  UINT32_MAX
#define KEEP RTL_F_KEEP
#define CP   RTL_F_CP
#define CPTX (RTL_F_CP | RTL_F_CPTX)
#define LOCK (RTL_F_LOCK | RTL_F_KEEP)

#define AT(member) (uint16_t) offsetof(struct rtl_state, member)
#define HI(member) (uint16_t)(offsetof(struct rtl_state, member) + 4)
#define NOT_STORED RTL_NOWHERE
/* clang-format off */
/* name, offset, bytes, flags, where, reset, writable, set by the chip, get, set */
#define REGS(R)                                                               \
    R(IDR,       0x00,  6, KEEP, AT(idr), 0, ALL, ALL, NULL, NULL)            \
    R(MAR,       0x08,  8, KEEP, AT(mar), 0, ALL, ALL, NULL, NULL)            \
    R(TSD0,      0x10,  4, 0, AT(tsd[0]), TSD_OWN, TSD_WRITABLE, TSD_STATUS,  \
      NULL, set_tsd)                                                          \
    R(TSD1,      0x14,  4, 0, AT(tsd[1]), TSD_OWN, TSD_WRITABLE, TSD_STATUS,  \
      NULL, set_tsd)                                                          \
    R(TSD2,      0x18,  4, 0, AT(tsd[2]), TSD_OWN, TSD_WRITABLE, TSD_STATUS,  \
      NULL, set_tsd)                                                          \
    R(TSD3,      0x1c,  4, 0, AT(tsd[3]), TSD_OWN, TSD_WRITABLE, TSD_STATUS,  \
      NULL, set_tsd)                                                          \
    R(TSAD0,     0x20,  4, 0, AT(tsad[0]), 0, ALL, 0, NULL, set_tsad)         \
    R(TSAD1,     0x24,  4, 0, AT(tsad[1]), 0, ALL, 0, NULL, set_tsad)         \
    R(TSAD2,     0x28,  4, 0, AT(tsad[2]), 0, ALL, 0, NULL, set_tsad)         \
    R(TSAD3,     0x2c,  4, 0, AT(tsad[3]), 0, ALL, 0, NULL, set_tsad)         \
    R(RBSTART,   0x30,  4, 0, AT(rbstart), 0, ALL, 0, NULL, set_rx)           \
    R(CR,        0x37,  1, 0, AT(cr), 0, CR_TE | CR_RE, 0, get_cr, set_cr)    \
    R(CAPR,      0x38,  2, 0, AT(capr), 0xfff0, ALL, 0, NULL, set_rx)         \
    R(CBR,       0x3a,  2, 0, NOT_STORED, 0, 0, ALL, get_cbr, NULL)           \
    R(IMR,       0x3c,  2, 0, AT(imr), 0, INT_ALL, 0, NULL, set_imr)          \
    R(ISR,       0x3e,  2, 0, AT(isr), 0, 0, INT_ALL, get_isr, set_isr)       \
    R(TCR,       0x40,  4, 0, AT(tcr), 0x03000000, TCR_WRITABLE, 0,           \
      get_tcr, NULL)                                                          \
    R(RCR,       0x44,  4, 0, AT(rcr), 0, RCR_WRITABLE, 0, NULL, set_rx)      \
    R(TCTR,      0x48,  4, 0, NOT_STORED, 0, 0, ALL, get_tctr, set_tctr)      \
    R(MPC,       0x4c,  4, 0, AT(mpc), 0, 0, 0xffffff, NULL, set_mpc)         \
    R(9346CR,    0x50,  1, KEEP, AT(cr9346), 0, 0xce, 0, get_9346cr,          \
      set_9346cr)                                                             \
    R(CONFIG0,   0x51,  1, KEEP, AT(config0), 0, 0, ALL, NULL, NULL)          \
    R(CONFIG1,   0x52,  1, LOCK, AT(config1), 0, 0xf1, ALL, NULL,             \
      set_config1)                                                            \
    R(TIMERINT,  0x54,  4, 0, AT(timerint), 0, ALL, 0, NULL, set_timerint)    \
    R(MSR,       0x58,  1, KEEP, AT(msr), MSR_AUX | MSR_LINKB, 0xc0,          \
      MSR_LINKB | MSR_SPEED_10, NULL, NULL)                                   \
    R(CONFIG3,   0x59,  1, LOCK, AT(config3), 0, 0x70, ALL, NULL, NULL)       \
    R(CONFIG4,   0x5a,  1, LOCK, AT(config4), 0, 0xf5, ALL, NULL, NULL)       \
    R(MULINT,    0x5c,  2, 0, AT(mulint), 0, 0x0fff, 0, NULL, NULL)           \
    R(RERID,     0x5e,  1, 0, NOT_STORED, 0, 0, ALL, get_rerid, NULL)         \
    R(TSAD,      0x60,  2, 0, NOT_STORED, 0, 0, ALL, get_tsad, NULL)          \
    R(BMCR,      0x62,  2, KEEP, AT(bmcr), BMCR_LOCKED,                       \
      BMCR_RESET | BMCR_RESTART | BMCR_LOCKED, 0, NULL, set_phy)              \
    R(BMSR,      0x64,  2, KEEP, AT(bmsr), BMSR_ABLE, 0,                      \
      BMSR_ANDONE | BMSR_LINK, NULL, NULL)                                    \
    R(ANAR,      0x66,  2, KEEP, AT(anar), AN_PAUSE | AN_MEDIA | AN_CSMACD,   \
      AN_NP | AN_RF | AN_PAUSE | AN_MEDIA, 0, NULL, set_phy)                  \
    R(ANLPAR,    0x68,  2, KEEP, AT(anlpar), 0, 0,                            \
      AN_ACK | AN_PAUSE | AN_MEDIA | AN_CSMACD, NULL, NULL)                   \
    R(ANER,      0x6a,  2, KEEP, AT(aner), 0, 0, ANER_PAGE_RX | ANER_LP_ABLE, \
      get_aner, NULL)                                                         \
    R(DIS,       0x6c,  2, KEEP, AT(dis), 0, 0, ALL, get_clear, NULL)         \
    R(NWAYTR,    0x70,  2, KEEP, AT(nwaytr), 0, 0x80, 0, NULL, set_phy)       \
    R(CSCR,      0x74,  2, KEEP, AT(cscr), CSCR_RESET, 0x83e5,               \
      CSCR_CON | CSCR_CHANGED, get_cscr, set_phy)                                                          \
    R(PHY1_PARM, 0x78,  4, KEEP, AT(phy1_parm), 0, ALL, ALL, NULL, NULL)      \
    R(TW_PARM,   0x7c,  4, KEEP, AT(tw_parm), 0, ALL, ALL, NULL, NULL)        \
    R(PHY2_PARM, 0x80,  1, KEEP, AT(phy2_parm), 0, ALL, ALL, NULL, NULL)      \
    R(CRC,       0x84,  8, KEEP, AT(crc), 0, ALL, 0, NULL, NULL)              \
    R(WAKEUP,    0x8c, 64, KEEP, AT(wakeup), 0, ALL, 0, NULL, NULL)           \
    R(LSBCRC,    0xcc,  8, KEEP, AT(lsbcrc), 0, ALL, 0, NULL, NULL)           \
    R(FLASH,     0xd4,  4, KEEP, AT(flash), 0, 0xff1fffff, 0, NULL, NULL)     \
    R(CONFIG5,   0xd8,  1, KEEP, AT(config5), 0, 0x7f, ALL, NULL, NULL)       \
    R(TPPOLL,    0xd9,  1, CP, NOT_STORED, 0, 0, 0, NULL, set_tppoll)         \
    R(CPCR,      0xe0,  2, CP, AT(cpcr), 0, CPCR_WRITABLE, 0, NULL, set_cpcr) \
    R(RDSARL,    0xe4,  4, CP, AT(rdsar), 0, ~0xffu, 0, NULL, set_rdsar)      \
    R(RDSARH,    0xe8,  4, CP, HI(rdsar), 0, ALL, 0, NULL, set_rdsar)         \
    R(ETTHR,     0xec,  1, CP, AT(etthr), 0, 0x3f, 0, NULL, NULL)             \
    R(FER,       0xf0,  4, KEEP, AT(fer), 0, 0, FE_INTR | FE_GWAKE,           \
      NULL, set_fer)                                                          \
    R(FEMR,      0xf4,  4, KEEP, AT(femr), 0, FE_INTR | FE_WKUP | FE_GWAKE,   \
      0, NULL, NULL)                                                          \
    R(FPSR,      0xf8,  4, KEEP, NOT_STORED, 0, 0, FE_INTR, get_fpsr, NULL)   \
    R(FFER,      0xfc,  4, KEEP, NOT_STORED, 0, 0, 0, NULL, set_ffer)

/* What stands in the place of TSD and TSAD in C+ transmit mode */
#define REGS_CPTX(R)                                                          \
    R(DTCCRL,    0x10,  4, CPTX, AT(dtccr), 0, ~0x3fu, 0, NULL, set_dtccr)    \
    R(DTCCRH,    0x14,  4, CPTX, HI(dtccr), 0, ALL, 0, NULL, set_dtccr)       \
    R(TNPDSL,    0x20,  4, CPTX, AT(tnpds), 0, ~0xffu, 0, NULL, set_txring)   \
    R(TNPDSH,    0x24,  4, CPTX, HI(tnpds), 0, ALL, 0, NULL, set_txring)      \
    R(THPDSL,    0x28,  4, CPTX, AT(thpds), 0, ~0xffu, 0, NULL, set_txring)   \
    R(THPDSH,    0x2c,  4, CPTX, HI(thpds), 0, ALL, 0, NULL, set_txring)
/* clang-format on */

#define CPTX_FROM RTL_TSD0
#define CPTX_TO   RTL_RBSTART

enum {
    ROW_NONE, /* in the maps: no register here */
#define ROW_ID(id, ...) ROW_##id,
    REGS(ROW_ID) REGS_CPTX(ROW_ID) ROWS,
#undef ROW_ID
};

#define ROW(id, off_, bytes_, flags_, at_, reset_, wmask_, live_, get_, set_)  \
    {.name = #id,                                                              \
     .off = (off_),                                                            \
     .bytes = (bytes_),                                                        \
     .flags = (flags_),                                                        \
     .at = (at_),                                                              \
     .reset = (reset_),                                                        \
     .wmask = (wmask_),                                                        \
     .live = (live_),                                                          \
     .get = (get_),                                                            \
     .set = (set_)},
const struct rtl_reg rtl_regs[ROWS] = {{NULL}, REGS(ROW) REGS_CPTX(ROW)};
const unsigned rtl_nregs = ROWS;
#undef ROW

/* Row number by offset */
#define PLACE(id, off_, bytes_, ...) [(off_)...(off_) + (bytes_)-1] = ROW_##id,
static const uint8_t row_at[RTL_REG_BYTES] = {REGS(PLACE)};
static const uint8_t row_at_cptx[CPTX_TO] = {REGS_CPTX(PLACE)};
#undef PLACE

/* NULL: nothing there */
static const struct rtl_reg *reg_at(const struct rtl *rtl, uint32_t off)
{
    const struct rtl_reg *r;

    if ((rtl->s.cpcr & CPCR_TX) && off >= CPTX_FROM && off < CPTX_TO)
        r = &rtl_regs[row_at_cptx[off]];
    else
        r = &rtl_regs[row_at[off]];
    if (!r->name || ((r->flags & RTL_F_CP) && !rtl->cplus))
        return NULL;
    return r;
}

static uint32_t ones(unsigned bytes)
{
    return bytes >= 4 ? UINT32_MAX : (1u << (8 * bytes)) - 1;
}

static uint32_t reg_read(struct rtl *rtl, const struct rtl_reg *r,
                         unsigned first, unsigned n)
{
    uint32_t val = 0;

    if (r->bytes > 4) {
        memcpy(&val, (const uint8_t *)&rtl->s + r->at + first, n);
        return val;
    }
    val = r->get ? r->get(rtl, r) : reg_load(rtl, r);
    return (val >> (8 * first)) & ones(n);
}

static void reg_write(struct rtl *rtl, const struct rtl_reg *r, unsigned first,
                      unsigned n, uint32_t val)
{
    uint32_t lanes = ones(n);

    if ((r->flags & RTL_F_LOCK) && (rtl->s.cr9346 & EE_EEM) != EEM_CONFIG)
        return;
    if (r->bytes > 4) {
        memcpy((uint8_t *)&rtl->s + r->at + first, &val, n);
        return;
    }
    val = (val & lanes) << (8 * first);
    lanes <<= 8 * first;
    if (r->set)
        r->set(rtl, r, val, lanes);
    else if (r->wmask)
        reg_store(rtl, r, reg_merge(rtl, r, val, lanes));
}

/* Bytes of an access at off + i that one register (or none) takes. */
static unsigned piece(const struct rtl_reg *r, uint32_t off, unsigned left)
{
    unsigned n = r ? (unsigned)(r->off + r->bytes - off) : 1;

    return n < left ? n : left;
}

static uint64_t rtl_rd(void *dev, uint32_t off, unsigned size)
{
    struct rtl *rtl = dev;
    uint64_t val = 0;

    if (!rtl_awake(rtl))
        return UINT32_MAX;
    for (unsigned i = 0, n; i < size; i += n) {
        const struct rtl_reg *r = reg_at(rtl, off + i);

        n = piece(r, off + i, size - i);
        if (r)
            val |= (uint64_t)reg_read(rtl, r, off + i - r->off, n) << (8 * i);
    }
    return val;
}

static void rtl_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct rtl *rtl = dev;

    if (!rtl_awake(rtl))
        return;
    for (unsigned i = 0, n; i < size; i += n) {
        const struct rtl_reg *r = reg_at(rtl, off + i);

        n = piece(r, off + i, size - i);
        if (r)
            reg_write(rtl, r, off + i - r->off, n, (uint32_t)(val >> (8 * i)));
    }
}

const struct io_ops rtl_io_ops = {.rd = rtl_rd, .wr = rtl_wr};

static void rows_reset(struct rtl *rtl, bool all)
{
    for (unsigned i = 1; i < ROWS; i++) {
        const struct rtl_reg *r = &rtl_regs[i];

        if (r->at == RTL_NOWHERE || (!all && (r->flags & RTL_F_KEEP)))
            continue;
        if (r->bytes > 4)
            memset((uint8_t *)&rtl->s + r->at, 0, r->bytes);
        else
            reg_store(rtl, r, r->reset);
    }
}

void rtl_regs_power_on(struct rtl *rtl)
{
    rows_reset(rtl, true);
}

/* 6.4: station address, filter and configuration stay, buffers are empty. */
void rtl_soft_reset(struct rtl *rtl)
{
    rows_reset(rtl, false);
    rtl->s.tctr_base_ns = clock_now(rtl->dev.env.clock);
    rtl->s.tctr_seen_ns = rtl->s.tctr_base_ns;
    timer_cancel(&rtl->more);
    rtl_rx_reset(rtl);
    rtl_tx_reset(rtl);
    rtl_irq_update(rtl);
    rtl_timer_arm(rtl);
    rtl_rx_update(rtl);
}
