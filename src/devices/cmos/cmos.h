/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RAM behind the real-time clock (ports 0x70, 0x71). Xen emulates the
 * clock itself, registers 0x00 to 0x0d, and passes on the rest
 * (xen/arch/x86/hvm/rtc.c); hvmloader stores the memory size there and SeaBIOS
 * looks there for the boot order and for how the BIOS translates cylinders,
 * heads and sectors of each IDE disk. conf: "boot" str, letters of a c d n;
 * "disktrans" num, enum cmos_trans << 2 * unit. Loop thread.
 */
#ifndef HVMD_CMOS_H
#define HVMD_CMOS_H

#include <hvmd/dev.h>

enum cmos_trans { CMOS_TRANS_NONE, CMOS_TRANS_LBA };

extern const struct dev_ops cmos_ops;

/* The next start of the processor is a wake-up from S3. */
void cmos_mark_suspend(struct dev *);

#endif
