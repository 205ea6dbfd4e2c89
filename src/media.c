/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives as the toolstack sees them, and the media of CD drives. A medium
 * comes as a descriptor that is open for reading; all that is needed of it is
 * that.
 *
 * A guest that has mounted a CD locks the tray. It is then asked to give the
 * CD up, as by the drive's button, and has ASK_NS to do so; then the tray opens
 * all the same, since the one who asks for that owns the machine. libxl gives
 * an eject 10 s.
 */
#include "devices/ide/ide.h"
#include "hvmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_NS (5 * NS_PER_S)

static struct dev *ide_of(const struct hvmd *h)
{
    return machine_dev(h->machine, ide_ops.name, 0);
}

static unsigned unit_of(const struct media *m)
{
    return (unsigned)(m - m->hvmd->media);
}

/* As QEMU names drives that were given no id, and as xenopsd knows them. */
static void bus_name(const struct hvmd *h, unsigned unit, char *buf, size_t len)
{
    snprintf(buf, len, "ide%u-%s%u", unit / 2 & 1,
             h->machine_conf.disk[unit].cdrom ? "cd" : "hd", unit & 1);
}

static int find(const struct hvmd *h, const char *name)
{
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        const struct machine_disk *d = &h->machine_conf.disk[u];
        char bus[24];

        bus_name(h, u, bus, sizeof(bus));
        if (d->present &&
            ((d->id && !strcmp(name, d->id)) || !strcmp(name, bus)))
            return (int)u;
    }
    return -ENODEV;
}

/* The unit of a CD drive, or -errno. */
static int find_cd(const struct hvmd *h, const char *name, struct err *e)
{
    int u = find(h, name);

    if (u >= 0 && !h->machine_conf.disk[u].cdrom)
        return err_set(e, -EINVAL,
                       "Device '%.60s' is a hard disk; only a CD-ROM's medium "
                       "can be changed",
                       name);
    return u;
}

static void close_medium(struct hvmd *h, unsigned unit, struct blk *old)
{
    if (old)
        old->ops->close(old); /* what is in flight ends first */
    if (h->disk[unit] == old)
        h->disk[unit] = NULL;
    if (h->machine_conf.disk[unit].blk == old)
        h->machine_conf.disk[unit].blk = NULL;
}

static void answer(struct media *m, const struct err *e)
{
    uint64_t token = m->token;

    timer_cancel(&m->timer);
    m->token = 0;
    qmp_finish(&m->hvmd->qmp_ctx, token, e);
}

static int take_out(struct media *m, bool force)
{
    struct hvmd *h = m->hvmd;
    unsigned unit = unit_of(m);
    struct blk *old;
    int rc = machine_cd_eject(h->machine, unit, force, &old);

    if (rc)
        return rc;
    close_medium(h, unit, old);
    free(m->file);
    m->file = NULL;
    if (m->token)
        answer(m, NULL);
    return 0;
}

/* The guest has opened the tray, or has not. */
static void asked_enough(void *ctx)
{
    struct media *m = ctx;
    struct hvmd *h = m->hvmd;

    if (!ide_cd_tray_open(ide_of(h), unit_of(m)))
        log_line(&h->log,
                 "the guest does not give up the CD in drive %u in %u s: it is "
                 "taken out all the same",
                 unit_of(m), (unsigned)(ASK_NS / NS_PER_S));
    take_out(m, true);
}

int hvmd_eject(void *ctx, const char *drive, bool force, uint64_t token,
               struct err *e)
{
    struct hvmd *h = ctx;
    int unit = find_cd(h, drive, e), rc;
    struct media *m;

    if (unit < 0)
        return unit;
    m = &h->media[unit];
    /* An empty drive loses nothing, and who asks twice means it. */
    if (!h->disk[unit] || m->token)
        force = true;
    rc = take_out(m, force);
    if (rc != -EBUSY)
        return rc;
    m->token = token;
    timer_set(&m->timer, clock_now(loop_clock(h->loop)) + ASK_NS);
    return QMP_LATER;
}

int hvmd_change_medium(void *ctx, const char *drive, int fd, const char *name,
                       bool force, struct err *e)
{
    struct hvmd *h = ctx;
    int unit = find_cd(h, drive, e), rc;
    struct blk *blk, *old;
    char *file;

    if (unit < 0) {
        close(fd);
        return unit;
    }
    file = strdup(name);
    blk = blk_raw_open(h->pool, fd, true, name, e);
    if (!blk || !file) {
        free(file);
        if (blk)
            blk->ops->close(blk);
        return blk ? err_set(e, -ENOMEM, "out of memory") : -EINVAL;
    }
    rc = machine_cd_insert(h->machine, (unsigned)unit, blk, force, &old);
    if (rc) {
        free(file);
        blk->ops->close(blk);
        return err_set(e, rc,
                       "Device '%.60s' is locked by the guest, which was asked "
                       "to give it up; eject it first, or say force",
                       drive);
    }
    close_medium(h, (unsigned)unit, old);
    h->disk[unit] = h->machine_conf.disk[unit].blk = blk;
    free(h->media[unit].file);
    h->media[unit].file = file;
    if (h->media[unit].token) /* there is nothing left to be taken out */
        answer(&h->media[unit], NULL);
    return 0;
}

/* In the middle of an access: what follows is done from the loop. */
void hvmd_tray_moved(void *ctx, unsigned unit, bool open)
{
    struct hvmd *h = ctx;
    const struct machine_disk *d = &h->machine_conf.disk[unit];
    char name[64];

    bus_name(h, unit, name, sizeof(name));
    if (d->id)
        qmp_plain(name, sizeof(name), d->id);
    qmp_event(&h->qmp_ctx, QMP_EV_TRAY_MOVED,
              "\"device\":\"%s\",\"id\":\"%s\",\"tray-open\":%s", name, name,
              open ? "true" : "false");
    if (open && h->media[unit].token)
        timer_set(&h->media[unit].timer, 0);
}

bool hvmd_drive(void *ctx, unsigned n, struct qmp_drive *out)
{
    const struct hvmd *h = ctx;
    const struct dev *ide = ide_of(h);
    const struct machine_disk *d;
    const struct blk *b;
    unsigned u;

    for (u = 0; u < MACHINE_DISKS; u++)
        if ((ide_unit_is_cd(ide, u) || ide_unit_is_disk(ide, u)) && n-- == 0)
            break;
    if (u == MACHINE_DISKS)
        return false;
    d = &h->machine_conf.disk[u];
    bus_name(h, u, out->bus, sizeof(out->bus));
    snprintf(out->name, sizeof(out->name), "%s", d->id ? d->id : out->bus);
    out->id = d->id;
    out->removable = d->cdrom;
    out->locked = ide_cd_locked(ide, u);
    out->tray_open = ide_cd_tray_open(ide, u);
    b = ide_unit_blk(ide, u);
    if (!b)
        return true;
    out->file = h->media[u].file;
    out->size_bytes = b->size_bytes;
    out->read_only = b->read_only;
    out->rd_bytes = b->rd_bytes;
    out->wr_bytes = b->wr_bytes;
    out->rd_ops = b->rd_ops;
    out->wr_ops = b->wr_ops;
    out->flush_ops = b->flush_ops;
    return true;
}

int hvmd_media_init(struct hvmd *h, struct err *e)
{
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        struct media *m = &h->media[u];
        const char *file = h->conf.ide[u].file;

        m->hvmd = h;
        timer_init(&m->timer, loop_clock(h->loop), asked_enough, m);
        m->file = h->disk[u] && file ? strdup(file) : NULL;
        if (h->disk[u] && file && !m->file)
            return err_set(e, -ENOMEM, "out of memory");
    }
    return 0;
}

void hvmd_media_end(struct hvmd *h)
{
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        if (h->media[u].hvmd)
            timer_cancel(&h->media[u].timer);
        free(h->media[u].file);
        h->media[u].file = NULL;
    }
}
