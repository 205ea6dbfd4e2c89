/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -device: cards here, disks by drives.c. */
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* addr=SLOT[.FUNCTION], hexadecimal; slot 0: none is given. */
static int given_slot(struct keyval *kv, uint8_t *slot, struct err *e)
{
    const char *v = keyval_get(kv, "", "addr");
    unsigned n = 0, fn = 0;
    int end = 0;

    *slot = 0;
    if (!v)
        return 0;
    if (sscanf(v, "%x%n.%x%n", &n, &end, &fn, &end) < 1 || v[end] || n > 31 ||
        n < 2 || fn)
        return err_set(e, -EINVAL,
                       "addr '%.20s': a slot is 2 to 1f, a function 0", v);
    *slot = (uint8_t)n;
    return 0;
}

/* As given, or the first that is free. */
static int take_slot(struct args *a, uint8_t *slot, struct err *e)
{
    uint8_t n = *slot ? *slot : 2;

    while (!*slot && n < 32 && a->slots >> n & 1)
        n++;
    if (n > 31 || a->slots >> n & 1)
        return err_set(e, -EEXIST,
                       *slot ? "PCI slot %x is taken" : "no PCI slot is left",
                       n);
    a->slots |= UINT32_C(1) << n;
    *slot = n;
    return 0;
}

int args_board_slots(struct args *a, struct err *e)
{
    struct machine_conf *m = &a->board.machine;
    uint8_t other = 0;
    int rc = 0;

    a->slots = m->xen_platform ? 7 : 3;
    if (m->vga)
        rc = take_slot(a, &m->vga_slot, e);
    for (unsigned i = 0; i < m->nnics && !rc; i++)
        rc = take_slot(a, &m->nic[i].slot, e);
    if (!a->own_net && !a->nodefaults)
        a->other_cards++;
    for (unsigned i = 0; i < a->other_cards && !rc; i++, other = 0)
        rc = take_slot(a, &other, e);
    return rc;
}

static int add_nic(struct args *a, const char *driver, struct keyval *kv,
                   struct err *e)
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
                "id netdev vlan bus bootindex romfile romsize rombar "
                "multifunction acpi-index");
    return given_slot(kv, &nic->slot, e);
}

/* -nic and -net: the card, if it is one of ours; what is behind it is not. */
static int take_nic(struct args *a, const char *option, const char *v,
                    struct err *e)
{
    struct keyval kv = {.n = 0};
    int rc = keyval_parse(&kv, v, "type", e);
    const char *model = rc ? NULL : keyval_get(&kv, "", "model");

    const char *type = rc ? NULL : keyval_get(&kv, "", "type");

    a->own_net = true;
    if (model && !strcmp(model, "rtl8139"))
        rc = add_nic(a, model, &kv, e);
    else if (model)
        rc = err_set(e, -ENOTSUP, "%s model '%.40s': there is rtl8139", option,
                     model);
    else if (type && (!strcmp(option, "-net") ? !strcmp(type, "nic")
                                              : strcmp(type, "none") != 0))
        a->other_cards++;
    keyval_free(&kv);
    return rc;
}

int args_take_nic(struct args *a, const char *v, struct err *e)
{
    return take_nic(a, "-nic", v, e);
}

int args_take_net(struct args *a, const char *v, struct err *e)
{
    return take_nic(a, "-net", v, e);
}

int args_take_netdev(struct args *a, const char *v, struct err *e)
{
    a->own_net = true;
    return 0;
}

static int add_vga(struct args *a, const char *driver, struct keyval *kv,
                   struct err *e)
{
    const char *mib = keyval_get(kv, "", "vgamem_mb");
    uint64_t n = ARGS_VGA_MIB;
    uint8_t slot;
    int rc;

    if (mib && (!keyval_number(mib, &n) || n < 1 || n > 256 || (n & (n - 1))))
        return err_set(e, -EINVAL,
                       "-device VGA: vgamem_mb is '%.20s' and must "
                       "be a power of two, 1 to 256",
                       mib);
    a->board.machine.vgamem_mib = (uint32_t)n;
    keyval_skip(kv, "",
                "id bus edid xres yres xmax ymax refresh_rate mmio "
                "qemu-extended-regs global-vmstate big-endian-framebuffer "
                "romfile romsize rombar multifunction acpi-index");
    if (a->board.machine.vga) /* there is one */
        return given_slot(kv, &slot, e);
    a->board.machine.vga = VGA_STD;
    rc = given_slot(kv, &a->board.machine.vga_slot, e);
    return rc ? rc : take_slot(a, &a->board.machine.vga_slot, e);
}

static int add_card(struct args *a, const char *driver, struct keyval *kv,
                    struct err *e)
{
    struct machine_conf *m = &a->board.machine;
    int rc = add_nic(a, driver, kv, e);

    return rc ? rc : take_slot(a, &m->nic[m->nnics - 1].slot, e);
}

/* -balloon virtio: as with cards of other kinds, its slot stays free. */
static int add_balloon(struct args *a, const char *driver, struct keyval *kv,
                       struct err *e)
{
    uint8_t slot;
    int rc = given_slot(kv, &slot, e);

    return rc ? rc : take_slot(a, &slot, e);
}

/* The key, if it is there, has to say how it is on the board. */
static int is_at(struct keyval *kv, const char *key, uint64_t n, struct err *e)
{
    const char *v = keyval_get(kv, "", key);
    uint64_t got;

    if (!v || (keyval_number(v, &got) && got == n))
        return 0;
    return err_set(e, -ENOTSUP, "%s '%.20s': on the board it is %#llx", key, v,
                   (unsigned long long)n);
}

/* What the board has one of already. */
static int on_board(struct args *a, const char *driver, struct keyval *kv,
                    struct err *e)
{
    for (struct keyval *d = a->device; d != kv; d++)
        if (!strcmp(keyval_get(d, "", "driver"), driver))
            return err_set(e, -EEXIST, "-device %s: there is one only", driver);
    keyval_skip(kv, "", "id bus chardev"); /* its bytes go nowhere */
    return 0;
}

static int add_parallel(struct args *a, const char *driver, struct keyval *kv,
                        struct err *e)
{
    int rc = on_board(a, driver, kv, e);

    rc = rc ? rc : is_at(kv, "index", 0, e);
    rc = rc ? rc : is_at(kv, "iobase", 0x378, e);
    return rc ? rc : is_at(kv, "irq", 7, e);
}

/* In place of the port that there is by default; -serial makes others. */
static int add_serial(struct args *a, const char *driver, struct keyval *kv,
                      struct err *e)
{
    int rc = on_board(a, driver, kv, e);

    if (!rc && a->own_serial && a->board.serials)
        rc = err_set(e, -EEXIST, "-device isa-serial: there is -serial");
    rc = rc ? rc : is_at(kv, "index", 0, e);
    rc = rc ? rc : is_at(kv, "iobase", 0x3f8, e);
    rc = rc ? rc : is_at(kv, "irq", 4, e);
    if (!rc)
        a->board.serials = 1;
    return rc;
}

static const struct {
    const char *name;
    int (*add)(struct args *, const char *driver, struct keyval *,
               struct err *);
    bool told; /* to clients: may be made at will */
} drivers[] = {
    {"VGA", add_vga, true},
    {"i8042", on_board, false},
    {"ide-cd", args_disk, true},
    {"ide-drive", args_disk, false},
    {"ide-hd", args_disk, true},
    {"isa-parallel", add_parallel, false},
    {"isa-serial", add_serial, false},
    {"rtl8139", add_card, true},
    {"virtio", add_balloon, false},
};

#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

const char *args_driver(unsigned i)
{
    unsigned at = 0;

    while (at < DRIVERS && (!drivers[at].told || i--))
        at++;
    return at < DRIVERS ? drivers[at].name : NULL;
}

int args_device(struct args *a, struct keyval *kv, struct err *e)
{
    const char *driver = keyval_get(kv, "", "driver");
    char option[64];
    int rc;

    if (!driver)
        return err_set(e, -EINVAL, "-device needs the name of a device");
    snprintf(option, sizeof(option), "-device %.40s", driver);
    for (size_t i = 0; i < DRIVERS; i++) {
        if (strcmp(drivers[i].name, driver))
            continue;
        rc = drivers[i].add(a, driver, kv, e);
        return rc ? rc : keyval_done(kv, option, e);
    }
    return err_set(e, -ENOTSUP, "%s: there is no such device here", option);
}
