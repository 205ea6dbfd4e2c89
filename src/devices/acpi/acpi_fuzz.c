/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile guest and toolstack at power management. */
#include "../../bench/steps.h"
#include "acpi.h"

#include <errno.h>

#define PM PCI_DEVFN(1, 3)

static const struct steps_window windows[] = {
    {IO_PIO, 0xae00, 0x14}, {IO_PIO, 0xaf00, 0x20}, {IO_PIO, 0xafe0, 4},
    {IO_PIO, 0xb000, 0x40}, {IO_PIO, 0xb044, 4},    {IO_PCI, PM << 8, 256},
};

struct host {
    struct machine_head head;
    bool refuses;
};

static int on_request(struct machine *m, enum machine_event e)
{
    return ((struct host *)m)->refuses ? -EPERM : 0;
}

/* 0: a vCPU comes (a odd) or goes; 1: the APM port; 2: wake-up, a odd: the
 * hypervisor refuses from now on. */
static void own(struct steps *s, unsigned n, unsigned a)
{
    struct dev *pm = s->dev[0];

    if (n == 0) {
        unsigned cpu = take8(&s->in);
        int rc = acpi_set_vcpu(pm, cpu, a & 1);

        MUST(rc == (cpu < 12 ? 0 : -EINVAL));
        MUST(rc || acpi_vcpu_online(pm, cpu) == (a & 1));
    } else if (n == 1) {
        acpi_apm(pm, a ? (uint8_t)(0xf0 | a) : take8(&s->in));
    } else {
        ((struct host *)s->ctx)->refuses = a & 1;
        if (acpi_wakeup(pm) == 0)
            MUST(!acpi_suspended(pm));
    }
}

static unsigned own_bytes(struct bytes in, unsigned n, unsigned a)
{
    return n == 0 || (n == 1 && a == 0);
}

static void place(struct steps *s)
{
    steps_cfg(s, PM, 0x3c, 2, 9);
    steps_cfg(s, PM, 0x40, 4, 0xb001);
    steps_cfg(s, PM, 0x80, 1, 1);
}

const struct steps_map fuzz_map = {
    STEPS_WINDOWS(windows),
    .own = own,
    .own_bytes = own_bytes,
    .place = place,
};

static void build(struct steps *s, unsigned key)
{
    struct host *host = calloc(1, sizeof(*host));
    struct conf c = {.n = 0};

    s->ctx = host;
    host->head.request = on_request;
    steps_begin(s, &fuzz_map, NULL, 0, 4096);
    s->b->env.machine = (struct machine *)host;
    conf_set_num(&c, "vcpus", 3);
    conf_set_num(&c, "max_vcpus", 12);
    steps_add(s, &acpi_ops, &c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct steps *s = steps_kept((struct bytes){data, len}, 0, build);

    steps_run(s, NULL);
    steps_back(s);
    return 0;
}
