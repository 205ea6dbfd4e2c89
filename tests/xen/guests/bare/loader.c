/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads Linux by IDE bus-master DMA and starts it by its 32-bit boot protocol
 * (Linux: Documentation/x86/boot.rst, zero-page.rst). A BIOS boot loader reads
 * by PIO, which takes minutes for a large initrd on an emulated machine; this
 * takes seconds. Sector 64 of the disk holds four words: kernel LBA, kernel
 * bytes, initrd LBA, initrd bytes; and from byte 16 the kernel's command line.
 */
#include "rt.h"

#define ZERO_PAGE ((u8 *)0x80000)
#define CMDLINE   ((char *)0x82000)
#define PRD       ((volatile u32 *)0x83000)
#define SECTOR    0x84000u
#define VBE_INFO  ((u8 *)0x7000)
#define KERNEL    0x100000u
#define INITRD    0x9000000u /* 144 MiB: above whatever the kernel unpacks to */

static u16 bm;

static void die(const char *s)
{
    puts_("@ERROR ");
    puts_(s);
    puts_("\n");
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void wait_drive(void)
{
    while (inb(0x1f7) & 0x80)
        ;
}

static void dma(u32 lba, u32 sectors, u32 to) /* at most 128 sectors */
{
    u32 len = sectors * 512, first = 0x10000 - (to & 0xffff);

    if (first >= len) {
        PRD[0] = to;
        PRD[1] = (len & 0xffff) | 0x80000000u;
    } else { /* an entry must not cross 64 KiB */
        PRD[0] = to;
        PRD[1] = first & 0xffff;
        PRD[2] = to + first;
        PRD[3] = ((len - first) & 0xffff) | 0x80000000u;
    }
    wait_drive();
    outb(bm, 0);
    outb(bm + 2, 6);
    outl(bm + 4, (u32)PRD);
    outb(0x1f6, 0xe0 | ((lba >> 24) & 15));
    outb(0x1f2, (u8)sectors);
    outb(0x1f3, (u8)lba);
    outb(0x1f4, (u8)(lba >> 8));
    outb(0x1f5, (u8)(lba >> 16));
    outb(0x1f7, 0xc8);
    outb(bm, 9);
    while (inb(bm + 2) & 1)
        ;
    wait_drive();
    if ((inb(0x1f7) & 0x21) || (inb(bm + 2) & 2))
        die("dma");
    outb(bm, 0);
}

static void load(u32 lba, u32 bytes, u32 to)
{
    u32 n = (bytes + 511) / 512;

    while (n) {
        u32 k = n < 128 ? n : 128;

        dma(lba, k, to);
        lba += k;
        n -= k;
        to += k * 512;
    }
}

static void copy(void *d, const void *s, u32 n)
{
    u8 *a = d;
    const u8 *b = s;

    while (n--)
        *a++ = *b++;
}

static void screen_info(u8 *z)
{
    const u8 *v = VBE_INFO;

    if (!v[0]) {
        z[0x06] = 3; /* text mode 80x25 */
        z[0x07] = 80;
        z[0x0e] = 25;
        z[0x0f] = 1;
        z[0x10] = 16;
        return;
    }
    u32 pitch = *(u16 *)(v + 0x10), height = *(u16 *)(v + 0x14);

    z[0x0f] = 0x23; /* a linear frame buffer set through VBE */
    copy(z + 0x12, v + 0x12, 4);
    z[0x16] = v[0x19];
    copy(z + 0x18, v + 0x28, 4);
    *(u32 *)(z + 0x1c) = (pitch * height + 0xffff) >> 16;
    *(u16 *)(z + 0x24) = (u16)pitch;
    copy(z + 0x26, v + 0x1f, 8); /* sizes and places of the colours */
    *(u16 *)(z + 0x32) = 1;
}

void bare_main(void)
{
    u32 ide, table[4], n, setup;
    u8 *z = ZERO_PAGE, *head = (u8 *)SECTOR;

    serial_init();
    ide = pci_find(0x70108086);
    if (!ide)
        die("no PIIX3 IDE");
    bm = pci_read(ide, 0x20) & 0xfffc;
    if (!bm)
        die("no bus master registers");
    outl(0xcf8, 0x80000000u | ide << 8 | 4);
    outw(0xcfc, inw(0xcfc) | 5);
    outb(0x3f6, 2);

    dma(64, 8, SECTOR);
    copy(table, (void *)SECTOR, 16);
    copy(CMDLINE, (char *)SECTOR + 16, 1024);
    dma(table[0], 8, SECTOR);
    if (*(u32 *)(head + 0x202) != 0x53726448)
        die("not a bzImage");
    setup = (head[0x1f1] ? head[0x1f1] : 4) + 1u;
    for (u32 i = 0; i < 4096; i++)
        z[i] = 0;
    copy(z + 0x1f1, head + 0x1f1, 0x202 + head[0x201] - 0x1f1);
    load(table[0] + setup, table[1] - setup * 512, KERNEL);
    load(table[2], table[3], INITRD);
    screen_info(z);
    z[0x210] = 0xff; /* a loader without a number */
    z[0x211] |= 1;
    *(u32 *)(z + 0x214) = KERNEL;
    *(u32 *)(z + 0x218) = INITRD;
    *(u32 *)(z + 0x21c) = table[3];
    *(u32 *)(z + 0x228) = (u32)CMDLINE;
    n = *(volatile u32 *)0x8000;
    z[0x1e8] = (u8)n;
    copy(z + 0x2d0, (void *)0x8004, n * 20);
    outb(0x3f6, 0);
    (void)inb(0x1f7);
    outb(bm + 2, 6);
    __asm__ volatile(
        "xorl %%ebp,%%ebp; xorl %%edi,%%edi; xorl %%ebx,%%ebx; jmp *%0"
        :
        : "a"(KERNEL), "S"(z)
        : "memory");
}
