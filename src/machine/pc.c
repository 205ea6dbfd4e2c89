/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the devices of devices.def and wires them. See hvmd/machine.h. */
#include "../devices/acpi/acpi.h"
#include "../devices/cmos/cmos.h"
#include "../devices/i440fx/i440fx.h"
#include "../devices/ide/ide.h"
#include "../devices/ps2/ps2.h"
#include "../devices/rtl8139/rtl8139.h"
#include "../devices/uart/uart.h"
#include "../devices/vga/vga.h"
#include "../devices/xenplat/xenplat.h"

#include <errno.h>
#include <hvmd/machine.h>
#include <hvmd/pci.h>
#include <stdlib.h>
#include <string.h>

#define MACHINE_DEVS_MAX 64

struct machine {
    struct machine_head head; /* first: devices see only this */
    struct machine_host host;
    struct machine_conf conf;
    struct bus bus;
    struct pci_bus *pci;
    struct dev *dev[MACHINE_DEVS_MAX];
    unsigned ndevs;
    struct log_bucket bucket;
    bool paused;
    uint32_t nics_gone;             /* unplugged, one bit a card */
    struct irq_or com[2];           /* COM1 and 3, COM2 and 4: one line each */
    char key[MACHINE_DISKS][5][12]; /* "present0" ... */
};

struct row {
    struct machine_kind kind;
    bool (*fill)(struct machine *, unsigned instance, struct conf *);
};

#define ALWAYS MACHINE_HAS, false
#define IF     MACHINE_MAY_HAVE, false
#define LATE   MACHINE_MAY_HAVE, true

static bool fill_always(struct machine *m, unsigned instance, struct conf *c)
{
    return true;
}

static const char *disk_key(struct machine *m, unsigned unit, unsigned n,
                            const char *name)
{
    char *key = m->key[unit][n];
    size_t len = strlen(name);

    memcpy(key, name, len);
    key[len] = (char)('0' + unit);
    key[len + 1] = '\0';
    return key;
}

static bool fill_ide(struct machine *m, unsigned instance, struct conf *c)
{
    conf_set_num(c, "devfn", PCI_DEVFN(1, 1));
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        const struct machine_disk *disk = &m->conf.disk[u];

        if (!disk->present)
            continue;
        conf_set_num(c, disk_key(m, u, 0, "present"), 1);
        conf_set_num(c, disk_key(m, u, 1, "cdrom"), disk->cdrom);
        if (disk->blk)
            conf_set_ptr(c, disk_key(m, u, 2, "blk"), disk->blk);
        if (disk->serial)
            conf_set_str(c, disk_key(m, u, 3, "serial"), disk->serial);
        if (disk->firmware)
            conf_set_str(c, disk_key(m, u, 4, "firmware"), disk->firmware);
    }
    return true;
}

/*
 * Without a translation the BIOS shows a disk's own geometry, of which only
 * 1024 cylinders, 504 MiB, can be named in a BIOS call.
 */
static unsigned disk_trans(const struct machine_disk *disk)
{
    const uint64_t most = UINT64_C(1024) * 16 * 63 * 512;

    if (!disk->present || disk->cdrom || !disk->blk)
        return CMOS_TRANS_NONE;
    return disk->blk->size_bytes > most ? CMOS_TRANS_LBA : CMOS_TRANS_NONE;
}

static bool fill_cmos(struct machine *m, unsigned instance, struct conf *c)
{
    unsigned trans = 0;

    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        trans |= disk_trans(&m->conf.disk[u]) << (2 * u);
    conf_set_str(c, "boot", m->conf.boot_order);
    conf_set_num(c, "disktrans", trans);
    return true;
}

static bool fill_acpi(struct machine *m, unsigned instance, struct conf *c)
{
    unsigned vcpus = m->conf.vcpus ? m->conf.vcpus : 1;
    unsigned max = m->conf.max_vcpus ? m->conf.max_vcpus : vcpus;

    conf_set_num(c, "vcpus", vcpus);
    conf_set_num(c, "max_vcpus", max);
    return m->conf.acpi;
}

static bool fill_xenplat(struct machine *m, unsigned instance, struct conf *c)
{
    conf_set_num(c, "devfn", PCI_DEVFN(2, 0));
    conf_set_num(c, "ignore_unplug", m->conf.ignore_unplug);
    return m->conf.xen_platform;
}

static bool fill_uart(struct machine *m, unsigned instance, struct conf *c)
{
    static const uint16_t base[MACHINE_SERIALS] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

    if (!m->conf.serial[instance])
        return false;
    conf_set_num(c, "base", base[instance]);
    conf_set_ptr(c, "irq_or", &m->com[instance & 1]);
    conf_set_num(c, "irq_input", instance >> 1);
    conf_set_ptr(c, "chr", m->conf.serial[instance]);
    return true;
}

static bool fill_parport(struct machine *m, unsigned instance, struct conf *c)
{
    conf_set_num(c, "base", 0x378);
    conf_set_num(c, "irq", 7);
    if (m->conf.parallel)
        conf_set_ptr(c, "chr", m->conf.parallel);
    return true;
}

static unsigned devfn_of(unsigned slot)
{
    return slot ? PCI_DEVFN(slot, 0) : PCI_DEVFN_AUTO;
}

static bool fill_vga(struct machine *m, unsigned instance, struct conf *c)
{
    if (m->conf.vga == VGA_NONE)
        return false;
    conf_set_num(c, "vgamem_mib", m->conf.vgamem_mib);
    conf_set_num(c, "devfn", devfn_of(m->conf.vga_slot));
    if (m->conf.vga_rom.data)
        conf_set_ptr(c, "rom", &m->conf.vga_rom);
    return true;
}

static bool fill_nic(struct machine *m, unsigned instance, struct conf *c)
{
    struct machine_nic *nic = &m->conf.nic[instance];

    if (instance >= m->conf.nnics)
        return false;
    conf_set_ptr(c, "mac", nic->mac);
    conf_set_num(c, "devfn", devfn_of(nic->slot));
    if (nic->revision)
        conf_set_num(c, "revision", nic->revision);
    if (nic->net)
        conf_set_ptr(c, "net", nic->net);
    if (nic->rom.data)
        conf_set_ptr(c, "rom", &nic->rom);
    return true;
}

static const struct row rows[] = {
#define DEV(ops, most, fill, saved) {{&ops, most, saved}, fill},
#include "devices.def"
#undef DEV
};

static const char *event_text(enum machine_event e)
{
    switch (e) {
    case MACHINE_POWEROFF:
        return "power-off";
    case MACHINE_RESET:
        return "reset";
    case MACHINE_SUSPEND:
        return "suspend to RAM";
    case MACHINE_WAKEUP:
        return "wake-up";
    }
    return "unknown";
}

/*
 * The hypervisor is told before the access completes: a guest that halts
 * after asking would else be taken for crashed.
 */
static int request(struct machine *m, enum machine_event e)
{
    struct hv *hv = m->host.hv;
    int rc = 0;

    switch (e) {
    case MACHINE_POWEROFF:
        rc = hv->ops->shutdown(hv, HV_POWEROFF);
        break;
    case MACHINE_RESET:
        rc = hv->ops->shutdown(hv, HV_REBOOT);
        break;
    case MACHINE_SUSPEND:
        rc = hv->ops->suspend(hv, true);
        if (rc == 0) /* the processor, now held in reset, starts the BIOS */
            cmos_mark_suspend(machine_dev(m, cmos_ops.name, 0));
        break;
    case MACHINE_WAKEUP:
        rc = hv->ops->suspend(hv, false);
        break;
    }
    if (rc < 0) {
        bucket_log(m->host.log, &m->bucket, "hvmd",
                   "%s: the hypervisor refuses: %s", event_text(e),
                   strerror(-rc));
        return rc;
    }
    bucket_log(m->host.log, &m->bucket, "hvmd", "guest %s", event_text(e));
    if (m->host.event)
        m->host.event(m->host.ctx, e);
    return 0;
}

static void apm(struct machine *m, uint8_t cmd)
{
    struct dev *pm = machine_dev(m, acpi_ops.name, 0);

    if (pm)
        acpi_apm(pm, cmd);
}

/*
 * CD-ROMs stay. The PV driver reads the image by another way as soon as the
 * guest goes on, so all must be in it by then: this waits.
 */
static unsigned unplug_disks(struct machine *m, bool keep_first)
{
    struct dev *ide = machine_dev(m, ide_ops.name, 0);
    unsigned went = 0;

    for (unsigned u = keep_first ? 1 : 0; ide && u < MACHINE_DISKS; u++) {
        struct machine_disk *disk = &m->conf.disk[u];

        if (!disk->present || disk->cdrom || !disk->blk)
            continue;
        ide_disk_detach(ide, u);
        if (disk->blk->ops->drain)
            disk->blk->ops->drain(disk->blk);
        disk->blk = NULL;
        went |= 1u << u;
        if (m->host.disk_gone)
            m->host.disk_gone(m->host.ctx, u);
    }
    return went;
}

static unsigned unplug_nics(struct machine *m)
{
    unsigned went = 0;

    for (unsigned i = 0; i < m->conf.nnics; i++) {
        if (m->nics_gone & 1u << i)
            continue;
        rtl8139_unplug(machine_dev(m, rtl8139_ops.name, i));
        m->nics_gone |= 1u << i;
        m->conf.nic[i].net = NULL;
        went++;
        if (m->host.nic_gone)
            m->host.nic_gone(m->host.ctx, i);
    }
    return went;
}

static void tray_moved(struct machine *m, unsigned unit, bool open)
{
    if (m->host.tray_moved)
        m->host.tray_moved(m->host.ctx, unit, open);
}

static bool blacklisted(struct machine *m, const char *product, uint32_t build)
{
    return m->host.blacklisted &&
           m->host.blacklisted(m->host.ctx, product, build);
}

static int make_row(struct machine *m, const struct row *row, struct err *e)
{
    struct dev_env env = {.hv = m->host.hv,
                          .bus = &m->bus,
                          .pci = m->pci,
                          .gmem = m->host.gmem,
                          .clock = m->host.clock,
                          .log = m->host.log,
                          .machine = m};

    for (unsigned i = 0; i < row->kind.most; i++) {
        struct conf c = {.n = 0};
        struct dev *d;

        if (!row->fill(m, i, &c))
            continue;
        if (m->ndevs == MACHINE_DEVS_MAX)
            return err_set(e, -ENOSPC, "too many devices: at most %d",
                           MACHINE_DEVS_MAX);
        d = dev_new(row->kind.ops, &env, i, &c, e);
        if (!d)
            return -EINVAL;
        m->dev[m->ndevs++] = d;
    }
    return 0;
}

struct machine *machine_new(const struct machine_conf *conf,
                            const struct machine_host *host, struct err *e)
{
    struct machine *m = calloc(1, sizeof(*m));

    if (!m || !(m->pci = pci_bus_new(host->hv, &m->bus, host->gmem))) {
        free(m);
        err_set(e, -ENOMEM, "out of memory for the machine");
        return NULL;
    }
    m->head = (struct machine_head){.request = request,
                                    .apm = apm,
                                    .unplug_disks = unplug_disks,
                                    .unplug_nics = unplug_nics,
                                    .tray_moved = tray_moved,
                                    .blacklisted = blacklisted};
    m->host = *host;
    m->conf = *conf;
    bus_init(&m->bus, host->hv);
    irq_wire_isa(&m->com[0].out, host->hv, 4);
    irq_wire_isa(&m->com[1].out, host->hv, 3);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (make_row(m, &rows[i], e) < 0) {
            machine_free(m);
            return NULL;
        }
    }
    return m;
}

static void unmap_all(struct bus *bus, enum space space)
{
    struct bus_space *s = &bus->space[space];

    while (s->n > 0)
        bus_unmap(bus, space, s->r[s->n - 1].base);
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    machine_pause(m, true);
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        struct blk *blk = m->conf.disk[u].blk;

        if (blk && blk->ops->drain)
            blk->ops->drain(blk);
    }
    while (m->ndevs > 0)
        dev_free(m->dev[--m->ndevs]);
    unmap_all(&m->bus, SPACE_PIO);
    unmap_all(&m->bus, SPACE_MMIO);
    pci_bus_free(m->pci);
    free(m);
}

static uint64_t ones(unsigned size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

static uint64_t io_pci(struct machine *m, const struct io_msg *msg)
{
    unsigned devfn = (unsigned)(msg->addr >> 8 & 0xff);
    unsigned reg = (unsigned)(msg->addr & 0xff);

    if (msg->addr > 0xffff)
        return UINT64_MAX; /* not bus 0 */
    if (!msg->write)
        return pci_cfg_read(m->pci, devfn, reg, msg->size);
    pci_cfg_write(m->pci, devfn, reg, msg->size, (uint32_t)msg->data);
    return 0;
}

int machine_io(struct machine *m, const struct io_msg *msg, uint64_t *out)
{
    enum space space = msg->kind == IO_MMIO ? SPACE_MMIO : SPACE_PIO;
    unsigned size = msg->size;

    *out = UINT64_MAX;
    if (size != 1 && size != 2 && size != 4 &&
        !(size == 8 && msg->kind == IO_MMIO))
        return -EINVAL;
    *out = 0;
    if (msg->kind == IO_PCI)
        *out = io_pci(m, msg) & ones(size);
    else if (msg->write)
        bus_write(&m->bus, space, msg->addr, size, msg->data & ones(size));
    else
        *out = bus_read(&m->bus, space, msg->addr, size) & ones(size);
    return 0;
}

void machine_rep(struct machine *m, uint64_t port, unsigned size, bool wr,
                 void *buf, size_t n)
{
    bus_rep(&m->bus, port, size, wr, buf, n);
}

void machine_copy(struct machine *m, uint64_t addr, unsigned size, bool wr,
                  void *buf, size_t n)
{
    bus_copy(&m->bus, addr, size, wr, buf, n);
}

size_t machine_burst(struct machine *m, enum io_kind kind, uint64_t addr,
                     unsigned size, bool wr, void *buf, size_t n)
{
    if (kind == IO_PCI)
        return 0;
    return bus_burst(&m->bus, kind == IO_PIO ? SPACE_PIO : SPACE_MMIO, addr,
                     size, wr, buf, n);
}

bool machine_is_mmio(struct machine *m, uint64_t addr)
{
    return bus_find(&m->bus, SPACE_MMIO, addr) != NULL;
}

void machine_reset(struct machine *m)
{
    request(m, MACHINE_RESET);
}

void machine_reset_devices(struct machine *m)
{
    for (unsigned i = 0; i < m->ndevs; i++)
        if (m->dev[i]->ops->reset)
            m->dev[i]->ops->reset(m->dev[i], RESET_POWER);
}

void machine_pause(struct machine *m, bool pause)
{
    if (m->paused == pause)
        return;
    m->paused = pause;
    if (!pause)
        clock_pause(m->host.clock, false);
    for (unsigned i = 0; i < m->ndevs; i++)
        if (m->dev[i]->ops->pause)
            m->dev[i]->ops->pause(m->dev[i], pause);
    if (pause)
        clock_pause(m->host.clock, true);
}

bool machine_paused(const struct machine *m)
{
    return m->paused;
}

bool machine_idle(const struct machine *m)
{
    for (unsigned i = 0; i < m->ndevs; i++)
        if (m->dev[i]->ops->idle && !m->dev[i]->ops->idle(m->dev[i]))
            return false;
    return true;
}

int machine_wakeup(struct machine *m)
{
    struct dev *pm = machine_dev(m, acpi_ops.name, 0);

    return pm ? acpi_wakeup(pm) : -EINVAL;
}

bool machine_suspended(struct machine *m)
{
    struct dev *pm = machine_dev(m, acpi_ops.name, 0);

    return pm && acpi_suspended(pm);
}

int machine_set_vcpu(struct machine *m, unsigned vcpu, bool online)
{
    struct dev *pm = machine_dev(m, acpi_ops.name, 0);

    return pm ? acpi_set_vcpu(pm, vcpu, online) : -EINVAL;
}

bool machine_vcpu_online(struct machine *m, unsigned vcpu)
{
    struct dev *pm = machine_dev(m, acpi_ops.name, 0);

    return pm ? acpi_vcpu_online(pm, vcpu)
              : vcpu < (m->conf.vcpus ? m->conf.vcpus : 1);
}

int machine_cd_eject(struct machine *m, unsigned unit, bool force,
                     struct blk **old)
{
    struct dev *ide = machine_dev(m, ide_ops.name, 0);
    int rc;

    *old = ide_unit_blk(ide, unit);
    rc = ide_cd_eject(ide, unit, force);
    if (rc)
        *old = NULL;
    else
        m->conf.disk[unit].blk = NULL;
    return rc;
}

int machine_cd_insert(struct machine *m, unsigned unit, struct blk *blk,
                      bool force, struct blk **old)
{
    struct dev *ide = machine_dev(m, ide_ops.name, 0);
    int rc;

    *old = ide_unit_blk(ide, unit);
    rc = ide_cd_insert(ide, unit, blk, force);
    if (rc)
        *old = NULL;
    else
        m->conf.disk[unit].blk = blk;
    return rc;
}

struct pci_dev *machine_pci_dev(struct machine *m, unsigned devfn)
{
    return pci_find(m->pci, devfn);
}

struct display *machine_display(struct machine *m)
{
    struct dev *vga = machine_dev(m, vga_ops.name, 0);

    return vga ? vga_display(vga) : NULL;
}

struct input *machine_input(struct machine *m)
{
    struct dev *ps2 = machine_dev(m, ps2_ops.name, 0);

    return ps2 ? ps2_input(ps2) : NULL;
}

struct dev *machine_dev(struct machine *m, const char *name, unsigned instance)
{
    for (unsigned i = 0; i < m->ndevs; i++)
        if (m->dev[i]->instance == instance &&
            strcmp(m->dev[i]->ops->name, name) == 0)
            return m->dev[i];
    return NULL;
}

struct dev *machine_dev_at(struct machine *m, unsigned i)
{
    return i < m->ndevs ? m->dev[i] : NULL;
}

const struct machine_conf *machine_conf(const struct machine *m)
{
    return &m->conf;
}

struct clock *machine_clock(struct machine *m)
{
    return m->host.clock;
}

void machine_loaded(struct machine *m)
{
    irq_replay(&m->com[0].out);
    irq_replay(&m->com[1].out);
}

bool machine_kind(unsigned i, struct machine_kind *kind)
{
    if (i >= sizeof(rows) / sizeof(rows[0]))
        return false;
    *kind = rows[i].kind;
    return true;
}
