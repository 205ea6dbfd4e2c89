/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens every back end of the guest's devices, once, before it starts: the
 * images by images.c.
 */
#include "hvmd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_WORKERS 2
/* Images for a PC BIOS and for UEFI. */
#define NIC_ROM "efi-rtl8139.rom"

static int open_disks(struct hvmd *h, struct err *e)
{
    h->pool = pool_new(h->loop, DISK_WORKERS);
    if (!h->pool)
        return err_set(e, -ENOMEM, "out of memory for disk workers");
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        const struct argv_ide *u = &h->conf.ide[i];
        struct machine_disk *d = &h->machine_conf.disk[i];

        if (!u->present)
            continue;
        if (u->file) {
            h->disk[i] = hvmd_open_image(h, i, e);
            if (!h->disk[i])
                return -EINVAL;
        }
        *d = (struct machine_disk){.present = true,
                                   .cdrom = u->cdrom,
                                   .blk = h->disk[i],
                                   .serial = u->serial,
                                   .id = u->id};
    }
    return 0;
}

static int open_port(struct hvmd *h, const char *option, const char *spec,
                     const char *label, struct chr **out, struct err *e)
{
    static const char to_file[] = "file:";
    int rc = 0;

    if (!strncmp(spec, to_file, sizeof(to_file) - 1))
        rc = hvmd_spare_images(&h->conf, option, spec + sizeof(to_file) - 1, e);
    return rc ? rc : chr_open(h->loop, spec, label, out, e);
}

static int open_chardevs(struct hvmd *h, struct err *e)
{
    static const char label[MACHINE_SERIALS][8] = {"serial0", "serial1",
                                                   "serial2", "serial3"};
    int rc;

    for (unsigned i = 0; i < h->conf.nserials; i++) {
        rc = open_port(h, "-serial", h->conf.serial[i], label[i], &h->serial[i],
                       e);
        if (rc < 0)
            return rc;
        h->machine_conf.serial[i] = h->serial[i];
    }
    if (h->conf.parallel) {
        rc = open_port(h, "-parallel", h->conf.parallel, "parallel0",
                       &h->parallel, e);
        if (rc < 0)
            return rc;
        h->machine_conf.parallel = h->parallel;
    }
    for (unsigned i = 0; i < h->conf.nchardevs; i++) {
        const struct argv_chardev *c = &h->conf.chardev[i];

        if (c->mon)
            continue;
        rc = chr_open_opts(h->loop, c->opts, c->id, &h->channel[i], e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static struct net *open_netdev(struct hvmd *h, const struct argv_netdev *n,
                               struct err *e)
{
    const struct net_stream_conf stream = {
        .kind = n->path ? NET_STREAM_UNIX : NET_STREAM_INET,
        .path = n->path,
        .host = n->host,
        .port = n->port,
        .server = n->server,
        .reconnect_ms = n->reconnect_s * 1000};

    return n->stream ? net_stream_open(h->loop, &stream, e)
                     : net_tap_open(h->loop, n->ifname, e);
}

static int open_nets(struct hvmd *h, struct err *e)
{
    for (unsigned i = 0; i < h->conf.nnetdevs; i++) {
        h->net[i] = open_netdev(h, &h->conf.netdev[i], e);
        if (!h->net[i])
            return -EINVAL;
    }
    return 0;
}

/* One copy of a ROM serves all cards that have it. */
static int nic_rom(struct hvmd *h, unsigned i, struct err *e)
{
    const char *file = h->conf.nic[i].romfile;
    unsigned k;

    if (file && !*file)
        return 0;
    for (k = 0; k < i; k++) {
        const char *other = h->conf.nic[k].romfile;

        if (!file || !other ? file == other : !strcmp(file, other))
            break;
    }
    if (k == i && rom_load(file ? file : NIC_ROM, &h->nic_rom[i], e) < 0) {
        struct err why = *e;

        return err_set(e, -EINVAL, "-device rtl8139: %s", why.text);
    }
    h->machine_conf.nic[i].rom = h->machine_conf.nic[k].rom;
    if (k == i)
        h->machine_conf.nic[i].rom = h->nic_rom[i];
    return 0;
}

static int set_nics(struct hvmd *h, struct err *e)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

    for (unsigned i = 0; i < h->conf.nnics; i++) {
        const struct argv_nic *n = &h->conf.nic[i];
        struct machine_nic *m = &h->machine_conf.nic[i];

        m->id = n->id;
        m->revision = n->revision;
        memcpy(m->mac, n->has_mac ? n->mac : mac, sizeof(mac));
        if (!n->has_mac)
            m->mac[5] = (uint8_t)(mac[5] + i);
        if (n->netdev >= 0)
            m->net = h->net[n->netdev];
        if (nic_rom(h, i, e) < 0)
            return -EINVAL;
    }
    h->machine_conf.nnics = h->conf.nnics;
    return 0;
}

static int open_roms(struct hvmd *h, struct err *e)
{
    int rc = 0;

    if (h->conf.vga != VGA_NONE)
        rc = rom_load("vgabios-stdvga.bin", &h->vga_rom, e);
    h->machine_conf.vga_rom = h->vga_rom;
    return rc;
}

int hvmd_open_backends(struct hvmd *h, struct err *e)
{
    const struct hvmd_conf *c = &h->conf;
    struct machine_conf *m = &h->machine_conf;
    int rc;

    m->ram_bytes = c->ram_mib << 20;
    m->vcpus = c->vcpus;
    m->max_vcpus = c->max_vcpus;
    m->xen_platform = c->xen_platform;
    m->acpi = c->acpi;
    m->ignore_unplug = c->ignore_unplug;
    m->vga = c->vga;
    m->vgamem_mib = c->vgamem_mib;
    memcpy(m->boot_order, c->boot_order, sizeof(m->boot_order));
    rc = open_roms(h, e);
    if (!rc)
        rc = open_disks(h, e);
    if (!rc)
        rc = open_chardevs(h, e);
    if (!rc)
        rc = open_nets(h, e);
    if (!rc)
        rc = set_nics(h, e);
    return rc;
}

void hvmd_close_backends(struct hvmd *h)
{
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        if (h->disk[i])
            h->disk[i]->ops->close(h->disk[i]);
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (h->serial[i])
            h->serial[i]->ops->close(h->serial[i]);
    for (unsigned i = 0; i < ARGV_CHARDEVS; i++)
        if (h->channel[i])
            h->channel[i]->ops->close(h->channel[i]);
    for (unsigned i = 0; i < MACHINE_NICS; i++)
        if (h->net[i])
            h->net[i]->ops->close(h->net[i]);
    if (h->parallel)
        h->parallel->ops->close(h->parallel);
    if (h->pool)
        pool_free(h->pool);
    for (unsigned i = 0; i < MACHINE_NICS; i++)
        rom_free(&h->nic_rom[i]);
    rom_free(&h->vga_rom);
}
