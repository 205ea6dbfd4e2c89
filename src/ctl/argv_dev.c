/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of disks, cards and screens, and what binds them by id. */
#include "opts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VGA_MIB_MAX 256u

static struct argv_drive *find_drive(struct hvmd_conf *c, const char *id)
{
    unsigned i;

    for (i = 0; i < c->ndrives; i++)
        if (c->drive[i].id && !strcmp(c->drive[i].id, id))
            return &c->drive[i];
    return NULL;
}

static int drive_keys(struct parse *p, const struct subs *s,
                      struct argv_drive *d)
{
    const char *iface = subs_str(s, "if");
    const char *format = subs_str(s, "format");
    const char *cache = subs_str(s, "cache");
    const char *media = subs_str(s, "media");
    const char *discard = subs_str(s, "discard");

    if (iface && !strcmp(iface, "floppy"))
        return opt_fail(p, -ENOTSUP,
                        "-drive if=floppy is not served, there is no floppy "
                        "controller; give the image as a CD-ROM");
    if (iface && strcmp(iface, "ide") && strcmp(iface, "none"))
        return opt_fail(p, -ENOTSUP,
                        "-drive if=%s is not served; name the disks hda to "
                        "hdd in disk=",
                        iface);
    if (format && strcmp(format, "raw"))
        return opt_fail(p, -ENOTSUP,
                        "-drive format=%s is not served yet, only raw; convert "
                        "the image by 'qemu-img convert -O raw' and say "
                        "format=raw",
                        format);
    if (cache && strcmp(cache, "writeback"))
        return opt_fail(p, -ENOTSUP,
                        "-drive cache=%s is not served; say writeback, which "
                        "is safe: the guest's flushes reach the disk",
                        cache);
    d->ide = !iface || !strcmp(iface, "ide");
    d->cdrom = media && !strcmp(media, "cdrom");
    d->read_only = subs_num(s, "readonly", 0);
    d->discard =
        !discard || !strcmp(discard, "on") || !strcmp(discard, "unmap");
    d->file = subs_str(s, "file");
    d->id = subs_str(s, "id");
    return 0;
}

static const char *shown(const struct argv_drive *d)
{
    return d->file ? d->file : d->id ? d->id : "(no file)";
}

static int ide_claim(struct parse *p, unsigned unit, bool cdrom,
                     const struct argv_drive *d)
{
    struct argv_ide *u = &p->c->ide[unit];

    if (u->present)
        return opt_bad(p,
                       "IDE unit %u (%s %s) is taken twice; give each disk and "
                       "CD-ROM its own of hda to hdd",
                       unit, unit / 2 ? "secondary" : "primary",
                       unit % 2 ? "slave" : "master");
    if (!cdrom && (!d || !d->file))
        return opt_bad(p,
                       "the disk at IDE unit %u has no image: -drive needs "
                       "file=",
                       unit);
    if (!cdrom && d->read_only)
        return opt_fail(p, -ENOTSUP,
                        "'%.200s' is a read-only IDE hard disk, which cannot "
                        "be had; make it writable or a CD-ROM",
                        d->file);
    u->present = true;
    u->cdrom = cdrom;
    u->read_only = cdrom;
    u->discard = d && d->discard;
    u->file = d ? d->file : NULL;
    u->id = d ? d->id : NULL;
    return 0;
}

/* -1: none free among [from, to). */
static int free_unit(const struct hvmd_conf *c, unsigned from, unsigned to)
{
    for (; from < to; from++)
        if (!c->ide[from].present)
            return (int)from;
    return -1;
}

OPT_HANDLER(opt_drive)
{
    struct hvmd_conf *c = p->c;
    struct argv_drive *d = &c->drive[c->ndrives];
    struct subs s;
    int unit, rc = subs_parse(p, "drive", NULL, arg, &s);

    if (rc)
        return rc;
    if (c->ndrives == ARGV_DRIVES)
        return opt_bad(p, "-drive is given more than %d times", ARGV_DRIVES);
    rc = drive_keys(p, &s, d);
    if (rc)
        return rc;
    if (d->id && find_drive(c, d->id))
        return opt_bad(p, "-drive id=%s is given twice", d->id);
    if (!d->ide) {
        if (!d->id)
            return opt_bad(p, "-drive if=none needs an id= for its -device");
        if (subs_str(&s, "index"))
            return opt_bad(p, "-drive if=none (id=%s) takes no index=", d->id);
        c->ndrives++;
        return 0;
    }
    unit = free_unit(c, 0, MACHINE_DISKS);
    if (unit < 0)
        return opt_bad(p, "-drive '%.200s' finds all four IDE units taken",
                       shown(d));
    unit = (int)subs_num(&s, "index", (uint64_t)unit);
    rc = ide_claim(p, (unsigned)unit, d->cdrom, d);
    if (rc)
        return rc;
    d->index = (unsigned)unit;
    d->used = true;
    c->ndrives++;
    return 0;
}

/* Driver names match whole, or up to a * in the table. */
static const struct dev_desc *find_driver(const char *driver, size_t len)
{
    const struct dev_desc *d;
    size_t n;

    for (d = dev_table; d->driver; d++) {
        n = strcspn(d->driver, "*");
        if ((d->driver[n] ? len >= n : len == n) &&
            !memcmp(d->driver, driver, n))
            return d;
    }
    return NULL;
}

OPT_HANDLER(opt_device)
{
    size_t len = strcspn(arg, ",");
    const struct dev_desc *d = find_driver(arg, len);
    char group[64];
    const char *kept;
    struct subs s = {0};
    int rc = 0;

    if (!d)
        return opt_bad(p, "-device '%.*s' is not known",
                       (int)(len < 80 ? len : 80), arg);
    if (d->class == REFUSED)
        return opt_fail(p, -ENOTSUP, "-device %.*s %s",
                        (int)(len < 80 ? len : 80), arg, d->help);
    snprintf(group, sizeof(group), "device %s", d->driver);
    kept = opt_strdup(p, group); /* subs keep it */
    if (!kept)
        return -ENOMEM;
    if (arg[len])
        rc = subs_parse(p, kept, NULL, arg + len + 1, &s);
    return rc ? rc : d->take(p, d->driver, &s);
}

int opt_set_vga(struct parse *p, enum vga_kind kind, uint64_t mib)
{
    struct hvmd_conf *c = p->c;
    uint32_t fit = VGA_MIB_MAX;

    if (c->vga != VGA_NONE)
        return opt_bad(p, "a second VGA card is asked for; leave one out");
    c->vga = kind;
    /* Down, not up: the domain has no memory for more than it asked for. */
    while (fit > mib)
        fit /= 2;
    c->vgamem_mib = fit;
    if (fit != mib)
        opt_note(p, "vgamem_mb is rounded down to a power of two, at most "
                    "256");
    if (kind == VGA_CIRRUS)
        opt_note(p,
                 "cirrus-vga: standard VGA is shown in its place; say "
                 "vga=\"stdvga\" to ask for it (libvirt: <model type='vga'/> "
                 "in <video>)");
    return 0;
}

DEV_HANDLER(dev_vga)
{
    bool std = !strcmp(driver, "VGA");

    return opt_set_vga(p, std ? VGA_STD : VGA_CIRRUS,
                       subs_num(s, "vgamem_mb", std ? 16 : 4));
}

OPT_HANDLER(opt_vga)
{
    if (!strcmp(arg, "none")) {
        p->trad.no_vga = true;
        return 0;
    }
    if (!strcmp(arg, "std"))
        return opt_set_vga(p, VGA_STD, 16);
    if (!strcmp(arg, "cirrus"))
        return opt_set_vga(p, VGA_CIRRUS, 4);
    return opt_fail(p, -ENOTSUP, "-vga %.60s is not served; say std or cirrus",
                    arg);
}

DEV_HANDLER(dev_ide)
{
    const char *bus = subs_str(s, "bus");
    struct ide_dev *d = &p->ide_dev[p->nide_devs];

    if (p->nide_devs == PARSE_IDE_DEVS)
        return opt_bad(p,
                       "-device %s is given too often: there are four IDE "
                       "units",
                       driver);
    d->cdrom = !strcmp(driver, "ide-cd");
    d->drive = subs_str(s, "drive");
    d->id = subs_str(s, "id");
    d->serial = subs_str(s, "serial");
    d->unit = (int)subs_num(s, "unit", UINT64_MAX);
    d->bus = -1;
    if (bus && !strncmp(bus, "ahci", 4))
        return opt_fail(p, -ENOTSUP,
                        "-device %s bus=%s is not served; say hdtype=\"ide\"",
                        driver, bus);
    if (bus && strcmp(bus, "ide.0") && strcmp(bus, "ide.1"))
        return opt_bad(p, "-device %s bus=%s is not ide.0 or ide.1", driver,
                       bus);
    if (bus)
        d->bus = bus[4] - '0';
    if (!d->cdrom && !d->drive)
        return opt_bad(p, "-device ide-hd needs drive=");
    p->nide_devs++;
    return 0;
}

static int hex(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static int parse_mac(struct parse *p, const char *text, uint8_t mac[6])
{
    static const uint8_t zero[6];
    const char *s = text;
    unsigned i;

    for (i = 0; i < 6; i++, s += 3) {
        if (hex(s[0]) < 0 || hex(s[1]) < 0 || s[2] != (i < 5 ? ':' : 0))
            return opt_bad(p,
                           "-device rtl8139 mac=%s is not six octets like "
                           "00:16:3e:01:02:03",
                           text);
        mac[i] = (uint8_t)(hex(s[0]) << 4 | hex(s[1]));
    }
    if (mac[0] & 1 || !memcmp(mac, zero, 6))
        return opt_bad(p,
                       "-device rtl8139 mac=%s is not the address of one card; "
                       "the first octet must be even and not all may be zero",
                       text);
    return 0;
}

static uint8_t nic_revision(const struct subs *s, const char *key)
{
    const char *kind = subs_str(s, key);

    return !kind ? 0 : strcmp(kind, "c") ? 0x20 : 0x10;
}

/* What libxl's own -device cannot say, for all cards. */
OPT_HANDLER(opt_global)
{
    struct argv_nic *nic = &p->c->nic_default;
    struct subs s;
    int rc = subs_parse(p, "global", NULL, arg, &s);

    if (rc)
        return rc;
    if (subs_str(&s, "rtl8139.romfile"))
        nic->romfile = subs_str(&s, "rtl8139.romfile");
    if (subs_str(&s, "rtl8139.kind"))
        nic->revision = nic_revision(&s, "rtl8139.kind");
    return 0;
}

DEV_HANDLER(dev_nic)
{
    struct hvmd_conf *c = p->c;
    struct argv_nic *nic = &c->nic[c->nnics];
    const char *mac = subs_str(s, "mac");
    unsigned i;
    int rc;

    if (c->nnics == MACHINE_NICS)
        return opt_bad(p, "-device %s is given more than %d times", driver,
                       MACHINE_NICS);
    nic->id = subs_str(s, "id");
    nic->romfile = subs_str(s, "romfile");
    nic->revision = nic_revision(s, "kind");
    nic->netdev_id = subs_str(s, "netdev");
    nic->netdev = -1;
    nic->has_mac = mac != NULL;
    if (mac) {
        rc = parse_mac(p, mac, nic->mac);
        if (rc)
            return rc;
    }
    for (i = 0; i < c->nnics; i++) {
        if (nic->id && c->nic[i].id && !strcmp(nic->id, c->nic[i].id))
            return opt_bad(p, "-device %s id=%s is given twice", driver,
                           nic->id);
        if (mac && c->nic[i].has_mac && !memcmp(nic->mac, c->nic[i].mac, 6))
            return opt_bad(p, "-device %s mac=%s is given to two cards", driver,
                           mac);
    }
    c->nnics++;
    return 0;
}

static bool good_ifname(const char *s)
{
    return strcmp(s, ".") && strcmp(s, "..") && !strpbrk(s, "/: \t\n%");
}

/* What libxl passes: the toolstack's hotplug script attaches the tap. */
static int netdev_tap(struct parse *p, const struct subs *s,
                      struct argv_netdev *n)
{
    static const char *const scripts[] = {"script", "downscript"};
    const char *script;

    n->ifname = subs_str(s, "ifname");
    n->bridge = subs_str(s, "br");
    if (!n->id || !n->ifname)
        return opt_bad(p, "-netdev tap needs id= and ifname=");
    if (!good_ifname(n->ifname))
        return opt_bad(p, "-netdev ifname=%s is not the name of an interface",
                       n->ifname);
    for (unsigned i = 0; i < 2; i++) {
        script = subs_str(s, scripts[i]);
        if (script && strcmp(script, "no"))
            return opt_fail(p, -ENOTSUP,
                            "-netdev %s=%.200s is not served: hvmd runs no "
                            "scripts; say %s=no",
                            scripts[i], script, scripts[i]);
    }
    for (unsigned i = 0; i < p->c->nnetdevs; i++)
        if (p->c->netdev[i].ifname &&
            !strcmp(p->c->netdev[i].ifname, n->ifname))
            return opt_bad(p, "-netdev ifname=%s is given twice", n->ifname);
    return 0;
}

/* A socket that carries frames, each behind its length (passt, a switch). */
static int netdev_stream(struct parse *p, const struct subs *s,
                         struct argv_netdev *n)
{
    const char *type = subs_str(s, "addr.type");

    n->stream = true;
    n->server = subs_num(s, "server", 0);
    n->reconnect_s = (unsigned)subs_num(s, "reconnect", 0);
    n->path = subs_str(s, "addr.path");
    n->host = subs_str(s, "addr.host");
    n->port = subs_str(s, "addr.port");
    if (!n->id)
        return opt_bad(p, "-netdev stream needs id=");
    if (n->server && n->reconnect_s)
        return opt_bad(p,
                       "-netdev stream,id=%s: reconnect= goes with "
                       "server=off only",
                       n->id);
    if (type && !strcmp(type, "unix") && n->path && !n->host && !n->port)
        return 0;
    if (type && !strcmp(type, "inet") && n->host && n->port && !n->path)
        return 0;
    return opt_bad(p,
                   "-netdev stream,id=%s needs addr.type=unix and "
                   "addr.path=, or addr.type=inet, addr.host= and "
                   "addr.port=",
                   n->id);
}

OPT_HANDLER(opt_netdev)
{
    struct hvmd_conf *c = p->c;
    struct argv_netdev *n = &c->netdev[c->nnetdevs];
    const char *type;
    struct subs s;
    int rc = subs_parse(p, "netdev", "type", arg, &s);

    if (rc)
        return rc;
    if (c->nnetdevs == MACHINE_NICS)
        return opt_bad(p, "-netdev is given more than %d times", MACHINE_NICS);
    type = subs_str(&s, "type");
    n->id = subs_str(&s, "id");
    if (type && !strcmp(type, "tap"))
        rc = netdev_tap(p, &s, n);
    else if (type && !strcmp(type, "stream"))
        rc = netdev_stream(p, &s, n);
    else
        rc = opt_fail(p, -ENOTSUP,
                      "-netdev %s is not served, only tap and stream",
                      type ? type : "without type=");
    if (rc)
        return rc;
    for (unsigned i = 0; i < c->nnetdevs; i++)
        if (!strcmp(c->netdev[i].id, n->id))
            return opt_bad(p, "-netdev id=%s is given twice", n->id);
    c->nnetdevs++;
    return 0;
}

OPT_HANDLER(opt_net)
{
    if (p->c->trad)
        return trad_net(p, arg);
    if (strcmp(arg, "none"))
        return opt_fail(p, -ENOTSUP,
                        "-net %.60s is not served; use -device rtl8139 and "
                        "-netdev tap",
                        arg);
    return 0;
}

static int resolve_ide(struct parse *p, struct ide_dev *dev)
{
    struct hvmd_conf *c = p->c;
    struct argv_drive *d = dev->drive ? find_drive(c, dev->drive) : NULL;
    const char *driver = dev->cdrom ? "ide-cd" : "ide-hd";
    unsigned from = dev->bus < 0 ? 0 : (unsigned)dev->bus * 2;
    unsigned to = dev->bus < 0 ? MACHINE_DISKS : from + 2;
    int unit, rc;

    if (dev->drive && !d)
        return opt_bad(p, "-device %s drive=%s is not the id of a -drive",
                       driver, dev->drive);
    if (d && d->used)
        return opt_bad(p, "-device %s drive=%s is used already", driver,
                       dev->drive);
    if (d && d->cdrom && !dev->cdrom)
        return opt_bad(p, "-device ide-hd drive=%s has media=cdrom", d->id);
    if (dev->unit >= 0)
        unit = (int)from + dev->unit;
    else
        unit = free_unit(c, from, to);
    if (unit < 0)
        return opt_bad(p, "-device %s finds all IDE units of its bus taken",
                       driver);
    rc = ide_claim(p, (unsigned)unit, dev->cdrom, d);
    if (rc)
        return rc;
    if (dev->id)
        c->ide[unit].id = dev->id;
    c->ide[unit].serial = dev->serial;
    if (d) {
        d->used = true;
        d->cdrom = dev->cdrom;
        d->index = (unsigned)unit;
    }
    return 0;
}

/* Those with a place of their own first, as the others take what is left. */
static int resolve_disks(struct parse *p)
{
    unsigned i, pass;
    int rc;

    for (pass = 0; pass < 2; pass++) {
        for (i = 0; i < p->nide_devs; i++) {
            if ((p->ide_dev[i].unit < 0) != pass)
                continue;
            rc = resolve_ide(p, &p->ide_dev[i]);
            if (rc)
                return rc;
        }
    }
    for (i = 0; i < p->c->ndrives; i++)
        if (!p->c->drive[i].used)
            return opt_bad(p, "-drive id=%s is used by no -device",
                           p->c->drive[i].id);
    return 0;
}

static int resolve_nics(struct parse *p)
{
    struct hvmd_conf *c = p->c;
    unsigned i, k;

    for (i = 0; i < c->nnics; i++) {
        struct argv_nic *nic = &c->nic[i];

        if (!nic->romfile)
            nic->romfile = c->nic_default.romfile;
        if (!nic->revision)
            nic->revision = c->nic_default.revision;
        if (!nic->netdev_id)
            continue;
        for (k = 0; k < c->nnetdevs; k++)
            if (!strcmp(c->netdev[k].id, nic->netdev_id))
                break;
        if (k == c->nnetdevs)
            return opt_bad(p,
                           "-device rtl8139 netdev=%s is not the id of a "
                           "-netdev",
                           nic->netdev_id);
        if (c->netdev[k].used)
            return opt_bad(p, "-device rtl8139 netdev=%s is used already",
                           nic->netdev_id);
        c->netdev[k].used = true;
        nic->netdev = (int)k;
    }
    for (k = 0; k < c->nnetdevs; k++)
        if (!c->netdev[k].used)
            return opt_bad(p, "-netdev id=%s is used by no -device",
                           c->netdev[k].id);
    return 0;
}

int opt_resolve(struct parse *p)
{
    struct hvmd_conf *c = p->c;
    int rc = c->trad ? trad_resolve(p) : 0;

    if (!rc)
        rc = resolve_disks(p);
    if (!rc)
        rc = resolve_nics(p);
    if (rc)
        return rc;
    if (c->action == ARGV_PROBE) {
        if (!c->nmons)
            return opt_bad(p, "-machine none answers QMP and needs a -mon");
        return 0;
    }
    if (!p->domid)
        return opt_bad(p, "-xen-domid is missing; xl starts hvmd with it");
    if (!p->machine)
        return opt_bad(p, "-machine is missing; say xenfv or pc");
    if (!c->ram_mib && !c->trad)
        return opt_bad(p, "-m (guest memory in MiB) is missing");
    return 0;
}
