/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_USUAL   (UINT64_C(128) << 20)
#define VGA_MIB     16u
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

static bool begins(const char *s, const char *with)
{
    return !strncmp(s, with, strlen(with));
}

static int check_accel(const char *v, struct err *e)
{
    if (!strcmp(v, "qtest"))
        return 0;
    return err_set(e, -ENOTSUP,
                   "accelerator '%.40s': no guest code runs "
                   "here; say -accel qtest",
                   v);
}

static int take_accel(struct args *a, const char *v, struct err *e)
{
    return check_accel(v, e);
}

static int take_machine(struct args *a, const char *v, struct err *e)
{
    struct keyval kv = {.n = 0};
    const char *type, *accel, *acpi;
    int rc = keyval_parse(&kv, v, "type", e);

    type = keyval_get(&kv, "", "type");
    accel = keyval_get(&kv, "", "accel");
    acpi = keyval_get(&kv, "", "acpi");
    if (!rc && type && strcmp(type, "none") && strcmp(type, "pc") &&
        strcmp(type, "isapc") && strcmp(type, "xenfv") &&
        !begins(type, "pc-i440fx-"))
        rc = err_set(e, -ENOTSUP, "machine '%.40s': there is pc only", type);
    if (!rc && accel)
        rc = check_accel(accel, e);
    if (type && !strcmp(type, "xenfv"))
        a->board.machine.xen_platform = true;
    if (acpi && !strcmp(acpi, "off"))
        a->board.machine.acpi = false;
    keyval_skip(
        &kv, "",
        "usb vmport smm hpet graphics mem-merge dump-guest-core "
        "kernel_irqchip kernel-irqchip smbus sata pit pic suppress-vmdesc "
        "nvdimm i8042 fd-bootchk");
    rc = rc ? rc : keyval_done(&kv, "-machine", e);
    keyval_free(&kv);
    return rc;
}

/* A plain number is MiB. What is above 3.5 GiB is not there. */
static int take_m(struct args *a, const char *v, struct err *e)
{
    struct keyval kv = {.n = 0};
    int rc = keyval_parse(&kv, v, "size", e);
    const char *size = keyval_get(&kv, "", "size");
    uint64_t n = 0;

    keyval_skip(&kv, "", "slots maxmem");
    rc = rc ? rc : keyval_done(&kv, "-m", e);
    if (!rc && (!size || !keyval_size(size, &n) || !n))
        rc = err_set(e, -EINVAL,
                     "-m is '%.40s' and must be a size in MiB, or "
                     "with K, M or G",
                     v);
    if (!rc && size[strspn(size, "0123456789")] == 0)
        n = n > UINT64_MAX >> 20 ? BOARD_RAM_MOST : n << 20;
    keyval_free(&kv);
    n = (n + 0xfffff) & ~UINT64_C(0xfffff);
    a->board.machine.ram_bytes = n > BOARD_RAM_MOST ? BOARD_RAM_MOST : n;
    return rc;
}

static int take_smp(struct args *a, const char *v, struct err *e)
{
    unsigned long n = strtoul(begins(v, "cpus=") ? v + 5 : v, NULL, 10);

    a->board.machine.vcpus = n < 1 ? 1 : n > 128 ? 128 : (unsigned)n;
    return 0;
}

static int boot_order(char *out, const char *v, struct err *e)
{
    if (strlen(v) > 4 || strspn(v, "abcdn") != strlen(v))
        return err_set(e, -EINVAL,
                       "-boot '%.40s': an order is some of a, c, "
                       "d and n",
                       v);
    snprintf(out, 5, "%s", v);
    return 0;
}

static int take_boot(struct args *a, const char *v, struct err *e)
{
    struct keyval kv = {.n = 0};
    int rc = keyval_parse(&kv, v, "order", e);
    const char *order = keyval_get(&kv, "", "order");
    const char *once = keyval_get(&kv, "", "once");

    keyval_skip(&kv, "", "menu strict splash splash-time reboot-timeout");
    rc = rc ? rc : keyval_done(&kv, "-boot", e);
    if (!rc && order)
        rc = boot_order(a->board.machine.boot_order, order, e);
    if (!rc && once)
        rc = boot_order(a->board.boot_once, once, e);
    keyval_free(&kv);
    return rc;
}

static int take_global(struct args *a, const char *v, struct err *e)
{
    struct global *g = &a->global[a->nglobals];
    const char *dot = strchr(v, '.'), *eq = dot ? strchr(dot, '=') : NULL;

    if (!eq || dot - v >= (int)sizeof(g->driver) ||
        eq - dot > (int)sizeof(g->prop))
        return err_set(e, -EINVAL, "-global '%.60s' must be DRIVER.PROP=VALUE",
                       v);
    if (a->nglobals == ARGS_MOST)
        return err_set(e, -E2BIG, "more than %u options -global", ARGS_MOST);
    snprintf(g->driver, sizeof(g->driver), "%.*s", (int)(dot - v), v);
    snprintf(g->prop, sizeof(g->prop), "%.*s", (int)(eq - dot - 1), dot + 1);
    g->val = eq + 1;
    a->nglobals++;
    return 0;
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

static int socket_path(const char *option, const char *v, const char **path,
                       struct err *e)
{
    if (!begins(v, "unix:") || strchr(v, ','))
        return err_set(e, -EINVAL,
                       "%s '%.100s': unix:PATH of a socket that "
                       "somebody listens at",
                       option, v);
    *path = v + 5;
    return 0;
}

static int take_qtest(struct args *a, const char *v, struct err *e)
{
    if (strcmp(v, "stdio"))
        return socket_path("-qtest", v, &a->qtest, e);
    a->qtest = v;
    return 0;
}

static int take_qmp(struct args *a, const char *v, struct err *e)
{
    return socket_path("-qmp", v, &a->qmp, e);
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

static int take_vga(struct args *a, const char *v, struct err *e)
{
    if (strcmp(v, "std") && strcmp(v, "none"))
        return err_set(e, -ENOTSUP, "-vga '%.40s': there are std and none", v);
    a->vga = v;
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
    {"machine", true, take_machine},
    {"M", true, take_machine},
    {"accel", true, take_accel},
    {"m", true, take_m},
    {"smp", true, take_smp},
    {"drive", true, take_drive},
    {"blockdev", true, take_blockdev},
    {"hda", true, take_hda},
    {"hdb", true, take_hdb},
    {"hdc", true, take_hdc},
    {"hdd", true, take_hdd},
    {"cdrom", true, take_cdrom},
    {"pflash", true, take_pflash},
    {"snapshot", false, take_snapshot},
    {"device", true, take_device},
    {"global", true, take_global},
    {"bios", true, take_bios},
    {"boot", true, take_boot},
    {"vga", true, take_vga},
    {"nodefaults", false, take_nodefaults},
    {"no-acpi", false, take_no_acpi},
    {"no-fd-bootchk", false, take_no_floppy_check},
    {"help", false, take_help},
    {"h", false, take_help},
    {"version", false, take_version},
    {"audio", true, NULL},
    {"audiodev", true, NULL},
    {"cpu", true, NULL},
    {"d", true, NULL},
    {"D", true, NULL},
    {"display", true, NULL},
    {"k", true, NULL},
    {"L", true, NULL},
    {"monitor", true, NULL},
    {"msg", true, NULL},
    {"name", true, NULL},
    {"net", true, NULL},
    {"netdev", true, NULL},
    {"nic", true, NULL},
    {"object", true, NULL},
    {"parallel", true, NULL},
    {"rtc", true, NULL},
    {"sandbox", true, NULL},
    {"serial", true, NULL},
    {"trace", true, NULL},
    {"uuid", true, NULL},
    {"vnc", true, NULL},
    {"enable-fips", false, NULL},
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
            a->qmp = path;
    }
    if (!rc && id && mode && !strcmp(mode, "control") && !a->qmp)
        rc = err_set(e, -EINVAL,
                     "-mon: there is no -chardev socket with a "
                     "path and the id '%.40s'",
                     id);
    keyval_free(&kv);
    return rc;
}

static int add_nic(struct args *a, struct keyval *kv, struct err *e)
{
    struct machine_conf *m = &a->board.machine;
    struct machine_nic *nic = &m->nic[m->nnics];
    unsigned mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56 + m->nnics};
    const char *given = keyval_get(kv, "", "mac");

    if (m->nnics == MACHINE_NICS)
        return err_set(e, -E2BIG, "more than %u network cards", MACHINE_NICS);
    if (given && sscanf(given, "%2x:%2x:%2x:%2x:%2x:%2x", mac, mac + 1, mac + 2,
                        mac + 3, mac + 4, mac + 5) != 6)
        return err_set(e, -EINVAL, "-device rtl8139: mac '%.40s'", given);
    for (unsigned i = 0; i < 6; i++)
        nic->mac[i] = (uint8_t)mac[i];
    m->nnics++;
    keyval_skip(kv, "",
                "id netdev addr bus bootindex romfile rombar "
                "multifunction");
    return 0;
}

static int add_vga(struct args *a, struct keyval *kv, struct err *e)
{
    const char *mib = keyval_get(kv, "", "vgamem_mb");
    uint64_t n = VGA_MIB;

    if (mib && (!keyval_number(mib, &n) || n < 1 || n > 256 || (n & (n - 1))))
        return err_set(e, -EINVAL,
                       "-device VGA: vgamem_mb is '%.20s' and must "
                       "be a power of two, 1 to 256",
                       mib);
    a->board.machine.vga = VGA_STD;
    a->board.machine.vgamem_mib = (uint32_t)n;
    keyval_skip(kv, "", "id addr bus edid xres yres romfile rombar");
    return 0;
}

static int add_device(struct args *a, struct keyval *kv, struct err *e)
{
    const char *driver = keyval_get(kv, "", "driver");
    char option[64];
    int rc;

    if (!driver)
        return err_set(e, -EINVAL, "-device needs the name of a device");
    snprintf(option, sizeof(option), "-device %.40s", driver);
    if (!strcmp(driver, "rtl8139"))
        rc = add_nic(a, kv, e);
    else if (!strcmp(driver, "VGA"))
        rc = add_vga(a, kv, e);
    else if (!strcmp(driver, "ide-hd") || !strcmp(driver, "ide-cd"))
        rc = args_disk(a, driver, kv, e);
    else
        return err_set(e, -ENOTSUP, "%s: there is no such device here", option);
    return rc ? rc : keyval_done(kv, option, e);
}

static int resolve(struct args *a, struct err *e)
{
    const char *vga = a->vga ? a->vga : a->nodefaults ? "none" : "std";
    int rc = resolve_mon(a, e);

    if (!strcmp(vga, "std"))
        a->board.machine.vga = VGA_STD;
    rc = rc ? rc : args_drives(a, e);
    for (unsigned i = 0; i < a->ndevices && !rc; i++)
        rc = add_device(a, &a->device[i], e);
    for (unsigned i = 0; i < a->nblockdevs && !rc; i++)
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
                                             .vgamem_mib = VGA_MIB};
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        a->board.chs[u].trans = -1;
    for (int i = 1; i < argc && !rc; i++) {
        const struct option *o = argv[i][0] == '-' ? find(argv[i]) : NULL;

        if (!o)
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
