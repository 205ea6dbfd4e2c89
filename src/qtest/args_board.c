/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options about the board: machine, memory, processors, boot order. */
#include "args.h"
#include "code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int args_take_accel(struct args *a, const char *v, struct err *e)
{
    return check_accel(v, e);
}

int args_take_machine(struct args *a, const char *v, struct err *e)
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
        "nvdimm i8042 fd-bootchk max-ram-below-4g memory-backend "
        "max-fw-size hmat x-oem-id x-oem-table-id default-bus-bypass-iommu "
        "pcspk-audiodev");
    rc = rc ? rc : keyval_done(&kv, "-machine", e);
    keyval_free(&kv);
    return rc;
}

/* A plain number is MiB. What is above 3.5 GiB is not there. */
int args_take_m(struct args *a, const char *v, struct err *e)
{
    struct keyval kv = {.n = 0};
    int rc = keyval_parse(&kv, v, "size", e);
    const char *size = keyval_get(&kv, "", "size");
    uint64_t n = 0, plain;

    keyval_skip(&kv, "", "slots maxmem");
    rc = rc ? rc : keyval_done(&kv, "-m", e);
    if (!rc && (!size || !keyval_size(size, &n) || !n))
        rc = err_set(e, -EINVAL,
                     "-m is '%.40s' and must be a size in MiB, or "
                     "with K, M or G",
                     v);
    if (!rc && keyval_number(size, &plain))
        n = plain > UINT64_MAX >> 20 ? BOARD_RAM_MOST : plain << 20;
    keyval_free(&kv);
    if (n > BOARD_RAM_MOST)
        n = BOARD_RAM_MOST;
    a->board.machine.ram_bytes = (n + 0xfffff) & ~UINT64_C(0xfffff);
    return rc;
}

int args_take_smp(struct args *a, const char *v, struct err *e)
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

int args_take_boot(struct args *a, const char *v, struct err *e)
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

/* 8-4-4-4-12 hex digits */
int args_take_uuid(struct args *a, const char *v, struct err *e)
{
    const char *p = v;

    for (unsigned i = 0; i < 16; i++, p += 2) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
            break;
        if (!hex_decode(&a->board.uuid[i], 1, p))
            break;
        if (i == 15 && !p[2])
            return 0;
    }
    return err_set(e, -EINVAL,
                   "-uuid '%.40s' must be like "
                   "00112233-4455-6677-8899-aabbccddeeff",
                   v);
}
