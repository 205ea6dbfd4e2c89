/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serial port (16550A) and parallel port (SPP) of a PC. Loop thread only.
 * Output goes straight to the byte stream; what it refuses stays in the
 * transmitter, and the guest sees it busy. Input is taken as the receiver has
 * room, never overrun. A timer runs only while received bytes wait below the
 * trigger level.
 * Source: National Semiconductor PC16550D data sheet (June 1995), section 8;
 * IEEE 1284-1994, compatibility mode.
 */
#ifndef HVMD_UART_H
#define HVMD_UART_H

#include <hvmd/dev.h>

/* Properties of both: "base" (port), "irq" (ISA line), "chr" (struct chr *,
 * may be absent: output is dropped). A serial port that shares its line has
 * "irq_or" (struct irq_or *) and "irq_input" (its number there) for "irq". */
extern const struct dev_ops uart_ops;
extern const struct dev_ops parport_ops;

#endif
