/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times accesses that the device model serves, one ioreq round trip each, and
 * two that Xen serves itself (the floor). For each it prints on COM1
 *   @BEGIN name count     then waits, so that an observer can sample counters
 *   @END name count cycles
 * params[0]: the number of accesses (default 100000). */
#include "rt.h"

static u32 n;
static u16 buf[256 * 128];
static u64 t0;

static void begin(const char *name, u32 count)
{
    puts_("@BEGIN ");
    puts_(name);
    puts_(" ");
    putu(count);
    puts_("\n");
    spin_ms(600);
    t0 = rdtsc();
}

static void end(const char *name, u32 count)
{
    u64 c = rdtsc() - t0;
    spin_ms(600);
    puts_("@END ");
    puts_(name);
    puts_(" ");
    putu(count);
    puts_(" ");
    putu(c);
    puts_("\n");
}

#define LOOP(name, count, op)                                                  \
    do {                                                                       \
        u32 cnt_ = (count);                                                    \
        begin(name, cnt_);                                                     \
        for (u32 i_ = 0; i_ < cnt_; i_++) {                                    \
            op;                                                                \
        }                                                                      \
        end(name, cnt_);                                                       \
    } while (0)

static int ata_wait(u8 mask, u8 want)
{
    for (u32 i = 0; i < 1000000; i++) {
        u8 s = inb(0x1f7);
        if (!(s & 0x80) && (s & mask) == want)
            return 0;
    }
    return -1;
}

static int ata_read(u32 lba, u32 sectors)
{
    if (ata_wait(0x40, 0x40))
        return -1;
    outb(0x1f6, 0xe0 | ((lba >> 24) & 15));
    outb(0x1f2, (u8)sectors);
    outb(0x1f3, (u8)lba);
    outb(0x1f4, (u8)(lba >> 8));
    outb(0x1f5, (u8)(lba >> 16));
    outb(0x1f7, 0x20);
    for (u32 s = 0; s < sectors; s++) {
        if (ata_wait(0x08, 0x08))
            return -1;
        insw(0x1f0, buf + 256 * s, 256);
    }
    return 0;
}

void bare_main(void)
{
    u32 vga, nic, bar, nicio = 0;
    volatile u32 *vmmio = 0, *nmmio = 0;
    int err = 0;

    serial_init();
    calibrate();
    n = params[0] ? params[0] : 100000;
    puts_("@START tsc_khz ");
    putu(tsc_khz);
    puts_("\n");

    vga = pci_find(0x11111234);
    if (vga && (bar = pci_read(vga, 0x18)) && !(bar & 1))
        vmmio = (volatile u32 *)(bar & ~15u);
    nic = pci_find(0x813910ec);
    if (nic) {
        nicio = pci_read(nic, 0x10) & ~3u;
        bar = pci_read(nic, 0x14);
        nmmio = (volatile u32 *)(bar & ~15u);
        outl(0xcf8, 0x80000000u | nic << 8 | 4);
        outw(0xcfc, inw(0xcfc) | 3);
    }
    outb(0x3f6, 2); /* no interrupts */

    LOOP("xen_inb_0x21", n, (void)inb(0x21));
    LOOP("xen_inb_0x61", n, (void)inb(0x61));
    LOOP("inb_0x3f6", n, (void)inb(0x3f6));
    LOOP("inb_0x1f7", n, (void)inb(0x1f7));
    LOOP("outb_0x3f6", n, outb(0x3f6, 2));
    LOOP("outb_0x1f1", n, outb(0x1f1, 0));
    LOOP("inb_0x3fd", n, (void)inb(0x3fd));
    if (vmmio)
        LOOP("mmio_read_vga_bar2", n, (void)vmmio[0x500 / 4]);
    if (nic) {
        LOOP("mmio_read_rtl8139", n, (void)nmmio[0x44 / 4]);
        LOOP("mmio_write_rtl8139", n, nmmio[0x48 / 4] = 0);
        LOOP("inl_rtl8139", n, (void)inl((u16)(nicio + 0x44)));
    }
    LOOP("pio_read_1x1", n / 50, err |= ata_read(i_ & 1023, 1));
    LOOP("pio_read_1x128", n / 2000, err |= ata_read(i_ * 128 & 1023, 128));
    puts_(err ? "@ERROR ata\n" : "@DONE\n");
    /* no HLT: with interrupts off Xen takes that for the guest's end */
    for (;;)
        __asm__ volatile("pause");
}
