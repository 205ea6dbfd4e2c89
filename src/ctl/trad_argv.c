/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of qemu-dm, the device model of qemu-xen-traditional, as
 * libxl up to 4.20 (libxl_dm.c, the "old" arguments) and xend write it. Cards
 * are said again in the words of -device and -netdev. Disks, the VNC password
 * and the size of the guest's memory are not there: see trad_store.h.
 */
#include "opts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VCPUS_MAX  128u
#define MORE_PORTS 99u
#define DISPLAYS   59635u

OPT_HANDLER(opt_d)
{
    return opt_take_domid(p, "d", arg);
}

OPT_HANDLER(opt_domain_name)
{
    return opt_keep(p, &p->c->name, "domain-name", arg, 1023);
}

OPT_HANDLER(opt_loadvm)
{
    return opt_keep(p, &p->c->loadvm, "loadvm", arg, 4095);
}

OPT_HANDLER(opt_vncunused)
{
    p->trad.vnc_unused = true;
    return 0;
}

OPT_HANDLER(opt_videoram)
{
    uint64_t v;

    if (!opt_number(arg, 1, 512, &v))
        return opt_bad(p, "-videoram is '%.60s' and must be 1 to 512 MiB", arg);
    p->trad.videoram_mib = (uint32_t)v;
    return 0;
}

OPT_HANDLER(opt_std_vga)
{
    p->trad.std_vga = true;
    return 0;
}

OPT_HANDLER(opt_acpi)
{
    p->c->acpi = true;
    return 0;
}

OPT_HANDLER(opt_vcpus)
{
    uint64_t v;

    if (!opt_number(arg, 1, VCPUS_MAX, &v))
        return opt_bad(p, "-vcpus is '%.60s' and must be a number from 1 to %u",
                       arg, VCPUS_MAX);
    p->c->max_vcpus = (unsigned)v;
    return 0;
}

/* 0x3, 3, and 0x3L as xend's Python 2 wrote it; most significant digit first.
 * The machine knows how many are online, not which. */
OPT_HANDLER(opt_vcpu_avail)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *s = arg, *at;
    size_t len;
    unsigned online = 0;

    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
        s += 2;
    len = strspn(s, digits);
    if (!len || (s[len] && strcmp(s + len, "L")))
        return opt_bad(p,
                       "-vcpu_avail is '%.60s' and must be a hexadecimal "
                       "number",
                       arg);
    for (size_t i = 0; i < len; i++) {
        at = strchr(digits, s[i]);
        online += (unsigned)__builtin_popcount((unsigned)(at - digits) & 15);
    }
    p->trad.avail = online;
    p->trad.has_avail = true;
    return 0;
}

/* What is wrong with a card is said after the words that asked for it. */
static int of_net(struct parse *p, int rc, const char *arg)
{
    struct err why = *p->e;

    return rc ? opt_fail(p, rc, "-net %.80s: %s", arg, why.text) : 0;
}

static int net_nic(struct parse *p, const struct subs *s, unsigned vlan)
{
    const char *mac = subs_str(s, "macaddr"), *model = subs_str(s, "model");
    char text[120];

    if (model && strcmp(model, "rtl8139"))
        return opt_fail(
            p, -ENOTSUP,
            "the model %s is not served; say model=rtl8139 in vif=", model);
    snprintf(text, sizeof(text), "rtl8139,id=nic%u,netdev=net%u%s%s", vlan,
             vlan, mac ? ",mac=" : "", mac ? mac : "");
    return opt_device(p, text);
}

static int net_tap(struct parse *p, const struct subs *s, unsigned vlan)
{
    const char *ifname = subs_str(s, "ifname");
    const char *bridge = subs_str(s, "bridge");
    const char *script = subs_str(s, "script");
    const char *down = subs_str(s, "downscript");
    char text[160];
    int rc;

    if (!ifname)
        return opt_bad(p, "it needs ifname=");
    if ((script && strcmp(script, "no")) || (down && strcmp(down, "no")))
        return opt_fail(p, -ENOTSUP,
                        "hvmd runs no scripts; say script=no,downscript=no");
    snprintf(text, sizeof(text), "tap,id=net%u,ifname=%s%s%s", vlan, ifname,
             bridge ? ",br=" : "", bridge ? bridge : "");
    rc = opt_netdev(p, text);
    if (!rc) {
        struct argv_netdev *n = &p->c->netdev[p->c->nnetdevs - 1];

        n->of_net = true;
        n->join = bridge && !script; /* xend left that to qemu-dm's script */
    }
    return rc;
}

int trad_net(struct parse *p, const char *arg)
{
    const char *type;
    struct subs s;
    unsigned vlan;
    int rc = subs_parse(p, "net", "type", arg, &s);

    if (rc)
        return rc;
    type = subs_str(&s, "type");
    vlan = (unsigned)subs_num(&s, "vlan", 0);
    if (!type)
        return opt_bad(p, "-net %.80s is not none, nic or tap", arg);
    if (!strcmp(type, "none"))
        return 0;
    rc = !strcmp(type, "nic") ? net_nic(p, &s, vlan) : net_tap(p, &s, vlan);
    return of_net(p, rc, arg);
}

static int no_card(struct parse *p, const struct argv_netdev *n)
{
    if (n->of_net)
        return opt_bad(p,
                       "-net tap,vlan=%s,ifname=%s has no -net nic of the "
                       "same vlan",
                       n->id + strlen("net"), n->ifname);
    return opt_bad(p, "-netdev %s has no card; leave it out", n->id);
}

/* A card may be without a cable, but not a cable without a card. */
static int join_vlans(struct parse *p)
{
    struct hvmd_conf *c = p->c;
    bool cable;

    for (unsigned i = 0; i < c->nnics; i++) {
        cable = false;
        for (unsigned k = 0; k < c->nnetdevs && c->nic[i].netdev_id; k++)
            cable |= !strcmp(c->nic[i].netdev_id, c->netdev[k].id);
        if (!cable)
            c->nic[i].netdev_id = NULL;
    }
    for (unsigned k = 0; k < c->nnetdevs; k++) {
        cable = false;
        for (unsigned i = 0; i < c->nnics && !cable; i++)
            cable = c->nic[i].netdev_id &&
                    !strcmp(c->nic[i].netdev_id, c->netdev[k].id);
        if (!cable)
            return no_card(p, &c->netdev[k]);
    }
    return 0;
}

static int default_vga(struct parse *p)
{
    uint32_t mib = p->trad.videoram_mib;

    if (p->c->vga != VGA_NONE || p->trad.no_vga)
        return 0;
    if (!mib)
        mib = p->trad.std_vga ? 8 : 4;
    return opt_set_vga(p, p->trad.std_vga ? VGA_STD : VGA_CIRRUS, mib);
}

static int more_ports(struct parse *p)
{
    struct argv_vnc *v = &p->c->vnc;
    char text[330];

    if (!p->trad.vnc_unused || !v->on || v->path || v->has_to)
        return 0;
    v->has_to = true;
    v->to = v->display + MORE_PORTS;
    if (v->to > DISPLAYS)
        v->to = DISPLAYS;
    snprintf(text, sizeof(text), "%s,to=%u", v->text, v->to);
    v->text = opt_strdup(p, text);
    return v->text ? 0 : -ENOMEM;
}

int trad_resolve(struct parse *p)
{
    struct hvmd_conf *c = p->c;
    int rc;

    if (!p->domid)
        return opt_bad(p, "-d is missing; the toolstack starts qemu-dm with "
                          "the domain's number");
    if (c->action == ARGV_PROBE)
        return opt_bad(p, "-M none has no meaning with -d");
    if (!p->machine)
        c->xen_platform = p->machine = true;
    if (p->trad.has_avail && !p->trad.avail)
        return opt_bad(p, "-vcpu_avail has no virtual CPU online");
    /* The mask may be wider than the machine. */
    c->vcpus = p->trad.has_avail ? p->trad.avail : c->max_vcpus;
    if (c->vcpus > c->max_vcpus)
        c->vcpus = c->max_vcpus;
    rc = default_vga(p);
    if (!rc)
        rc = more_ports(p);
    return rc ? rc : join_vlans(p);
}
