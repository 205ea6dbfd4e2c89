/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the domain, the toolstack's sockets, screen and ports. */
#include "opts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* DOMID_FIRST_RESERVED - 1 of xen/include/public/xen.h */
#define DOMID_MAX 0x7fefu

OPT_HANDLER(opt_help)
{
    p->c->action = ARGV_HELP;
    return 0;
}

OPT_HANDLER(opt_version)
{
    p->c->action = ARGV_VERSION;
    return 0;
}

int opt_take_domid(struct parse *p, const char *option, const char *arg)
{
    uint64_t v;

    if (!opt_number(arg, 1, DOMID_MAX, &v))
        return opt_bad(p, "-%s is '%.60s' and must be a number from 1 to %u",
                       option, arg, DOMID_MAX);
    p->c->domid = (unsigned)v;
    p->domid = true;
    return 0;
}

OPT_HANDLER(opt_xen_domid)
{
    if (p->c->trad)
        return opt_bad(p, "-xen-domid and -d exclude one another");
    return opt_take_domid(p, "xen-domid", arg);
}

int opt_keep(struct parse *p, const char **where, const char *option,
             const char *arg, size_t max)
{
    if (!*arg)
        return opt_bad(p, "-%s has an empty value", option);
    if (strlen(arg) > max)
        return opt_bad(p, "-%s '%.60s...' is longer than %zu bytes", option,
                       arg, max);
    *where = opt_strdup(p, arg);
    return *where ? 0 : -ENOMEM;
}

OPT_HANDLER(opt_check_state)
{
    p->c->action = ARGV_CHECK_STATE;
    return opt_keep(p, &p->c->check_state, "check-state", arg, 4095);
}

OPT_HANDLER(opt_record)
{
    return opt_keep(p, &p->c->record, "record", arg, 4095);
}

OPT_HANDLER(opt_name)
{
    return opt_keep(p, &p->c->name, "name", arg, 1023);
}

OPT_HANDLER(opt_machine)
{
    struct hvmd_conf *c = p->c;
    struct subs s;
    const char *type;
    int rc = subs_parse(p, "machine", "type", arg, &s);

    if (rc)
        return rc;
    type = subs_str(&s, "type");
    if (subs_num(&s, "igd-passthru", 0))
        return opt_fail(p, -ENOTSUP,
                        "-machine igd-passthru=on is not served; leave out "
                        "gfx_passthru=");
    c->max_ram_below_4g_bytes =
        subs_num(&s, "max-ram-below-4g", c->max_ram_below_4g_bytes);
    if (!type)
        return 0;
    if (strcmp(type, "xenfv") && strcmp(type, "pc") && strcmp(type, "none"))
        return opt_bad(p, "-machine '%s' is not known; say xenfv or pc", type);
    c->xen_platform = !strcmp(type, "xenfv");
    c->action = !strcmp(type, "none") ? ARGV_PROBE : ARGV_RUN;
    p->machine = true;
    return 0;
}

OPT_HANDLER(opt_m)
{
    uint64_t bytes;
    struct subs s;
    const char *v;
    int rc = subs_parse(p, "m", "size", arg, &s);

    if (rc)
        return rc;
    v = subs_str(&s, "size");
    if (opt_number(v, 1, UINT64_C(1) << 24, &p->c->ram_mib))
        return 0;
    /* A plain number out of range must not be read as bytes. */
    if (strspn(v, "0123456789") == strlen(v) ||
        !opt_size(v, 1u << 20, UINT64_C(1) << 44, &bytes) || bytes & 0xfffff)
        return opt_bad(p, "-m is '%s' and must be 1 to 16777216 MiB", v);
    p->c->ram_mib = bytes >> 20;
    return 0;
}

OPT_HANDLER(opt_smp)
{
    uint64_t cpus, max;
    struct subs s;
    int rc = subs_parse(p, "smp", "cpus", arg, &s);

    if (rc)
        return rc;
    max = subs_num(&s, "maxcpus", 0);
    cpus = subs_num(&s, "cpus", max);
    if (!max)
        max = cpus;
    if (cpus > max)
        return opt_bad(p, "-smp has %u CPUs online of maxcpus=%u",
                       (unsigned)cpus, (unsigned)max);
    p->c->vcpus = (unsigned)cpus;
    p->c->max_vcpus = (unsigned)max;
    return 0;
}

OPT_HANDLER(opt_boot)
{
    const char *order;
    struct subs s;
    size_t i;
    int rc = subs_parse(p, "boot", "order", arg, &s);

    if (rc)
        return rc;
    order = subs_str(&s, "order");
    for (i = 0; order[i]; i++) {
        if (!strchr("acdn", order[i]))
            return opt_bad(p,
                           "-boot order has the letter '%c'; a floppy, c disk, "
                           "d CD-ROM and n network are known",
                           order[i]);
        if (strchr(order + i + 1, order[i]))
            return opt_bad(p, "-boot order has the letter '%c' twice",
                           order[i]);
    }
    memcpy(p->c->boot_order, order, i + 1);
    return 0;
}

OPT_HANDLER(opt_ignore_unplug)
{
    p->c->ignore_unplug = true;
    return 0;
}

OPT_HANDLER(opt_no_acpi)
{
    p->c->acpi = false;
    return 0;
}

OPT_HANDLER(opt_prelaunch)
{
    p->c->prelaunch = true;
    return 0;
}

OPT_HANDLER(opt_incoming)
{
    uint64_t fd;

    if (strncmp(arg, "fd:", 3) || !opt_number(arg + 3, 3, INT_MAX, &fd))
        return opt_bad(p,
                       "-incoming is '%.60s' and must be fd:N, an open file "
                       "with a saved state",
                       arg);
    p->c->incoming_fd = (int)fd;
    return 0;
}

static struct argv_chardev *find_chardev(struct hvmd_conf *c, const char *id)
{
    unsigned i;

    for (i = 0; i < c->nchardevs; i++)
        if (!strcmp(c->chardev[i].id, id))
            return &c->chardev[i];
    return NULL;
}

OPT_HANDLER(opt_chardev)
{
    struct hvmd_conf *c = p->c;
    struct argv_chardev *ch = &c->chardev[c->nchardevs];
    const char *backend, *fd;
    struct subs s;
    int rc = subs_parse(p, "chardev", "backend", arg, &s);

    if (rc)
        return rc;
    if (c->nchardevs == ARGV_CHARDEVS)
        return opt_bad(p, "-chardev is given more than %d times",
                       ARGV_CHARDEVS);
    backend = subs_str(&s, "backend");
    ch->id = subs_str(&s, "id");
    ch->path = subs_str(&s, "path");
    fd = subs_str(&s, "fd");
    if (!backend)
        return opt_bad(p, "-chardev says no kind of stream: socket or pty");
    if (!ch->id)
        return opt_bad(p, "-chardev %s has no id=", backend);
    if (find_chardev(c, ch->id))
        return opt_bad(p, "-chardev id=%s is given twice", ch->id);
    ch->socket = !strcmp(backend, "socket");
    if (!ch->socket &&
        (ch->path || fd || subs_str(&s, "server") || subs_str(&s, "wait")))
        return opt_bad(p, "-chardev pty (id=%s) takes only id=", ch->id);
    if (ch->socket) {
        if (!ch->path == !fd)
            return opt_bad(p,
                           "-chardev socket (id=%s) needs one of path= and "
                           "fd=",
                           ch->id);
        if (!subs_num(&s, "server", 0))
            return opt_bad(p, "-chardev socket (id=%s) needs server=on",
                           ch->id);
        if (subs_num(&s, "wait", 1))
            return opt_bad(p, "-chardev socket (id=%s) needs wait=off", ch->id);
        if (fd)
            ch->fd = (int)subs_num(&s, "fd", 0);
    }
    ch->opts = opt_strdup(p, arg);
    if (!ch->opts)
        return -ENOMEM;
    c->nchardevs++;
    return 0;
}

OPT_HANDLER(opt_mon)
{
    struct hvmd_conf *c = p->c;
    struct argv_chardev *ch;
    const char *id, *mode;
    struct subs s;
    int rc = subs_parse(p, "mon", "chardev", arg, &s);

    if (rc)
        return rc;
    id = subs_str(&s, "chardev");
    mode = subs_str(&s, "mode");
    if (!id)
        return opt_bad(p, "-mon names no chardev=");
    if (!mode || strcmp(mode, "control"))
        return opt_fail(p, -ENOTSUP,
                        "-mon chardev=%s needs mode=control: the human "
                        "monitor is not served",
                        id);
    /* libxl gives the chardev first; so must everybody. */
    ch = find_chardev(c, id);
    if (!ch || !ch->socket)
        return opt_bad(p, "-mon chardev=%s is not the id of a -chardev socket",
                       id);
    if (ch->mon)
        return opt_bad(p, "-mon chardev=%s is given twice", id);
    if (c->nmons == ARGV_MONS)
        return opt_bad(p, "-mon is given more than %d times", ARGV_MONS);
    ch->mon = true;
    c->mon[c->nmons++] = (unsigned)(ch - c->chardev);
    return 0;
}

OPT_HANDLER(opt_control)
{
    if (arg[0] != '/' && strcmp(arg, "none") != 0)
        return opt_bad(
            p, "-control '%.60s' must be a folder from / on, or none", arg);
    return opt_keep(p, &p->c->control, "control", arg, 90);
}

/* HOST:DISPLAY, [V6]:DISPLAY, unix:PATH */
/*
 * Whether the last colon, behind len characters, ends the host. What holds a
 * colon is passed on by libxl as it is, without the display: libvirt's
 * listen='::1' too.
 */
static bool vnc_host_ends(const char *addr, size_t len)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr ip;

    if (addr[0] == '[')
        return addr[len - 1] == ']';
    if (!memchr(addr, ':', len))
        return true;
    if (len >= sizeof(host))
        return false;
    memcpy(host, addr, len);
    host[len] = 0;
    return inet_pton(AF_INET6, host, &ip) == 1;
}

static int vnc_address(struct parse *p, const char *addr)
{
    struct argv_vnc *v = &p->c->vnc;
    const char *colon = strrchr(addr, ':');
    size_t len = colon ? (size_t)(colon - addr) : 0;
    uint64_t display;
    char *host;

    if (!strncmp(addr, "unix:", 5)) {
        if (!addr[5] || strlen(addr + 5) > 107)
            return opt_bad(p, "-vnc unix: needs a path of at most 107 bytes");
        v->path = addr + 5;
        return 0;
    }
    if (!colon)
        return opt_bad(p,
                       "-vnc '%.100s' is not HOST:DISPLAY, unix:PATH or "
                       "none",
                       addr);
    if (!vnc_host_ends(addr, len))
        return opt_bad(p,
                       "-vnc '%.100s' is an IPv6 address without a display; "
                       "say [ADDRESS]:DISPLAY in vnclisten= (libvirt: "
                       "listen='[ADDRESS]:DISPLAY' with port='5900')",
                       addr);
    if (!opt_number(colon + 1, 0, 65535 - 5900, &display))
        return opt_bad(p,
                       "-vnc '%.100s' has no display number from 0 to %d "
                       "after the colon",
                       addr, 65535 - 5900);
    if (len >= 2 && addr[0] == '[' && addr[len - 1] == ']') {
        addr++;
        len -= 2;
    }
    host = opt_strdup(p, addr);
    if (!host)
        return -ENOMEM;
    host[len] = 0;
    if (strpbrk(host, "[] \t"))
        return opt_bad(p, "-vnc host '%.100s' is no address", host);
    v->host = host;
    v->display = (unsigned)display;
    return 0;
}

OPT_HANDLER(opt_vnc)
{
    struct argv_vnc *v = &p->c->vnc;
    char text[320], to[16] = "";
    const char *addr;
    struct subs s;
    int rc = subs_parse(p, "vnc", "address", arg, &s);

    if (rc)
        return rc;
    addr = subs_str(&s, "address");
    if (!addr)
        return opt_bad(p, "-vnc says no address; HOST:DISPLAY or none");
    if (!strcmp(addr, "none"))
        return 0;
    rc = vnc_address(p, addr);
    if (rc)
        return rc;
    v->password = subs_num(&s, "password", 0);
    v->has_to = subs_str(&s, "to") != NULL;
    v->to = (unsigned)subs_num(&s, "to", v->display);
    if (v->path) /* libxl adds it whatever vnclisten names */
        v->has_to = false;
    if (v->has_to)
        snprintf(to, sizeof(to), ",to=%u", v->to);
    snprintf(text, sizeof(text), "%s%s%s", addr,
             v->password ? ",password=on" : "", to);
    v->text = opt_strdup(p, text);
    if (!v->text)
        return -ENOMEM;
    v->on = true;
    return 0;
}

OPT_HANDLER(opt_display)
{
    if (strcmp(arg, "none"))
        return opt_fail(p, -ENOTSUP,
                        "-display %.60s is not served; say sdl=0 and vnc=1 "
                        "(libvirt: <graphics type='vnc'/>)",
                        arg);
    return 0;
}

OPT_HANDLER(opt_keymap)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    /* It names a table, never a file. */
    if (strspn(arg, letters) != strlen(arg))
        return opt_bad(p, "-k '%.60s' is not the name of a keymap", arg);
    return opt_keep(p, &p->c->keymap, "k", arg, 31);
}

OPT_HANDLER(opt_serial)
{
    struct hvmd_conf *c = p->c;
    int rc;

    if (c->nserials == MACHINE_SERIALS)
        return opt_bad(p, "-serial is given more than %d times",
                       MACHINE_SERIALS);
    rc = opt_keep(p, &c->serial[c->nserials], "serial", arg, 4095);
    if (!rc)
        c->nserials++;
    return rc;
}

OPT_HANDLER(opt_parallel)
{
    return opt_keep(p, &p->c->parallel, "parallel", arg, 4095);
}

static const char no_usb[] = "-usb, -usbdevice: there is no USB yet; keyboard "
                             "and pointer are PS/2 devices";

OPT_HANDLER(opt_usb)
{
    opt_note(p, no_usb);
    return 0;
}

OPT_HANDLER(opt_usbdevice)
{
    if (strcmp(arg, "tablet") && strcmp(arg, "mouse"))
        return opt_fail(p, -ENOTSUP,
                        "-usbdevice %.60s is not served, there is no USB; "
                        "leave it out of usbdevice=",
                        arg);
    opt_note(p, no_usb);
    return 0;
}
