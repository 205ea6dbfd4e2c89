/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_USUAL   (UINT64_C(128) << 20)
#define ORDER_USUAL "cad"

static int more(struct keyval *list, unsigned *n, const char *text,
                const char *implied, struct err *e)
{
    if (*n == ARGS_MOST)
        return err_set(e, -E2BIG, "more than %u options of a kind", ARGS_MOST);
    return keyval_parse(&list[(*n)++], text, implied, e);
}

static int take_drive(struct args *a, const char *v, struct err *e)
{
    return more(a->drive, &a->ndrives, v, NULL, e);
}

static int take_blockdev(struct args *a, const char *v, struct err *e)
{
    return more(a->blockdev, &a->nblockdevs, v, "driver", e);
}

static int take_device(struct args *a, const char *v, struct err *e)
{
    return more(a->device, &a->ndevices, v, "driver", e);
}

static int take_chardev(struct args *a, const char *v, struct err *e)
{
    return more(a->chardev, &a->nchardevs, v, "backend", e);
}

/* -hda and its like, and -pflash: a drive of that place. */
static int place(struct args *a, const char *file, const char *keys,
                 struct err *e)
{
    int rc = take_drive(a, keys, e);

    return rc ? rc : keyval_add(&a->drive[a->ndrives - 1], "file", file, e);
}

static int take_hda(struct args *a, const char *v, struct err *e)
{
    return place(a, v, "if=ide,index=0,format=raw", e);
}

static int take_hdb(struct args *a, const char *v, struct err *e)
{
    return place(a, v, "if=ide,index=1,format=raw", e);
}

static int take_hdc(struct args *a, const char *v, struct err *e)
{
    return place(a, v, "if=ide,index=2,format=raw", e);
}

static int take_hdd(struct args *a, const char *v, struct err *e)
{
    return place(a, v, "if=ide,index=3,format=raw", e);
}

static int take_cdrom(struct args *a, const char *v, struct err *e)
{
    return place(a, v, "if=ide,index=2,format=raw,media=cdrom", e);
}

static int take_pflash(struct args *a, const char *v, struct err *e)
{
    return place(a, v, "if=pflash,format=raw", e);
}

static int add_global(struct args *a, const char *driver, size_t dlen,
                      const char *prop, size_t plen, const char *val,
                      struct err *e)
{
    struct global *g = &a->global[a->nglobals];

    if (a->nglobals == ARGS_MOST)
        return err_set(e, -E2BIG, "more than %u options -global", ARGS_MOST);
    if (dlen >= sizeof(g->driver) || plen >= sizeof(g->prop))
        return 0; /* of no device here */
    snprintf(g->driver, sizeof(g->driver), "%.*s", (int)dlen, driver);
    snprintf(g->prop, sizeof(g->prop), "%.*s", (int)plen, prop);
    g->val = val;
    a->nglobals++;
    return 0;
}

/* DRIVER.PROP=VALUE, or driver=DRIVER,property=PROP,value=VALUE */
static int take_global(struct args *a, const char *v, struct err *e)
{
    const char *dot = strchr(v, '.'), *eq = dot ? strchr(dot, '=') : NULL;
    const char *prop = strstr(v, ",property="), *val = strstr(v, ",value=");

    if (!strncmp(v, "driver=", 7) && prop && val && val > prop)
        return add_global(a, v + 7, (size_t)(prop - v) - 7, prop + 10,
                          (size_t)(val - prop) - 10, val + 7, e);
    if (!eq)
        return err_set(e, -EINVAL, "-global '%.60s' must be DRIVER.PROP=VALUE",
                       v);
    return add_global(a, v, (size_t)(dot - v), dot + 1, (size_t)(eq - dot) - 1,
                      eq + 1, e);
}

const char *args_global(const struct args *a, const char *driver,
                        const char *prop)
{
    const char *val = NULL;

    for (unsigned i = 0; i < a->nglobals; i++)
        if (!strcmp(a->global[i].driver, driver) &&
            !strcmp(a->global[i].prop, prop))
            val = a->global[i].val;
    return val;
}

static struct args_peer peer_of(struct keyval *kv)
{
    return (struct args_peer){.path = keyval_get(kv, "", "path"),
                              .listens = args_on(keyval_get(kv, "", "server"))};
}

/* unix:PATH, as a -chardev socket without a name */
static int take_socket(struct args *a, const char *option, const char *v,
                       struct args_peer *peer, struct err *e)
{
    struct keyval *kv = &a->chardev[a->nchardevs];
    bool is = !strncmp(v, "unix:", 5);
    int rc = is ? more(a->chardev, &a->nchardevs, v + 5, "path", e) : 0;

    if (rc)
        return rc;
    if (is)
        *peer = peer_of(kv);
    if (!is || !peer->path)
        return err_set(e, -EINVAL, "%s '%.100s': unix:PATH of a socket", option,
                       v);
    keyval_skip(kv, "", "wait nowait"); /* nobody is waited for */
    return keyval_done(kv, option, e);
}

static int take_qtest(struct args *a, const char *v, struct err *e)
{
    if (!strcmp(v, "null") || !strcmp(v, "none"))
        return 0;
    if (!strncmp(v, "chardev:", 8)) {
        a->qtest_chardev = v + 8;
        return 0;
    }
    if (strcmp(v, "stdio"))
        return take_socket(a, "-qtest", v, &a->qtest, e);
    a->qtest = (struct args_peer){.path = v};
    return 0;
}

/* -qtest chardev:ID */
static int resolve_qtest(struct args *a, struct err *e)
{
    const char *id = a->qtest_chardev;

    for (unsigned i = 0; id && i < a->nchardevs; i++) {
        const char *name = keyval_get(&a->chardev[i], "", "id");
        const char *kind = keyval_get(&a->chardev[i], "", "backend");

        if (!name || !kind || strcmp(name, id))
            continue;
        a->qtest = strcmp(kind, "stdio") ? peer_of(&a->chardev[i])
                                         : (struct args_peer){.path = kind};
        if (a->qtest.path)
            return 0;
    }
    return id ? err_set(e, -EINVAL,
                        "-qtest chardev:%.40s: it must be a -chardev stdio, or "
                        "socket with a path",
                        id)
              : 0;
}

static int take_qmp(struct args *a, const char *v, struct err *e)
{
    if (!strcmp(v, "null") || !strcmp(v, "none"))
        return 0;
    return take_socket(a, "-qmp", v, &a->qmp, e);
}

static int take_mon(struct args *a, const char *v, struct err *e)
{
    a->mon = v;
    return 0;
}

static int take_bios(struct args *a, const char *v, struct err *e)
{
    a->board.rom = v;
    return 0;
}

static int take_floppy(struct args *a, const char *v, struct err *e)
{
    return err_set(e, -ENOTSUP, "-fda, -fdb: there is no floppy drive here");
}

/* The card is not here, but takes its turn. */
static int take_balloon(struct args *a, const char *v, struct err *e)
{
    return strcmp(v, "none") ? take_device(a, v, e) : 0;
}

static int take_usbdevice(struct args *a, const char *v, struct err *e)
{
    return err_set(e, -ENOTSUP, "-usbdevice: there is no USB here");
}

static int take_vga(struct args *a, const char *v, struct err *e)
{
    if (strcmp(v, "std") && strcmp(v, "none"))
        return err_set(e, -ENOTSUP, "-vga '%.40s': there are std and none", v);
    a->vga = v;
    return 0;
}

static int take_serial(struct args *a, const char *v, struct err *e)
{
    a->own_serial = true;
    if (strcmp(v, "none") && a->board.serials < MACHINE_SERIALS)
        a->board.serials++;
    return 0;
}

static int take_nodefaults(struct args *a, const char *v, struct err *e)
{
    a->nodefaults = true;
    return 0;
}

static int take_snapshot(struct args *a, const char *v, struct err *e)
{
    a->snapshot = true;
    return 0;
}

static int take_no_acpi(struct args *a, const char *v, struct err *e)
{
    a->board.machine.acpi = false;
    return 0;
}

static int take_no_floppy_check(struct args *a, const char *v, struct err *e)
{
    a->board.no_floppy_check = true;
    return 0;
}

static int take_help(struct args *a, const char *v, struct err *e)
{
    a->help = true;
    return 0;
}

static int take_version(struct args *a, const char *v, struct err *e)
{
    a->version = true;
    return 0;
}

/* NULL: makes no difference here. */
static const struct option {
    const char *name;
    bool arg;
    int (*take)(struct args *, const char *, struct err *);
} options[] = {
    {"qtest", true, take_qtest},
    {"qtest-log", true, NULL},
    {"chardev", true, take_chardev},
    {"mon", true, take_mon},
    {"qmp", true, take_qmp},
    {"machine", true, args_take_machine},
    {"M", true, args_take_machine},
    {"accel", true, args_take_accel},
    {"m", true, args_take_m},
    {"smp", true, args_take_smp},
    {"drive", true, take_drive},
    {"blockdev", true, take_blockdev},
    {"hda", true, take_hda},
    {"hdb", true, take_hdb},
    {"hdc", true, take_hdc},
    {"hdd", true, take_hdd},
    {"cdrom", true, take_cdrom},
    {"fda", true, take_floppy},
    {"fdb", true, take_floppy},
    {"usbdevice", true, take_usbdevice},
    {"pflash", true, take_pflash},
    {"snapshot", false, take_snapshot},
    {"device", true, take_device},
    {"nic", true, args_take_nic},
    {"net", true, args_take_net},
    {"global", true, take_global},
    {"bios", true, take_bios},
    {"boot", true, args_take_boot},
    {"uuid", true, args_take_uuid},
    {"vga", true, take_vga},
    {"nodefaults", false, take_nodefaults},
    {"no-acpi", false, take_no_acpi},
    {"no-fd-bootchk", false, take_no_floppy_check},
    {"help", false, take_help},
    {"h", false, take_help},
    {"version", false, take_version},
    {"action", true, NULL},
    {"audio", true, NULL},
    {"audiodev", true, NULL},
    {"balloon", true, take_balloon},
    {"cpu", true, NULL},
    {"compat", true, NULL},
    {"d", true, NULL},
    {"debugcon", true, NULL},
    {"D", true, NULL},
    {"display", true, NULL},
    {"icount", true, NULL},
    {"k", true, NULL},
    {"L", true, NULL},
    {"mem-path", true, NULL},
    {"monitor", true, NULL},
    {"msg", true, NULL},
    {"name", true, NULL},
    {"netdev", true, args_take_netdev},
    {"object", true, NULL},
    {"overcommit", true, NULL},
    {"parallel", true, NULL},
    {"pidfile", true, NULL},
    {"rtc", true, NULL},
    {"run-with", true, NULL},
    {"sandbox", true, NULL},
    {"seed", true, NULL},
    {"serial", true, take_serial},
    {"smbios", true, NULL},
    {"trace", true, NULL},
    {"vnc", true, NULL},
    {"watchdog-action", true, NULL},
    {"enable-fips", false, NULL},
    {"enable-kvm", false, NULL},
    {"mem-prealloc", false, NULL},
    {"no-hpet", false, NULL},
    {"no-reboot", false, NULL},
    {"no-shutdown", false, NULL},
    {"no-user-config", false, NULL},
    {"nographic", false, NULL},
    {"S", false, NULL},
    {"usb", false, NULL},
};

static const struct option *find(const char *name)
{
    name += name[0] == '-' && name[1] == '-' ? 2 : 1;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (!strcmp(options[i].name, name))
            return &options[i];
    return NULL;
}

/* -mon chardev=ID with -chardev socket,path=PATH,id=ID */
static int resolve_mon(struct args *a, struct err *e)
{
    struct keyval kv = {.n = 0};
    const char *id, *mode;
    int rc = a->mon ? keyval_parse(&kv, a->mon, "chardev", e) : 0;

    id = keyval_get(&kv, "", "chardev");
    mode = keyval_get(&kv, "", "mode");
    keyval_skip(&kv, "", "pretty");
    rc = rc ? rc : keyval_done(&kv, "-mon", e);
    for (unsigned i = 0; id && !rc && i < a->nchardevs; i++) {
        const char *path = keyval_get(&a->chardev[i], "", "path");
        const char *name = keyval_get(&a->chardev[i], "", "id");

        if (path && name && !strcmp(name, id) && mode &&
            !strcmp(mode, "control"))
            a->qmp = peer_of(&a->chardev[i]);
    }
    if (!rc && id && mode && !strcmp(mode, "control") && !a->qmp.path)
        rc = err_set(e, -EINVAL,
                     "-mon: there is no -chardev socket with a "
                     "path and the id '%.40s'",
                     id);
    keyval_free(&kv);
    return rc;
}

static int resolve(struct args *a, struct err *e)
{
    const char *vga = a->vga ? a->vga : a->nodefaults ? "none" : "std";
    int rc = resolve_mon(a, e);

    for (unsigned i = 0; i < a->ndevices && !a->vga; i++) {
        const char *driver = keyval_get(&a->device[i], "", "driver");

        if (driver && !strcmp(driver, "VGA"))
            vga = "none"; /* of the board: that one stands for it */
    }
    if (!strcmp(vga, "std"))
        a->board.machine.vga = VGA_STD;
    if (!a->own_serial && !a->nodefaults)
        a->board.serials = 1;
    rc = rc ? rc : resolve_qtest(a, e);
    rc = rc ? rc : args_board_slots(a, e);
    rc = rc ? rc : args_drives(a, e);
    for (unsigned i = 0; i < a->ndevices && !rc; i++)
        rc = args_device(a, &a->device[i], e);
    for (unsigned i = 0; i < a->nblockdevs && !rc; i++)
        if (keyval_used(&a->blockdev[i], "node-name")) /* by some disk */
            rc = keyval_done(&a->blockdev[i], "-blockdev", e);
    a->board.machine.max_vcpus = a->board.machine.vcpus;
    return rc;
}

int args_parse(struct args *a, int argc, char **argv, struct clock *clock,
               struct err *e)
{
    int rc = 0;

    memset(a, 0, sizeof(*a));
    a->clock = clock;
    a->board.machine = (struct machine_conf){.ram_bytes = RAM_USUAL,
                                             .vcpus = 1,
                                             .acpi = true,
                                             .boot_order = ORDER_USUAL,
                                             .vgamem_mib = ARGS_VGA_MIB};
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        a->board.chs[u].trans = -1;
    for (int i = 1; i < argc && !rc; i++) {
        const struct option *o = argv[i][0] == '-' ? find(argv[i]) : NULL;

        if (argv[i][0] != '-' && argv[i][0]) /* an image alone */
            rc = take_hda(a, argv[i], e);
        else if (!o)
            rc = err_set(e, -EINVAL, "the option '%.60s' is not known here",
                         argv[i]);
        else if (o->arg && i + 1 == argc)
            rc = err_set(e, -EINVAL, "-%s needs a value", o->name);
        else if (o->take)
            rc = o->take(a, o->arg ? argv[i + 1] : NULL, e);
        i += o && o->arg;
    }
    if (rc || a->help || a->version)
        return rc;
    return resolve(a, e);
}

static void free_all(struct keyval *list, unsigned n)
{
    while (n)
        keyval_free(&list[--n]);
}

void args_free(struct args *a)
{
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        if (a->board.image[u])
            a->board.image[u]->blk.ops->close(&a->board.image[u]->blk);
    free_all(a->drive, a->ndrives);
    free_all(a->blockdev, a->nblockdevs);
    free_all(a->device, a->ndevices);
    free_all(a->chardev, a->nchardevs);
}
