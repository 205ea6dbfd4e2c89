/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register bits of the RTL8139C and RTL8139C+ by their data-sheet names. The
 * registers themselves, with offsets and masks, are one table in regs.c.
 * Source: RTL8139C(L) data sheet 1.4, section 6; RTL8139C(L)+ 1.6, section 6.
 */
#ifndef RTL8139_REGS_H
#define RTL8139_REGS_H

/* Offsets that code speaks of; C+ ones overlay TSD and TSAD. */
#define RTL_IDR0     0x00
#define RTL_MAR0     0x08
#define RTL_DTCCR    0x10 /* C+ transmit mode */
#define RTL_TSD0     0x10
#define RTL_TNPDS    0x20 /* C+ transmit mode */
#define RTL_TSAD0    0x20
#define RTL_THPDS    0x28 /* C+ transmit mode */
#define RTL_RBSTART  0x30
#define RTL_CR       0x37
#define RTL_CAPR     0x38
#define RTL_CBR      0x3a
#define RTL_IMR      0x3c
#define RTL_ISR      0x3e
#define RTL_TCR      0x40
#define RTL_RCR      0x44
#define RTL_TCTR     0x48
#define RTL_MPC      0x4c
#define RTL_9346CR   0x50
#define RTL_CONFIG0  0x51
#define RTL_CONFIG1  0x52
#define RTL_TIMERINT 0x54
#define RTL_MSR      0x58
#define RTL_CONFIG3  0x59
#define RTL_CONFIG4  0x5a
#define RTL_MULINT   0x5c
#define RTL_RERID    0x5e
#define RTL_TSAD     0x60
#define RTL_BMCR     0x62
#define RTL_BMSR     0x64
#define RTL_ANAR     0x66
#define RTL_ANLPAR   0x68
#define RTL_ANER     0x6a
#define RTL_DIS      0x6c
#define RTL_NWAYTR   0x70
#define RTL_CSCR     0x74
#define RTL_CONFIG5  0xd8
#define RTL_TPPOLL   0xd9
#define RTL_CPCR     0xe0
#define RTL_RDSAR    0xe4
#define RTL_ETTHR    0xec
#define RTL_FER      0xf0
#define RTL_FEMR     0xf4
#define RTL_FPSR     0xf8
#define RTL_FFER     0xfc

/* TSD0-3 */
#define TSD_SIZE      0x00001fffu
#define TSD_OWN       0x00002000u
#define TSD_TUN       0x00004000u
#define TSD_TOK       0x00008000u
#define TSD_ERTXTH    0x003f0000u
#define TSD_NCC       0x0f000000u
#define TSD_CDH       0x10000000u
#define TSD_OWC       0x20000000u
#define TSD_TABT      0x40000000u
#define TSD_CRS       0x80000000u
#define TSD_WRITABLE  (TSD_SIZE | TSD_OWN | TSD_ERTXTH)
#define TSD_STATUS    (~(TSD_WRITABLE | 0x00c00000u))
#define TSD_FRAME_MAX 1792u

/* CR */
#define CR_BUFE 0x01u
#define CR_TE   0x04u
#define CR_RE   0x08u
#define CR_RST  0x10u

/* IMR, ISR */
#define INT_ROK     0x0001u
#define INT_RER     0x0002u
#define INT_TOK     0x0004u
#define INT_TER     0x0008u
#define INT_RXOVW   0x0010u /* C+: no receive descriptor (RDU) */
#define INT_LINKCHG 0x0020u /* packet underrun or link change */
#define INT_FOVW    0x0040u
#define INT_TDU     0x0080u /* C+: no transmit descriptor */
#define INT_SWINT   0x0100u /* C+ */
#define INT_LENCHG  0x2000u
#define INT_TIMEOUT 0x4000u
#define INT_SERR    0x8000u
#define INT_ALL     0xe1ffu
#define INT_CPLUS   (INT_TDU | INT_SWINT)

/* TCR */
#define TCR_CLRABT        0x00000001u
#define TCR_TXRR          0x000000f0u
#define TCR_MXDMA         0x00000700u
#define TCR_CRC           0x00010000u /* the driver appends the FCS */
#define TCR_LBK           0x00060000u /* both bits: loopback */
#define TCR_IFG           0x03080000u
#define TCR_WRITABLE      (TCR_TXRR | TCR_MXDMA | TCR_CRC | TCR_LBK | TCR_IFG)
#define TCR_HWVERID       0x7cc00000u
#define TCR_HWVERID_C     0x74000000u
#define TCR_HWVERID_CPLUS 0x74800000u

/* RCR */
#define RCR_AAP         0x00000001u
#define RCR_APM         0x00000002u
#define RCR_AM          0x00000004u
#define RCR_AB          0x00000008u
#define RCR_AR          0x00000010u
#define RCR_AER         0x00000020u
#define RCR_9356SEL     0x00000040u
#define RCR_WRAP        0x00000080u /* 1: a frame goes on behind the end */
#define RCR_MXDMA       0x00000700u
#define RCR_RBLEN       0x00001800u
#define RCR_RBLEN_SHIFT 11
#define RCR_RXFTH       0x0000e000u
#define RCR_RER8        0x00010000u
#define RCR_MULERINT    0x00020000u
#define RCR_ERTH        0x0f000000u
#define RCR_WRITABLE    0x0f03ffbfu

/* 9346CR */
#define EE_EEM      0xc0u
#define EEM_NORMAL  0x00u
#define EEM_LOAD    0x40u
#define EEM_PROGRAM 0x80u
#define EEM_CONFIG  0xc0u
#define EE_CS       0x08u
#define EE_SK       0x04u
#define EE_DI       0x02u
#define EE_DO       0x01u

#define CONFIG1_PMEN 0x01u

/* MSR */
#define MSR_RXPF     0x01u
#define MSR_TXPF     0x02u
#define MSR_LINKB    0x04u /* 1: no link */
#define MSR_SPEED_10 0x08u
#define MSR_AUX      0x10u
#define MSR_RXFCE    0x40u
#define MSR_TXFCE    0x80u

/* BMCR, BMSR, ANAR and ANLPAR (also IEEE 802.3 clause 28), ANER, CSCR */
#define BMCR_RESET   0x8000u
#define BMCR_SPD_SET 0x2000u
#define BMCR_ANE     0x1000u
#define BMCR_RESTART 0x0200u
#define BMCR_DUPLEX  0x0100u
#define BMCR_LOCKED  (BMCR_SPD_SET | BMCR_ANE | BMCR_DUPLEX)
#define BMSR_ABLE    0x7809u /* 10 and 100 Mb/s, N-way, extended registers */
#define BMSR_ANDONE  0x0020u
#define BMSR_LINK    0x0004u
#define AN_NP        0x8000u
#define AN_ACK       0x4000u
#define AN_RF        0x2000u
#define AN_PAUSE     0x0400u
#define AN_TXFD      0x0100u
#define AN_TX        0x0080u
#define AN_10FD      0x0040u
#define AN_10        0x0020u
#define AN_MEDIA     (AN_TXFD | AN_TX | AN_10FD | AN_10)
#define AN_CSMACD    0x0001u
#define ANER_PAGE_RX 0x0002u
#define ANER_LP_ABLE 0x0001u
#define CSCR_RESET   0x03c0u
#define CSCR_CON     0x0008u /* connected */
/* The sheet has it reserved; Linux' 8139too asks it whether the link changed.
 */
#define CSCR_CHANGED 0x0800u

/* C+ */
#define DTCCR_CMD     0x08u
#define TPPOLL_HPQ    0x80u
#define TPPOLL_NPQ    0x40u
#define TPPOLL_FSWINT 0x01u
#define CPCR_TX       0x0001u
#define CPCR_RX       0x0002u
#define CPCR_MULRW    0x0008u
#define CPCR_DAC      0x0010u
#define CPCR_RXCHKSUM 0x0020u
#define CPCR_RXVLAN   0x0040u
#define CPCR_WRITABLE 0x007bu

/* FER, FEMR, FPSR, FFER (PC Card standard 8.0, CardBus status registers) */
#define FE_INTR  0x8000u
#define FE_WKUP  0x4000u
#define FE_GWAKE 0x0010u

#endif
