/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hvmd says of itself (ctl/ctl_stats.h), gathered from its parts. */
#include "ctl/ctl_stats.h"
#include "devices/ide/ide.h"
#include "devices/rtl8139/rtl8139.h"
#include "devices/xenplat/xenplat.h"
#include "hvmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void fill_devices(const struct hvmd *h, struct ctl_stats *s)
{
    const struct dev *d;

    while (s->ndevs < CTL_DEVS &&
           (d = machine_dev_at(h->machine, s->ndevs)) != NULL) {
        struct ctl_dev *out = &s->dev[s->ndevs++];

        out->name = d->ops->name;
        out->instance = d->instance;
        memcpy(out->hits, d->hits, sizeof(out->hits));
        out->mistakes = d->mistakes;
    }
}

/* How many hard disks the guest still has. */
static unsigned fill_disks(const struct hvmd *h, struct ctl_stats *s)
{
    const struct dev *ide = machine_dev(h->machine, ide_ops.name, 0);
    unsigned left = 0;

    for (unsigned u = 0; ide && u < MACHINE_DISKS; u++) {
        const struct machine_disk *d = &h->machine_conf.disk[u];
        struct ctl_disk *out = &s->disk[u];

        out->present = d->present;
        out->cdrom = d->cdrom;
        out->id = d->id;
        out->attached = ide_unit_is_cd(ide, u) || ide_unit_is_disk(ide, u);
        out->blk = out->attached ? ide_unit_blk(ide, u) : NULL;
        left += ide_unit_is_disk(ide, u);
    }
    return left;
}

static void fill_card(const struct dev *card, struct ctl_nic *out)
{
    struct rtl8139_stats s;

    if (!card)
        return;
    rtl8139_stats(card, &s);
    out->rx_frames = s.rx_frames;
    out->rx_bytes = s.rx_bytes;
    out->tx_frames = s.tx_frames;
    out->tx_bytes = s.tx_bytes;
    out->rx_filtered = s.rx_filtered;
    out->rx_held = s.rx_held;
    out->rx_errors = s.rx_errors;
    out->tx_errors = s.tx_errors;
    out->tx_segments = s.tx_segments;
    out->interrupts = s.interrupts;
}

static void fill_nics(const struct hvmd *h, struct ctl_stats *s, bool gone)
{
    s->nnics = h->machine_conf.nnics;
    for (unsigned i = 0; i < s->nnics; i++) {
        const struct machine_nic *n = &h->machine_conf.nic[i];
        struct ctl_nic *out = &s->nic[i];

        out->id = n->id;
        out->model = rtl8139_ops.name;
        memcpy(out->mac, n->mac, sizeof(out->mac));
        out->attached = !gone;
        out->dropped = n->net ? n->net->dropped : 0;
        fill_card(machine_dev(h->machine, rtl8139_ops.name, i), out);
    }
}

void hvmd_stats(void *ctx, struct ctl_stats *s)
{
    struct hvmd *h = ctx;
    const struct dev *plat = machine_dev(h->machine, xenplat_ops.name, 0);
    uint16_t mask = plat ? xenplat_unplug_mask(plat) : 0;
    bool nics_gone = (mask & XENPLAT_NICS) != 0;
    struct xen_counts counts;

    s->uptime_ns = clock_now(loop_clock(h->loop));
    s->viewers = console_clients(h->console);
    s->viewers_cpu_ns = console_cpu_ns(h->console);
    s->log_bytes = h->log.guest_bytes;
    s->log_dropped = h->log.guest_dropped;
    xen_counts(h->xen, &counts);
    s->ioreqs = counts.requests;
    s->buffered = counts.buffered;
    s->unknown = counts.unknown;
    s->malformed = counts.malformed;
    fill_devices(h, s);
    fill_nics(h, s, nics_gone);
    s->stepped_aside =
        fill_disks(h, s) == 0 && mask && (nics_gone || s->nnics == 0);
    ctl_proc_read(h->smaps_fd, &s->proc);
}

static struct dev *platform(struct hvmd *h, struct err *e)
{
    struct dev *plat = machine_dev(h->machine, xenplat_ops.name, 0);

    if (!plat)
        err_set(e, -ENODEV,
                "the machine has no Xen platform device (xen_platform_pci=0), "
                "so nothing can be unplugged");
    return plat;
}

int hvmd_unplug_journal(void *ctx, struct ctl_unplug *u, struct err *e)
{
    const struct dev *plat = platform(ctx, e);
    struct xenplat_event event[CTL_EVENTS];

    if (!plat)
        return -ENODEV;
    u->ignoring = xenplat_ignoring(plat);
    u->mask = xenplat_unplug_mask(plat);
    u->total = xenplat_events(plat);
    u->n = xenplat_journal(plat, event, CTL_EVENTS);
    for (unsigned i = 0; i < u->n; i++) {
        const struct xenplat_event *in = &event[i];
        struct ctl_unplug_event *out = &u->event[i];

        out->wall_ns = in->wall_ns;
        out->build = in->build;
        out->product = in->product;
        out->port_value = in->port_value;
        out->ignored = in->ignored;
        out->via = xenplat_via_name(in->via);
        out->product_name = xenplat_product_name(in->product);
        xenplat_went_text(in->went, out->went, sizeof(out->went));
    }
    return 0;
}

int hvmd_ignore_unplug(void *ctx, bool on, struct err *e)
{
    struct dev *plat = platform(ctx, e);

    if (!plat)
        return -ENODEV;
    xenplat_ignore_next(plat, on);
    return 0;
}
