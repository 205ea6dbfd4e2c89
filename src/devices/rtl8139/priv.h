/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the RTL8139C+: regs.c (registers, interrupts, config
 * lock), eeprom.c (93C46), phy.c (MII registers, auto-negotiation), tx.c
 * (RTL8139C transmitter), txplus.c (C+ descriptor rings), rx.c (filters, both
 * receivers), tell.c (when the driver hears of that), rtl8139.c (life cycle,
 * PCI), state.c (table and checks).
 */
#ifndef RTL8139_PRIV_H
#define RTL8139_PRIV_H

#include "regs.h"
#include "rtl8139.h"
#include "work.h"

#include <hvmd/machine.h>
#include <hvmd/pci.h>

/* Largest frame the chip sends or receives without FCS, tagged. */
#define RTL_FRAME_MAX 16384u
/* Descriptors looked at in one go before the loop gets its turn (R4). */
#define RTL_TX_BUDGET 64u

/* All that the guest can observe; every byte is in state.c's table. */
struct rtl_state {
    uint64_t tctr_base_ns; /* VM clock at which TCTR was 0 */
    uint64_t tctr_seen_ns; /* TCTR was compared with TimerInt up to then */
    uint64_t tnpds, thpds; /* C+ ring bases, 256-byte aligned */
    uint64_t rdsar;
    uint64_t dtccr; /* tally dump address */
    uint64_t tally_tx_ok, tally_rx_ok, tally_tx_err;
    uint64_t tally_rx_phy, tally_rx_brd;
    uint32_t tally_rx_err, tally_tx_1col, tally_tx_mcol, tally_rx_mul;
    uint32_t tsd[4], tsad[4];
    uint32_t rbstart;
    uint32_t tcr, rcr;
    uint32_t timerint;
    uint32_t mpc; /* 24 bits */
    uint32_t flash, phy1_parm, tw_parm;
    uint32_t fer, femr; /* CardBus function event registers */
    uint32_t rx_put;    /* C: bytes put in the ring, offset from RBSTART */
    uint16_t tally_miss, tally_fae, tally_tx_abt, tally_tx_undrn;
    uint16_t capr; /* as written by the guest; CBR is rx_put */
    uint16_t imr, isr;
    uint16_t mulint;
    uint16_t bmcr, bmsr, anar, anlpar, aner;
    uint16_t dis, nwaytr, cscr;
    uint16_t cpcr;
    uint16_t tx_ring[2]; /* C+: next descriptor, normal and high priority */
    uint16_t rx_ring;    /* C+: next receive descriptor */
    uint16_t tx_vlan;    /* tag of the frame being gathered */
    uint16_t ee_word[64];
    uint16_t ee_shift; /* bits on their way in or out */
    uint8_t ee_bits, ee_phase, ee_addr, ee_write_on, ee_do, ee_clk;
    uint8_t tx_next; /* C: descriptor whose turn it is */
    uint8_t cr, cr9346;
    uint8_t config0, config1, config3, config4, config5;
    uint8_t msr, etthr, phy2_parm;
    uint8_t idr[6], mar[8];
    uint8_t crc[8], wakeup[64], lsbcrc[8];
    uint8_t cable;     /* the administrator has it plugged in */
    uint8_t gone;      /* unplugged by the guest's PV drivers */
    uint8_t tx_wait;   /* the cable is full: bit 0 C, 1 normal, 2 high */
    uint8_t loop_full; /* a frame stands in the loopback slot */
    uint8_t pad[13];
    uint8_t cfg[256];
};

struct rtl {
    struct dev dev; /* first */
    struct pci_dev pci;
    struct net *net;
    struct timer timer; /* TCTR reaches TimerInt */
    struct timer more;  /* the rest of a walk over its budget; loopback */
    struct rtl8139_stats stats;
    uint32_t loop_len;            /* the one-deep loopback queue (R5) */
    bool rx_told, rx_on, rx_deaf; /* what the cable was last told */
    bool paused;
    bool cplus;    /* revision 20h or later */
    bool returned; /* cable and ROM are their owner's again: it stays gone */
    struct rom rom;
    uint8_t mac[6];    /* as the administrator gave it */
    struct rtl_work w; /* of the two halves of the data path */
    struct rtl_state s;
    uint8_t loop_frame[RTL_FRAME_MAX];
};

/* One row of the register table (regs.c). */
struct rtl_reg {
    const char *name;
    uint8_t off, bytes;
    uint8_t flags;
    uint16_t at;    /* of the value in struct rtl_state; RTL_NOWHERE */
    uint32_t reset; /* after power-on; EEPROM and link may differ */
    uint32_t wmask; /* bits the guest writes */
    uint32_t live;  /* bits the chip sets */
    uint32_t (*get)(struct rtl *, const struct rtl_reg *);
    /* val: the bytes written, the others 0; lanes: ff in each of those. */
    void (*set)(struct rtl *, const struct rtl_reg *, uint32_t val,
                uint32_t lanes);
};
#define RTL_NOWHERE UINT16_MAX
#define RTL_F_CP    1u /* only in the C+ */
#define RTL_F_CPTX  2u /* seen in C+ transmit mode, instead of TSD and TSAD */
#define RTL_F_LOCK  4u /* writable while 9346CR says so */
#define RTL_F_KEEP  8u /* a software reset leaves it alone */
extern const struct rtl_reg rtl_regs[];
extern const unsigned rtl_nregs;
extern const struct io_ops rtl_io_ops;
#define RTL_REG_BYTES 256u

/* Config space: the power-management capability (C+ sheet, section 8) */
#define RTL_PMCAP       0xdcu
#define RTL_PMCSR       (RTL_PMCAP + 4)
#define RTL_PMC         0x0602u /* version 2, D1 and D2, no PME */
#define RTL_MIN_GNT     0x20u
#define RTL_MAX_LAT     0x40u
#define PMCSR_STATE     0x03u
#define RTL_STATUS_INTX 0x08u /* PCI status: INTA asserted */

/* In D0 and on the bus: answers, interrupts, moves data. */
bool rtl_awake(const struct rtl *);

/* ISR bits are set and the wire follows ISR & IMR (regs.c). */
void rtl_isr(struct rtl *, uint16_t bits);
void rtl_irq_update(struct rtl *);
/* What CR.RST does (regs.c). */
void rtl_soft_reset(struct rtl *);
/* All of the table to its reset values, before the EEPROM is loaded. */
void rtl_regs_power_on(struct rtl *);
/* TimerInt: sets ISR.TimeOut when due; arms the timer when that shows. */
void rtl_timer_check(struct rtl *);
void rtl_timer_arm(struct rtl *);
void rtl_timer_fire(void *rtl);
/* CONFIG1.PMEn shows or hides the capability (rtl8139.c). */
void rtl_pm_update(struct rtl *);

/* C mode: the size of the receive ring, and CR.BUFE. */
static inline uint32_t rtl_ring_bytes(const struct rtl_state *s)
{
    return 8192u << ((s->rcr & RCR_RBLEN) >> RCR_RBLEN_SHIFT);
}
static inline bool rtl_ring_empty(const struct rtl_state *s)
{
    uint32_t mask = rtl_ring_bytes(s) - 1;

    return ((s->rx_put ^ (s->capr + 16u)) & mask) == 0;
}

/* TSDn was written with OWN clear (tx.c). */
void rtl_tx_start(struct rtl *, unsigned n);
/* TPPoll was written (txplus.c); hp: the high-priority ring. */
void rtl_tx_poll(struct rtl *, bool hp);
/* The transmitter was switched on or off, or the chip was reset. */
void rtl_tx_reset(struct rtl *);
/* Goes on with what waits: budget, full cable, pause, restored state. */
void rtl_tx_resume(struct rtl *);
/* Sends one frame: pads, loops it back or hands it to the cable. False: the
 * cable is full; call again with the same frame after tx_ready. */
bool rtl_tx_frame(struct rtl *, const struct net_offload *,
                  const struct iovec *, unsigned niov);

/* A frame from the cable or the loopback slot (rx.c); see net.h. */
bool rtl_rx(void *dev, const uint8_t *frame, uint32_t len);
void rtl_rx_end(void *dev);
/* After any change of CR, RCR, CAPR, RBSTART, CPCR, RDSAR, link or pause, and
 * after a kick of the C+ receiver: tells the cable whether there is room. Also
 * after writes of IMR and ISR: a C+ driver says nothing else when it has given
 * descriptors back. */
void rtl_rx_update(struct rtl *);
void rtl_rx_reset(struct rtl *);

void rtl_eeprom_fill(struct rtl *, const uint8_t mac[6]);
void rtl_eeprom_load(struct rtl *); /* to IDR and CONFIG: 9346CR auto-load */
void rtl_eeprom_pins(struct rtl *, uint8_t pins); /* EECS EESK EEDI */
uint16_t rtl_eeprom_bmcr(const struct rtl *);     /* the media bits of BMCR */

/* ee_phase; DO_ ones are programmed when CS falls */
enum rtl_ee_phase {
    EE_STANDBY, /* CS low */
    EE_START,   /* waits for the start bit */
    EE_COMMAND,
    EE_READ,
    EE_WRITE,
    EE_WRAL,
    EE_DO_WRITE,
    EE_DO_WRAL,
    EE_DO_ERASE,
    EE_DO_ERAL,
    EE_IGNORE,
};

void rtl_phy_reset(struct rtl *);
void rtl_phy_write(struct rtl *, unsigned reg, uint16_t val); /* BMCR 62.. */
void rtl_phy_link(struct rtl *);   /* the cable changed */
bool rtl_link(const struct rtl *); /* up, as MSR and BMSR say */

extern const struct state_desc rtl_state_desc;

#endif
