/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power management: the PIIX4 function 01.3 and the ACPI register blocks that
 * the guest firmware's tables name. The PM1 event block and the PM timer are
 * the hypervisor's. conf: "vcpus" online at the start (1), "max_vcpus" (1).
 * init fails when a slot or port is taken. Loop thread only.
 */
#ifndef HVMD_DEVICES_ACPI_H
#define HVMD_DEVICES_ACPI_H

#include <hvmd/dev.h>

extern const struct dev_ops acpi_ops;

/* The APM control port was written: 0xf1 ACPI on, 0xf0 off. */
void acpi_apm(struct dev *, uint8_t cmd);
bool acpi_suspended(const struct dev *);
/* Ends S3: 0; -EINVAL: the guest is not suspended, else: it stays so. */
int acpi_wakeup(struct dev *);
/*
 * Shows vcpu as there or not and tells the guest, if that is news; -EINVAL: no
 * such vCPU.
 */
int acpi_set_vcpu(struct dev *, unsigned vcpu, bool online);
bool acpi_vcpu_online(const struct dev *, unsigned vcpu);

#endif
