/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t chr_write(struct chr *chr, const uint8_t *buf, size_t len)
{
    struct rig *r = (struct rig *)((char *)chr - offsetof(struct rig, chr));

    r->tx_bytes += len;
    return len;
}

static void chr_room(struct chr *chr, size_t n)
{
    struct rig *r = (struct rig *)((char *)chr - offsetof(struct rig, chr));

    r->rx_room = n;
}

static const struct chr_ops chr_none = {.write = chr_write,
                                        .rx_room = chr_room};

static void on_event(void *ctx, enum machine_event e)
{
    ((struct rig *)ctx)->events[e]++;
}

struct rig *rig_new(void)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    r->b = bench_new(RIG_RAM_BYTES);
    assert_non_null(r->b);
    r->rom[0] = 0x55;
    r->rom[1] = 0xaa;
    r->rom[2] = sizeof(r->rom) / 512;
    r->chr.ops = &chr_none;
    r->conf = (struct machine_conf){.ram_bytes = RIG_RAM_BYTES,
                                    .vcpus = 2,
                                    .max_vcpus = 4,
                                    .xen_platform = true,
                                    .acpi = true,
                                    .boot_order = "cd",
                                    .vga = VGA_STD,
                                    .vgamem_mib = 4};
    r->conf.vga_rom = (struct rom){r->rom, sizeof(r->rom)};
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        struct machine_disk *disk = &r->conf.disk[u];

        disk->present = true;
        disk->cdrom = u >= 2;
        if (u != 3) /* the last drive is empty */
            disk->blk = blk_mem_new(RIG_DISK_BYTES, disk->cdrom);
        assert_true(u == 3 || disk->blk);
    }
    r->conf.serial[0] = &r->chr;
    r->conf.nnics = 1;
    memcpy(r->conf.nic[0].mac, mac, sizeof(mac));
    r->conf.nic[0].net = r->net = net_mem_new();
    assert_non_null(r->net);
    r->host = (struct machine_host){.hv = &r->b->hv,
                                    .gmem = &r->b->gmem,
                                    .clock = &r->b->clock,
                                    .log = &r->b->log,
                                    .event = on_event,
                                    .ctx = r};
    return r;
}

void rig_start(struct rig *r)
{
    struct err e = {.text = ""};

    r->m = machine_new(&r->conf, &r->host, &e);
    if (!r->m)
        print_error("%s\n", e.text);
    assert_non_null(r->m);
}

void rig_free(struct rig *r)
{
    machine_free(r->m);
    /* nothing may be left on the clock, which outlives the machine */
    clock_pause(&r->b->clock, false);
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    assert_int_equal(r->b->claims, 0);
    assert_int_equal(r->b->pci_claims, 0);
    assert_int_equal(r->b->pins, 0);
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        if (r->conf.disk[u].blk)
            r->conf.disk[u].blk->ops->close(r->conf.disk[u].blk);
    r->net->ops->close(r->net);
    bench_free(r->b);
    free(r);
}

void rig_serial_in(struct rig *r, uint8_t byte, size_t n)
{
    uint8_t buf[64];

    if (n > sizeof(buf))
        n = sizeof(buf);
    if (n > r->rx_room)
        n = r->rx_room;
    if (n == 0 || !r->chr.rx)
        return;
    memset(buf, byte, n);
    r->rx_room -= n;
    r->chr.rx(r->chr.dev, buf, n);
}

uint64_t rig_read(struct rig *r, enum io_kind kind, uint64_t addr,
                  unsigned size)
{
    struct io_msg msg = {.kind = kind, .size = (uint8_t)size, .addr = addr};
    uint64_t out = 0;

    assert_int_equal(machine_io(r->m, &msg, &out), 0);
    return out;
}

void rig_write(struct rig *r, enum io_kind kind, uint64_t addr, unsigned size,
               uint64_t val)
{
    struct io_msg msg = {.kind = kind,
                         .write = true,
                         .size = (uint8_t)size,
                         .addr = addr,
                         .data = val};
    uint64_t out = 0;

    assert_int_equal(machine_io(r->m, &msg, &out), 0);
}

static void place_bars(struct rig *r, unsigned devfn, uint64_t *mem,
                       uint32_t *io)
{
    static const uint8_t regs[] = {0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x30};
    uint32_t command = rig_cfg(r, devfn, PCI_COMMAND, 2);

    rig_cfg_set(r, devfn, PCI_COMMAND, 2, command & ~3u);
    for (unsigned i = 0; i < sizeof(regs); i++) {
        uint32_t ones = regs[i] == PCI_ROM ? 0xfffffffeu : 0xffffffffu;
        uint32_t old = rig_cfg(r, devfn, regs[i], 4), got, size;
        bool is_io;

        rig_cfg_set(r, devfn, regs[i], 4, ones);
        got = rig_cfg(r, devfn, regs[i], 4);
        rig_cfg_set(r, devfn, regs[i], 4, old);
        if (got == 0)
            continue;
        is_io = regs[i] != PCI_ROM && (got & 1);
        size = ~(got & ~(is_io ? 3u : 15u)) + 1;
        if (is_io)
            size &= 0xffff;
        assert_int_equal(size & (size - 1), 0);
        if (is_io) {
            *io = (*io + size - 1) & ~(size - 1);
            rig_cfg_set(r, devfn, regs[i], 4, *io);
            *io += size;
            command |= PCI_COMMAND_IO;
        } else {
            *mem = (*mem + size - 1) & ~((uint64_t)size - 1);
            rig_cfg_set(r, devfn, regs[i], 4,
                        (uint32_t)*mem | (regs[i] == PCI_ROM));
            *mem += size;
            command |= PCI_COMMAND_MEMORY;
        }
        command |= PCI_COMMAND_MASTER;
    }
    rig_cfg_set(r, devfn, PCI_COMMAND, 2, command);
}

unsigned rig_firmware(struct rig *r)
{
    static const uint8_t irq[4] = {5, 10, 11, 5};
    uint64_t mem = 0xf0000000;
    uint32_t io = 0xc000;
    unsigned found = 0;

    for (unsigned link = 0; link < 4; link++)
        rig_cfg_set(r, PCI_DEVFN(1, 0), 0x60 + link, 1, irq[link]);
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        uint16_t class_code = (uint16_t)rig_cfg(r, devfn, 0x0a, 2);
        uint16_t vendor = (uint16_t)rig_cfg(r, devfn, 0, 2);
        uint16_t device = (uint16_t)rig_cfg(r, devfn, 2, 2);
        unsigned pin;

        if (vendor == 0xffff && device == 0xffff)
            continue;
        found++;
        if (devfn == PCI_DEVFN(1, 0))
            assert_true(vendor == 0x8086 && device == 0x7000);
        if (class_code == 0x0680) {
            assert_true(vendor == 0x8086 && device == 0x7113);
            rig_cfg_set(r, devfn, 0x40, 4, 0xb001);
            rig_cfg_set(r, devfn, 0x80, 1, 1);
            rig_cfg_set(r, devfn, 0x3c, 1, 9);
        }
        if (class_code == 0x0101) {
            rig_cfg_set(r, devfn, 0x40, 2, 0x8000);
            rig_cfg_set(r, devfn, 0x42, 2, 0x8000);
        }
        place_bars(r, devfn, &mem, &io);
        pin = rig_cfg(r, devfn, PCI_INTERRUPT_PIN, 1);
        if (pin)
            rig_cfg_set(r, devfn, PCI_INTERRUPT_LINE, 1,
                        irq[(pin - 1 + (devfn >> 3)) & 3]);
        if (class_code == 0x0300)
            rig_cfg_set(r, devfn, PCI_COMMAND, 2,
                        rig_cfg(r, devfn, PCI_COMMAND, 2) | PCI_COMMAND_IO);
    }
    return found;
}
