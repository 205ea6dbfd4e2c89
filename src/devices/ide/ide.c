/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device: properties, PCI function, life cycle, media, unplug. */
#include "priv.h"

#include <hvmd/machine.h>
#include <stdio.h>

static const uint16_t ide_cmd_port[2] = {0x1f0, 0x170};
static const uint16_t ide_ctl_port[2] = {0x3f6, 0x376};
static const uint8_t ide_irq_line[2] = {14, 15};

static struct ide_unit *unit_at(const struct dev *dev, unsigned n)
{
    const struct ide *ide = (const struct ide *)dev;

    return n < IDE_UNITS ? (struct ide_unit *)&ide->unit[n] : NULL;
}

static int init_unit(struct ide *ide, unsigned n, const struct conf *conf,
                     struct err *err)
{
    struct ide_unit *u = &ide->unit[n];
    char key[16];
    const char *serial;

    u->ide = ide;
    u->n = n;
    u->ch = &ide->chan[n / 2];
    u->st = &ide->st.unit[n];
    snprintf(key, sizeof(key), "present%u", n);
    if (!conf_num(conf, key, 0))
        return 0;
    snprintf(key, sizeof(key), "blk%u", n);
    u->blk = conf_ptr(conf, key);
    snprintf(key, sizeof(key), "cdrom%u", n);
    u->kind = conf_num(conf, key, 0) ? KIND_CD : KIND_DISK;
    if (u->kind == KIND_DISK && (!u->blk || u->blk->size_bytes < SECTOR))
        return err_set(err, -EINVAL,
                       "IDE unit %u: a disk needs an image of at least one "
                       "sector of 512 bytes",
                       n);
    snprintf(key, sizeof(key), "serial%u", n);
    serial = conf_str(conf, key, NULL);
    if (serial)
        snprintf(u->serial, sizeof(u->serial), "%s", serial);
    else
        snprintf(u->serial, sizeof(u->serial), "HVMD%05u", n + 1);
    snprintf(key, sizeof(key), "firmware%u", n);
    snprintf(u->firmware, sizeof(u->firmware), "%s",
             conf_str(conf, key, "1.0"));
    return 0;
}

static int init_chan(struct ide *ide, unsigned n, struct err *err)
{
    struct ide_chan *ch = &ide->chan[n];
    const struct dev_env *env = &ide->dev.env;
    int rc;

    ch->ide = ide;
    ch->n = n;
    ch->st = &ide->st.chan[n];
    irq_wire_isa(&ch->irq, env->hv, ide_irq_line[n]);
    timer_init(&ch->timer, env->clock, ide_chan_fire, ch);
    ch->timer.work = true;
    rc = bus_map(env->bus, SPACE_PIO, ide_cmd_port[n], 8, &ide_port_ops, ch,
                 ide->dev.hits);
    if (!rc)
        rc = bus_map(env->bus, SPACE_PIO, ide_ctl_port[n], 1, &ide_ctl_ops, ch,
                     ide->dev.hits);
    if (rc)
        return err_set(err, rc, "IDE channel %u: ports %#x and %#x are taken",
                       n, ide_cmd_port[n], ide_ctl_port[n]);
    return 0;
}

/*
 * The ports answer whatever the decode bits of IDETIM and the I/O bit of the
 * command register say: guests without a BIOS that sets them expect so.
 */
static int init_pci(struct ide *ide, const struct conf *conf, struct err *err)
{
    static const struct pci_id id = {
        .vendor = 0x8086,
        .device = 0x7010,
        .prog = 0x80, /* legacy ports only, bus master */
        .class_code = 0x0101,
    };
    unsigned devfn = (unsigned)conf_num(conf, "devfn", PCI_DEVFN(1, 1));
    int rc;

    pci_setup(&ide->pci, &ide->dev, ide->st.cfg, &id);
    pci_set_bar(&ide->pci, 4, SPACE_PIO, 16, false, &ide_bm_ops, ide, NULL);
    pci_put(&ide->pci, PCI_STATUS, 2, 0x0280); /* medium DEVSEL, back-to-back */
    pci_set_mask(&ide->pci, PIIX_IDETIM, 4, 0xffffffff);
    pci_set_mask(&ide->pci, PIIX_SIDETIM, 1, 0xff);
    pci_set_mask(&ide->pci, PIIX_UDMACTL, 1, 0x0f);
    pci_set_mask(&ide->pci, PIIX_UDMATIM, 2, 0x3333);
    rc = pci_add(ide->dev.env.pci, &ide->pci, devfn);
    if (rc)
        return err_set(err, rc, "IDE function: PCI device %02x.%u is taken",
                       PCI_SLOT(devfn), PCI_FN(devfn));
    return 0;
}

static int ide_init(struct dev *dev, const struct conf *conf, struct err *err)
{
    struct ide *ide = (struct ide *)dev;
    unsigned i;
    int rc = 0;

    for (i = 0; i < 2 && !rc; i++)
        rc = init_chan(ide, i, err);
    for (i = 0; i < IDE_UNITS && !rc; i++)
        rc = init_unit(ide, i, conf, err);
    return rc ? rc : init_pci(ide, conf, err);
}

static void power_on_unit(struct ide_unit *u)
{
    uint8_t detached = u->st->detached, tray_open = u->st->tray_open;

    memset(u->st, 0, sizeof(*u->st));
    u->st->detached = detached;
    u->st->tray_open = tray_open;
    if (u->kind == KIND_DISK)
        ata_power_on(u);
    else if (u->kind == KIND_CD)
        atapi_power_on(u);
}

static void power_on_chan(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;

    /* buf keeps its bytes: a late request may still fill it */
    memset(st, 0, offsetof(struct ide_chan_state, buf));
    ch->prd_n = 0;
    timer_cancel(&ch->timer);
    irq_set(&ch->irq, false);
    ide_reset_begin(ch, 3);
}

static void ide_reset(struct dev *dev, enum reset_kind kind)
{
    struct ide *ide = (struct ide *)dev;
    unsigned i;

    pci_reset(&ide->pci);
    for (i = 0; i < IDE_UNITS; i++)
        power_on_unit(&ide->unit[i]);
    for (i = 0; i < 2; i++) {
        power_on_chan(&ide->chan[i]);
        ide_run(&ide->chan[i]);
    }
}

static void ide_pause(struct dev *dev, bool on)
{
    struct ide *ide = (struct ide *)dev;
    unsigned i;

    ide->paused = on;
    for (i = 0; i < 2 && !on; i++)
        ide_run(&ide->chan[i]);
}

bool ide_unit_idle(const struct dev *dev, unsigned unit)
{
    const struct ide_unit *u = unit_at(dev, unit);

    if (!u)
        return true;
    return !u->flush_busy && !(u->ch->io.busy && u->ch->io.unit == (unit & 1));
}

static bool ide_idle(const struct dev *dev)
{
    unsigned i;

    for (i = 0; i < IDE_UNITS; i++)
        if (!ide_unit_idle(dev, i))
            return false;
    return true;
}

static void ide_fini(struct dev *dev)
{
    struct ide *ide = (struct ide *)dev;
    unsigned i;

    for (i = 0; i < 2; i++)
        timer_cancel(&ide->chan[i].timer);
}

const struct dev_ops ide_ops = {
    .name = "ide",
    .size = sizeof(struct ide),
    .init = ide_init,
    .reset = ide_reset,
    .pause = ide_pause,
    .idle = ide_idle,
    .fini = ide_fini,
    .state = &ide_state_desc,
};

bool ide_unit_is_cd(const struct dev *dev, unsigned unit)
{
    const struct ide_unit *u = unit_at(dev, unit);

    return u && u->kind == KIND_CD;
}

bool ide_unit_is_disk(const struct dev *dev, unsigned unit)
{
    const struct ide_unit *u = unit_at(dev, unit);

    return u && u->kind == KIND_DISK && !u->st->detached;
}

struct blk *ide_unit_blk(const struct dev *dev, unsigned unit)
{
    const struct ide_unit *u = unit_at(dev, unit);

    return u ? u->blk : NULL;
}

bool ide_cd_locked(const struct dev *dev, unsigned unit)
{
    return ide_unit_is_cd(dev, unit) && unit_at(dev, unit)->st->locked;
}

bool ide_cd_tray_open(const struct dev *dev, unsigned unit)
{
    return ide_unit_is_cd(dev, unit) && unit_at(dev, unit)->st->tray_open;
}

void ide_move_tray(struct ide_unit *u, bool open)
{
    if (u->st->tray_open == open)
        return;
    u->st->tray_open = open;
    machine_tray_moved(u->ide->dev.env.machine, u->n, open);
}

/* A command that reads the medium now must not go on with another one. */
static void cd_lose_medium(struct ide_unit *u)
{
    struct ide_chan_state *st = u->ch->st;

    if (st->unit == (u->n & 1) && (st->op == OP_READ || st->op == OP_RAW) &&
        st->phase != PH_IDLE && st->phase != PH_RESET)
        st->lost = 1;
    u->st->ua &= (uint8_t)~UA_MEDIUM;
}

int ide_cd_eject(struct dev *dev, unsigned unit, bool force)
{
    struct ide_unit *u = unit_at(dev, unit);

    if (!ide_unit_is_cd(dev, unit))
        return -ENODEV;
    if (u->st->locked && !u->st->tray_open && !force) {
        u->st->event = EV_EJECT_REQUEST;
        return -EBUSY;
    }
    if (ide_medium(u))
        u->st->event = EV_REMOVAL;
    cd_lose_medium(u);
    u->blk = NULL;
    u->st->locked = 0;
    ide_move_tray(u, true);
    return 0;
}

int ide_cd_insert(struct dev *dev, unsigned unit, struct blk *blk, bool force)
{
    struct ide_unit *u = unit_at(dev, unit);

    if (!ide_unit_is_cd(dev, unit))
        return -ENODEV;
    if (ide_medium(u) && u->st->locked && !force) {
        u->st->event = EV_EJECT_REQUEST;
        return -EBUSY;
    }
    if (ide_medium(u))
        u->st->event = EV_REMOVAL;
    cd_lose_medium(u);
    u->blk = blk;
    ide_move_tray(u, false);
    if (blk) {
        u->st->ua |= UA_MEDIUM;
        u->st->event = EV_NEW_MEDIA;
    }
    return 0;
}

int ide_disk_detach(struct dev *dev, unsigned unit)
{
    struct ide_unit *u = unit_at(dev, unit);
    struct ide_chan *ch;

    if (!u || u->kind != KIND_DISK)
        return -ENODEV;
    if (!u->blk || u->detaching) /* restored as detached: it has one still */
        return 0;
    ch = u->ch;
    u->st->detached = 1;
    u->st->intrq = 0;
    if (ch->st->unit == (unit & 1) && ch->st->phase != PH_IDLE &&
        ch->st->phase != PH_RESET) {
        if (ch->st->dma)
            ide_bm_reset(ch);
        ch->st->dma = 0;
        ch->st->op = OP_NONE;
        ch->st->phase = PH_RESET; /* of nobody: waits for what is in flight */
    }
    ide_chan_update_irq(ch);
    u->detaching = true;
    ide_detach_go(u);
    ide_run(ch);
    return 0;
}
