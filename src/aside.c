/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stepping aside: when the guest's PV drivers have taken over, whatever only
 * the emulated disks and cards needed is given back to the host.
 */
#include "hvmd.h"

#include <malloc.h>

static void close_disk(struct hvmd *h, unsigned unit)
{
    if (!h->disk[unit])
        return;
    h->disk[unit]->ops->close(h->disk[unit]);
    h->disk[unit] = NULL;
    h->machine_conf.disk[unit].blk = NULL;
}

/* Cards and cables are numbered apart. */
static void close_net(struct hvmd *h, unsigned nic)
{
    struct net *net = h->machine_conf.nic[nic].net;

    h->machine_conf.nic[nic].net = NULL;
    for (unsigned i = 0; net && i < MACHINE_NICS; i++) {
        if (h->net[i] != net)
            continue;
        net->ops->close(net);
        h->net[i] = NULL;
        return;
    }
}

/* Not in the middle of the guest's access, where they may be in use. */
static void step_aside(void *ctx)
{
    struct hvmd *h = ctx;

    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        if (h->gone_disks & 1u << i)
            close_disk(h, i);
    for (unsigned i = 0; i < MACHINE_NICS; i++)
        if (h->gone_nics & 1u << i)
            close_net(h, i);
    for (unsigned i = 0; h->gone_nics && i < MACHINE_NICS; i++)
        rom_free(&h->nic_rom[i]); /* cards go all at once */
    h->gone_disks = h->gone_nics = 0;
    pool_rest(h->pool);
    xen_rest(h->xen);
    malloc_trim(0);
}

void hvmd_aside_init(struct hvmd *h)
{
    timer_init(&h->step_aside, loop_clock(h->loop), step_aside, h);
}

void hvmd_aside_end(struct hvmd *h)
{
    if (h->step_aside.clock)
        timer_cancel(&h->step_aside);
}

/*
 * A restored guest whose disks and cards had gone: its taps must be there until
 * the toolstack's scripts are done with them, and that is when it has said
 * "cont", be the guest asleep or not.
 */
void hvmd_aside_now(struct hvmd *h)
{
    if ((h->gone_disks || h->gone_nics) && h->status != QMP_PAUSED &&
        h->status != QMP_PRELAUNCH)
        timer_set(&h->step_aside, 0);
}

void hvmd_disk_gone(void *ctx, unsigned unit)
{
    struct hvmd *h = ctx;

    h->gone_disks |= 1u << unit;
    hvmd_aside_now(h);
}

void hvmd_nic_gone(void *ctx, unsigned nic)
{
    struct hvmd *h = ctx;

    h->gone_nics |= 1u << nic;
    hvmd_aside_now(h);
}

bool hvmd_blacklisted(void *ctx, const char *product, uint32_t build)
{
    struct hvmd *h = ctx;

    return xs_blacklisted(&h->blacklist, product, build);
}
