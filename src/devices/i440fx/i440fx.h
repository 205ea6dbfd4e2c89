/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chip set: host bridge with the configuration and reset ports (00.0),
 * the ISA bridge (01.0) with its ports, and the two DMA controllers. No conf
 * keys; init fails when a slot or port is taken. Loop thread only.
 */
#ifndef HVMD_DEVICES_I440FX_H
#define HVMD_DEVICES_I440FX_H

#include <hvmd/dev.h>

extern const struct dev_ops i440fx_ops; /* 8086:1237, 0xcf8-0xcff */
extern const struct dev_ops piix3_ops;  /* 8086:7000, 0x92, 0xb2, 0x402 */
extern const struct dev_ops i8237_ops;  /* 0x00, 0x80, 0xc0, 0x480 */

#endif
