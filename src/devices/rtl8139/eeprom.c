/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 93C46: 64 words of 16 bits behind four pins. DI is sampled and DO
 * changes when SK rises while CS is high. Programming takes no time.
 * Source: Microchip 93C46B data sheet, section 2 (instructions, sequential
 * read); contents: RTL8139C(L)+ data sheet 1.6, section 5 (EEPROM).
 */
#include "priv.h"

#include <string.h>

/* Words of the contents */
#define W_ID       0 /* 8129h: the contents are valid */
#define W_VID      1
#define W_DID      2
#define W_SVID     3
#define W_SMID     4
#define W_GNT_LAT  5  /* MNGNT, MXLAT */
#define W_MEDIA    6  /* MSRBMCR, CONFIG3 */
#define W_MAC      7  /* three words */
#define W_CONFIG01 10 /* CONFIG0, CONFIG1 */
#define W_PMC      11
#define W_CONFIG4  12 /* high byte */
#define W_PHY1     13 /* two words */
#define W_PHY2     15 /* PHY2_PARM, CONFIG5 */
#define W_TW       16 /* eight words */
#define W_VPD      32
#define EE_WORDS   64

#define EE_VALID 0x8129u

/* Two bits of operation, six of address */
#define OP_EXTENDED 0u
#define OP_WRITE    1u
#define OP_READ     2u
#define OP_ERASE    3u
/* Upper address bits of OP_EXTENDED */
#define EXT_EWDS 0u
#define EXT_WRAL 1u
#define EXT_ERAL 2u

static const uint16_t ee_tune[10] = {0x43b9, 0xb0f2, 0xdf43, 0x8a36, 0xdf43,
                                     0x8a36, 0x43b9, 0xb0f2, 0x1111, 0x1111};

/* BS2-0 of CONFIG0: 8 KiB to 128 KiB */
static uint16_t rom_bits(uint32_t bytes)
{
    uint16_t bs = 1;

    if (!bytes)
        return 0;
    while (bs < 5 && (4096u << bs) < bytes)
        bs++;
    return bs;
}

void rtl_eeprom_fill(struct rtl *rtl, const uint8_t mac[6])
{
    uint16_t *w = rtl->s.ee_word;

    memset(w, 0, sizeof(rtl->s.ee_word));
    for (unsigned i = W_VPD; i < EE_WORDS; i++)
        w[i] = 0xffff;
    w[W_ID] = EE_VALID;
    w[W_VID] = (uint16_t)pci_get(&rtl->pci, PCI_VENDOR_ID, 2);
    w[W_DID] = (uint16_t)pci_get(&rtl->pci, PCI_DEVICE_ID, 2);
    w[W_SVID] = (uint16_t)pci_get(&rtl->pci, PCI_SUBSYS_VENDOR, 2);
    w[W_SMID] = (uint16_t)pci_get(&rtl->pci, PCI_SUBSYS_ID, 2);
    w[W_GNT_LAT] = RTL_MAX_LAT << 8 | RTL_MIN_GNT;
    w[W_MEDIA] = 0x41f1; /* PARM_En, FBtBEn; flow control, 100 Mb/s, N-way */
    for (unsigned i = 0; i < 3; i++)
        w[W_MAC + i] = (uint16_t)(mac[2 * i] | mac[2 * i + 1] << 8);
    w[W_CONFIG01] = 0x4d10 | rom_bits(rtl->rom.size_bytes);
    w[W_PMC] = RTL_PMC;
    w[W_CONFIG4] = 0x8801;
    w[W_PHY1] = ee_tune[0];
    w[W_PHY1 + 1] = ee_tune[1];
    w[W_PHY2] = 0x061a;
    memcpy(&w[W_TW], &ee_tune[2], 8 * sizeof(uint16_t));
}

static void load_words(struct rtl_state *s)
{
    const uint16_t *w = s->ee_word;

    for (unsigned i = 0; i < 6; i++)
        s->idr[i] = (uint8_t)(w[W_MAC + i / 2] >> (i % 2 * 8));
    s->config0 = (uint8_t)w[W_CONFIG01];
    s->config1 = (uint8_t)(w[W_CONFIG01] >> 8);
    s->config3 = (uint8_t)(w[W_MEDIA] >> 8);
    s->config4 = (uint8_t)(w[W_CONFIG4] >> 8);
    s->config5 = (uint8_t)(w[W_PHY2] >> 8);
    s->phy1_parm = (uint32_t)w[W_PHY1 + 1] << 16 | w[W_PHY1];
    s->phy2_parm = (uint8_t)w[W_PHY2];
    s->tw_parm = (uint32_t)w[W_TW + 1] << 16 | w[W_TW];
    s->msr = (uint8_t)((s->msr & ~(MSR_TXFCE | MSR_RXFCE)) |
                       (w[W_MEDIA] & (MSR_TXFCE | MSR_RXFCE)));
}

/* Without the ID word nothing is loaded: the registers stay as they are. */
void rtl_eeprom_load(struct rtl *rtl)
{
    if (rtl->s.ee_word[W_ID] == EE_VALID)
        load_words(&rtl->s);
    rtl_pm_update(rtl);
    rtl_phy_reset(rtl);
}

/* Bits 5, 4 and 0 of MSRBMCR are Spd_Set, ANE and Duplex Mode. */
uint16_t rtl_eeprom_bmcr(const struct rtl *rtl)
{
    const uint16_t *w = rtl->s.ee_word;

    if (w[W_ID] != EE_VALID)
        return BMCR_LOCKED;
    return (uint16_t)((w[W_MEDIA] & 0x31u) << 8);
}

static void command(struct rtl_state *s, uint8_t cmd)
{
    uint8_t addr = cmd & (EE_WORDS - 1);

    s->ee_addr = addr;
    s->ee_bits = 0;
    s->ee_shift = 0;
    s->ee_phase = EE_IGNORE;
    switch (cmd >> 6) {
    case OP_READ:
        s->ee_phase = EE_READ;
        s->ee_shift = s->ee_word[addr];
        s->ee_do = 0; /* the dummy bit */
        break;
    case OP_WRITE:
        s->ee_phase = EE_WRITE;
        break;
    case OP_ERASE:
        s->ee_phase = EE_DO_ERASE;
        break;
    default:
        if (addr >> 4 == EXT_WRAL)
            s->ee_phase = EE_WRAL;
        else if (addr >> 4 == EXT_ERAL)
            s->ee_phase = EE_DO_ERAL;
        else
            s->ee_write_on = addr >> 4 != EXT_EWDS;
        break;
    }
}

static void shift_in(struct rtl_state *s, bool di)
{
    s->ee_shift = (uint16_t)(s->ee_shift << 1 | di);
    s->ee_bits++;
}

/* A rising edge of SK. */
static void clock_in(struct rtl_state *s, bool di)
{
    switch (s->ee_phase) {
    case EE_START:
        if (!di)
            break;
        s->ee_phase = EE_COMMAND;
        s->ee_bits = 0;
        s->ee_shift = 0;
        break;
    case EE_COMMAND:
        shift_in(s, di);
        if (s->ee_bits == 8)
            command(s, (uint8_t)s->ee_shift);
        break;
    case EE_READ: /* goes on with the next word */
        s->ee_do = (uint8_t)(s->ee_shift >> 15);
        shift_in(s, 0);
        if (s->ee_bits == 16) {
            s->ee_addr = (s->ee_addr + 1) & (EE_WORDS - 1);
            s->ee_shift = s->ee_word[s->ee_addr];
            s->ee_bits = 0;
        }
        break;
    case EE_WRITE:
    case EE_WRAL:
        shift_in(s, di);
        if (s->ee_bits == 16)
            s->ee_phase = s->ee_phase == EE_WRITE ? EE_DO_WRITE : EE_DO_WRAL;
        break;
    default: /* more clocks than the instruction has bits */
        break;
    }
}

/* CS falls: what was shifted in is programmed. */
static void deselect(struct rtl_state *s)
{
    uint16_t val = s->ee_phase == EE_DO_WRITE || s->ee_phase == EE_DO_WRAL
                       ? s->ee_shift
                       : 0xffff;

    if (s->ee_write_on) {
        if (s->ee_phase == EE_DO_WRITE || s->ee_phase == EE_DO_ERASE)
            s->ee_word[s->ee_addr] = val;
        else if (s->ee_phase == EE_DO_WRAL || s->ee_phase == EE_DO_ERAL)
            for (unsigned i = 0; i < EE_WORDS; i++)
                s->ee_word[i] = val;
    }
    s->ee_phase = EE_STANDBY;
}

void rtl_eeprom_pins(struct rtl *rtl, uint8_t pins)
{
    struct rtl_state *s = &rtl->s;
    bool cs = (pins & EE_CS) != 0, sk = (pins & EE_SK) != 0;
    bool rise = sk && !s->ee_clk;

    s->ee_clk = sk;
    if (!cs) {
        if (s->ee_phase != EE_STANDBY)
            deselect(s);
        s->ee_do = 1; /* floats high */
        return;
    }
    if (s->ee_phase == EE_STANDBY) {
        s->ee_phase = EE_START;
        s->ee_do = 1; /* ready: no programming under way */
    }
    if (rise)
        clock_in(s, (pins & EE_DI) != 0);
}
