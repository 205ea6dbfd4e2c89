/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of the PIIX4 power management function and of the ACPI blocks.
 * Source: Intel 82371AB data sheet (290562-001), section 7 (configuration,
 * I/O); Advanced Configuration and Power Interface 6.3, section 4.8; the
 * addresses of GPE0 and of the hot-plug registers: Xen's libacpi tables.
 */
#ifndef HVMD_DEVICES_ACPI_REGS_H
#define HVMD_DEVICES_ACPI_REGS_H

/* Configuration space, section 7.1 */
#define PMBA             0x40
#define PMBA_ADDR        0xffc0u
#define PMREGMISC        0x80
#define PMREGMISC_PMIOSE 0x01u
#define SMBBA            0x90

/* PM1a control, offset from PMBA, section 7.2.3 */
#define PMCNTRL         0x04
#define PMCNTRL_BYTES   4 /* 6 and 7 are reserved */
#define PM1_SCI_EN      0x0001u
#define PM1_BM_RLD      0x0002u
#define PM1_SLP_TYP     0x1c00u
#define PM1_SLP_SHIFT   10
#define PM1_SLP_EN      0x2000u /* reads as 0 */
#define PM1_KEPT        (PM1_SCI_EN | PM1_BM_RLD | PM1_SLP_TYP)
#define SLP_TYP_SOFTOFF 0 /* what the tables give for both S5 and S4 */
#define SLP_TYP_S3      1

#define GPE0_PORT  0xafe0
#define GPE0_BYTES 4 /* two of status, two of enable */
#define GPE_CPU    2

#define PCIHP_PORT  0xae00
#define PCIHP_BYTES 16
#define PCIHP_EJECT 8

#define CPUHP_PORT  0xaf00
#define CPUHP_BYTES 32u

#define DSDT_PORT  0xb044
#define DSDT_BYTES 4

#define SCI_IRQ 9

#endif
