/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See acpi.h. The SCI wire is ISA interrupt 9, which the hypervisor drives
 * too, for PM1 events: a level of ours that it has cleared is driven again at
 * every access the guest's handler makes here.
 */
#include "acpi.h"

#include "regs.h"

#include <errno.h>
#include <hvmd/machine.h>
#include <hvmd/pci.h>
#include <string.h>

#define APM_ACPI_ON  0xf1u
#define APM_ACPI_OFF 0xf0u

enum { LOG_SLEEP, LOG_EJECT, LOG_DSDT, LOG_PMBA };

struct acpi_regs {
    uint8_t cfg[256];
    uint8_t cpu_online[CPUHP_BYTES];
    uint16_t pm1_cnt;
    uint16_t gpe_sts, gpe_en;
    bool suspended;
    uint8_t pad; /* always 0 */
};

struct acpi {
    struct dev dev;
    struct pci_dev pci;
    struct acpi_regs regs;
    struct irq sci;
    uint32_t cnt_port; /* where PM1a control is mapped, 0: nowhere */
    unsigned vcpus, max_vcpus;
};

/* clang-format off */
/* reg bytes reset  wmask   name, section 7.1 */
static const struct pm_reg {
    uint8_t reg, bytes;
    uint32_t reset, wmask;
} pm_regs[] = {
    { 0x04, 2, 0x0000, 0x0001 },         /* PCICMD: I/O for SMBus only */
    { 0x06, 2, 0x0280, 0x0000 },         /* PCISTS */
    { 0x0c, 2, 0x0000, 0x0000 },         /* no cache line nor latency */
    { 0x40, 4, 0x00000001, PMBA_ADDR },  /* PMBA */
    { 0x44, 4, 0x00000000, 0xffffffff }, /* CNTA */
    { 0x48, 4, 0x00000000, 0xffffffff }, /* CNTB */
    { 0x4c, 4, 0x00000000, 0xffffffff }, /* GPICTL */
    { 0x50, 3, 0x000000,   0xffffff },   /* DEVRESD */
    { 0x54, 4, 0x00000000, 0xffffffff }, /* DEVACTA */
    { 0x58, 4, 0x00000000, 0xffffffff }, /* DEVACTB */
    { 0x5c, 4, 0x00000000, 0xffffffff }, /* DEVRESA */
    { 0x60, 4, 0x00000000, 0xffffffff }, /* DEVRESB */
    { 0x64, 4, 0x00000000, 0xffffffff }, /* DEVRESC */
    { 0x68, 4, 0x00000000, 0xffffffff }, /* DEVRESE */
    { 0x6c, 4, 0x00000000, 0xffffffff }, /* DEVRESF */
    { 0x70, 4, 0x00000000, 0xffffffff }, /* DEVRESG */
    { 0x74, 4, 0x00000000, 0xffffffff }, /* DEVRESH */
    { 0x78, 4, 0x00000000, 0xffffffff }, /* DEVRESI */
    { 0x7c, 4, 0x00000000, 0xffffffff }, /* DEVRESJ */
    { 0x80, 1, 0x00,       0x01 },       /* PMREGMISC */
    { 0x90, 4, 0x00000001, 0xfff0 },     /* SMBBA */
    { 0xd2, 1, 0x00,       0x0f },       /* SMBHSTCFG */
    { 0xd3, 1, 0x00,       0xff },       /* SMBSLVC */
    { 0xd4, 1, 0x00,       0xff },       /* SMBSHDW1 */
    { 0xd5, 1, 0x00,       0xff },       /* SMBSHDW2 */
};
/* clang-format on */

static void update_sci(struct acpi *pm)
{
    const struct acpi_regs *r = &pm->regs;

    irq_set(&pm->sci,
            (r->pm1_cnt & PM1_SCI_EN) && (r->gpe_sts & r->gpe_en) != 0);
}

/* On accesses of an interrupt handler: the line may have been cleared. */
static void hold_sci(struct acpi *pm)
{
    if (pm->sci.level)
        irq_replay(&pm->sci);
}

static void enter_sleep(struct acpi *pm, unsigned type)
{
    switch (type) {
    case SLP_TYP_SOFTOFF:
        machine_request(pm->dev.env.machine, MACHINE_POWEROFF);
        break;
    case SLP_TYP_S3:
        pm->regs.suspended = true;
        if (machine_request(pm->dev.env.machine, MACHINE_SUSPEND) < 0)
            pm->regs.suspended = false;
        break;
    default:
        guest_log(&pm->dev, LOG_SLEEP, "unknown sleep type %u", type);
        break;
    }
}

static uint64_t cnt_rd(void *ctx, uint32_t off, unsigned size)
{
    struct acpi *pm = ctx;

    hold_sci(pm);
    return (uint64_t)pm->regs.pm1_cnt >> (8 * off);
}

static void cnt_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct acpi *pm = ctx;
    uint32_t mask = (size == 4 ? UINT32_MAX : (1u << (8 * size)) - 1)
                    << (8 * off);
    uint32_t put = (uint32_t)val << (8 * off) & mask;

    pm->regs.pm1_cnt =
        (uint16_t)((pm->regs.pm1_cnt & ~mask) | (put & PM1_KEPT));
    update_sci(pm);
    hold_sci(pm);
    if (put & PM1_SLP_EN)
        enter_sleep(pm, (pm->regs.pm1_cnt & PM1_SLP_TYP) >> PM1_SLP_SHIFT);
}

static const struct io_ops cnt_io = {.rd = cnt_rd, .wr = cnt_wr};

static uint64_t gpe_rd(void *ctx, uint32_t off, unsigned size)
{
    struct acpi *pm = ctx;
    uint32_t block = pm->regs.gpe_sts | (uint32_t)pm->regs.gpe_en << 16;

    hold_sci(pm);
    return block >> (8 * off);
}

static void gpe_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct acpi *pm = ctx;
    struct acpi_regs *r = &pm->regs;
    uint32_t mask = (size == 4 ? UINT32_MAX : (1u << (8 * size)) - 1)
                    << (8 * off);
    uint32_t put = (uint32_t)val << (8 * off) & mask;

    r->gpe_sts &= (uint16_t)~put;
    r->gpe_en = (uint16_t)((r->gpe_en & ~(mask >> 16)) | put >> 16);
    update_sci(pm);
    hold_sci(pm);
}

static const struct io_ops gpe_io = {.rd = gpe_rd, .wr = gpe_wr};

/*
 * Slots just filled, slots asked to be emptied, eject, slots that can be
 * ejected: one bit each. No slot of this machine can, so all read 0 and an
 * eject is a mistake.
 */
static uint64_t pcihp_rd(void *ctx, uint32_t off, unsigned size)
{
    hold_sci(ctx);
    return 0;
}

static void pcihp_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct acpi *pm = ctx;

    hold_sci(pm);
    if (off >= PCIHP_EJECT && off < PCIHP_EJECT + 4 && val)
        guest_log(&pm->dev, LOG_EJECT,
                  "eject of PCI slots %#x, which cannot be ejected",
                  (unsigned)(val << (8 * (off - PCIHP_EJECT))));
}

static const struct io_ops pcihp_io = {.rd = pcihp_rd, .wr = pcihp_wr};

static uint64_t cpuhp_rd(void *ctx, uint32_t off, unsigned size)
{
    struct acpi *pm = ctx;

    hold_sci(pm);
    return pm->regs.cpu_online[off];
}

static void cpuhp_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    hold_sci(ctx);
}

static const struct io_ops cpuhp_io = {
    .rd = cpuhp_rd, .wr = cpuhp_wr, .min = 1, .max = 1};

/* The tables' own trace port. */
static uint64_t dsdt_rd(void *ctx, uint32_t off, unsigned size)
{
    return UINT32_MAX;
}

static void dsdt_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    struct acpi *pm = ctx;

    bucket_log(pm->dev.env.log, &pm->dev.bucket[LOG_DSDT], "acpi tables", "%#x",
               (unsigned)val);
}

static const struct io_ops dsdt_io = {.rd = dsdt_rd, .wr = dsdt_wr};

/* PM1a control follows PMBA; what is in its way keeps its place. */
static void update_pmba(struct acpi *pm)
{
    uint32_t port = pci_get(&pm->pci, PMBA, 2) & PMBA_ADDR;
    bool on = (pm->regs.cfg[PMREGMISC] & PMREGMISC_PMIOSE) != 0;

    port = on && port ? port + PMCNTRL : 0;
    if (port == pm->cnt_port)
        return;
    if (pm->cnt_port)
        bus_unmap(pm->dev.env.bus, SPACE_PIO, pm->cnt_port);
    pm->cnt_port = 0;
    if (!port)
        return;
    if (dev_map(&pm->dev, SPACE_PIO, port, PMCNTRL_BYTES, &cnt_io) == 0)
        pm->cnt_port = port;
    else
        guest_log(&pm->dev, LOG_PMBA, "PM registers moved to taken port %#x",
                  port);
}

static void pm_wrote(struct dev *dev, unsigned reg, unsigned size)
{
    /* Any write: a region that was in the way may have gone. */
    update_pmba((struct acpi *)dev);
}

void acpi_apm(struct dev *dev, uint8_t cmd)
{
    struct acpi *pm = (struct acpi *)dev;

    if (cmd == APM_ACPI_ON)
        pm->regs.pm1_cnt |= PM1_SCI_EN;
    else if (cmd == APM_ACPI_OFF)
        pm->regs.pm1_cnt &= (uint16_t)~PM1_SCI_EN;
    update_sci(pm);
}

bool acpi_suspended(const struct dev *dev)
{
    return ((const struct acpi *)dev)->regs.suspended;
}

int acpi_wakeup(struct dev *dev)
{
    struct acpi *pm = (struct acpi *)dev;
    int rc;

    if (!pm->regs.suspended)
        return -EINVAL;
    pm->regs.suspended = false;
    rc = machine_request(dev->env.machine, MACHINE_WAKEUP);
    if (rc < 0)
        pm->regs.suspended = true;
    return rc;
}

bool acpi_vcpu_online(const struct dev *dev, unsigned vcpu)
{
    const struct acpi *pm = (const struct acpi *)dev;

    return vcpu < pm->max_vcpus &&
           (pm->regs.cpu_online[vcpu / 8] & 1u << (vcpu & 7));
}

int acpi_set_vcpu(struct dev *dev, unsigned vcpu, bool online)
{
    struct acpi *pm = (struct acpi *)dev;
    uint8_t bit = (uint8_t)(1u << (vcpu & 7));

    if (vcpu >= pm->max_vcpus)
        return -EINVAL;
    if (acpi_vcpu_online(dev, vcpu) == online)
        return 0;
    if (online)
        pm->regs.cpu_online[vcpu / 8] |= bit;
    else
        pm->regs.cpu_online[vcpu / 8] &= (uint8_t)~bit;
    pm->regs.gpe_sts |= 1u << GPE_CPU;
    update_sci(pm);
    return 0;
}

static int map_fixed(struct acpi *pm, struct err *e)
{
    static const struct {
        uint16_t port, len;
        const struct io_ops *ops;
    } ports[] = {
        {GPE0_PORT, GPE0_BYTES, &gpe_io},
        {PCIHP_PORT, PCIHP_BYTES, &pcihp_io},
        {CPUHP_PORT, CPUHP_BYTES, &cpuhp_io},
        {DSDT_PORT, DSDT_BYTES, &dsdt_io},
    };

    for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        int rc = dev_map(&pm->dev, SPACE_PIO, ports[i].port, ports[i].len,
                         ports[i].ops);

        if (rc < 0)
            return err_set(e, rc, "cannot map ACPI port %#x", ports[i].port);
    }
    return 0;
}

static int acpi_init(struct dev *dev, const struct conf *conf, struct err *e)
{
    static const struct pci_id id = {.vendor = 0x8086,
                                     .device = 0x7113,
                                     .revision = 0x03,
                                     .class_code = 0x0680,
                                     .int_pin = 1};
    struct acpi *pm = (struct acpi *)dev;
    uint64_t vcpus = conf_num(conf, "vcpus", 1);
    uint64_t max = conf_num(conf, "max_vcpus", 1);
    int rc;

    if (max > 8 * CPUHP_BYTES || vcpus < 1 || vcpus > max)
        return err_set(e, -EINVAL, "%llu of at most %llu vCPUs is not possible",
                       (unsigned long long)vcpus, (unsigned long long)max);
    pm->vcpus = (unsigned)vcpus;
    pm->max_vcpus = (unsigned)max;
    irq_wire_isa(&pm->sci, dev->env.hv, SCI_IRQ);

    pci_setup(&pm->pci, dev, pm->regs.cfg, &id);
    for (unsigned i = 0; i < sizeof(pm_regs) / sizeof(pm_regs[0]); i++) {
        const struct pm_reg *r = &pm_regs[i];

        pci_put(&pm->pci, r->reg, r->bytes, r->reset);
        pci_set_mask(&pm->pci, r->reg, r->bytes, r->wmask);
    }
    pm->pci.wrote = pm_wrote;
    rc = pci_add(dev->env.pci, &pm->pci, PCI_DEVFN(1, 3));
    if (rc < 0)
        return err_set(e, rc,
                       "the power management function finds its PCI "
                       "slot taken");
    return map_fixed(pm, e);
}

static void acpi_reset(struct dev *dev, enum reset_kind kind)
{
    struct acpi *pm = (struct acpi *)dev;

    pci_reset(&pm->pci);
    pm->regs.pm1_cnt = 0;
    pm->regs.gpe_sts = 0;
    pm->regs.gpe_en = 0;
    pm->regs.suspended = false;
    update_pmba(pm);
    update_sci(pm);
    /* vCPUs that came or went stay so over a reset of the bus. */
    if (kind != RESET_POWER)
        return;
    memset(pm->regs.cpu_online, 0, sizeof(pm->regs.cpu_online));
    for (unsigned i = 0; i < pm->vcpus; i++)
        pm->regs.cpu_online[i / 8] |= (uint8_t)(1u << (i & 7));
}

static void acpi_loaded(void *ctx)
{
    struct acpi *pm = ctx;

    pm->regs.pm1_cnt &= PM1_KEPT;
    pci_loaded(&pm->pci);
    update_pmba(pm);
    update_sci(pm);
    irq_replay(&pm->sci);
}

static const struct field acpi_fields[] = {
    FIELD_ARRAY(struct acpi_regs, cfg, 1),
    FIELD_ARRAY(struct acpi_regs, cpu_online, 1),
    FIELD(struct acpi_regs, pm1_cnt, 1),
    FIELD(struct acpi_regs, gpe_sts, 1),
    FIELD(struct acpi_regs, gpe_en, 1),
    FIELD_BOOL(struct acpi_regs, suspended, 1),
    FIELD_MAX(struct acpi_regs, pad, 1, 0),
    FIELD_END,
};

static const struct state_desc acpi_state = {
    .name = "piix4pm",
    .version = 1,
    .off = offsetof(struct acpi, regs),
    .size = sizeof(struct acpi_regs),
    .fields = acpi_fields,
    .loaded = acpi_loaded,
};

const struct dev_ops acpi_ops = {
    .name = "piix4pm",
    .size = sizeof(struct acpi),
    .init = acpi_init,
    .reset = acpi_reset,
    .state = &acpi_state,
};
