/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A minimal run-time for the bare-metal guests: port I/O, time, COM1, PCI. */
#ifndef BARE_RT_H
#define BARE_RT_H
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

extern volatile u32 params[2]; /* patched into the image at byte 512 + 4 */

static inline u8 inb(u16 p)
{
    u8 v;
    __asm__ volatile("inb %1,%0" : "=a"(v) : "Nd"(p));
    return v;
}
static inline u16 inw(u16 p)
{
    u16 v;
    __asm__ volatile("inw %1,%0" : "=a"(v) : "Nd"(p));
    return v;
}
static inline u32 inl(u16 p)
{
    u32 v;
    __asm__ volatile("inl %1,%0" : "=a"(v) : "Nd"(p));
    return v;
}
static inline void outb(u16 p, u8 v)
{
    __asm__ volatile("outb %0,%1" : : "a"(v), "Nd"(p));
}
static inline void outw(u16 p, u16 v)
{
    __asm__ volatile("outw %0,%1" : : "a"(v), "Nd"(p));
}
static inline void outl(u16 p, u32 v)
{
    __asm__ volatile("outl %0,%1" : : "a"(v), "Nd"(p));
}
static inline void insw(u16 p, void *d, u32 n)
{
    __asm__ volatile("rep insw" : "+D"(d), "+c"(n) : "d"(p) : "memory");
}
static inline u64 rdtsc(void)
{
    u64 v;
    __asm__ volatile("rdtsc" : "=A"(v));
    return v;
}

/* 64 by 32 bit division without libgcc */
static inline u64 div64(u64 n, u32 d)
{
    u32 hi = n >> 32, lo = (u32)n, qh = hi / d, r = hi % d, ql;
    __asm__("divl %3" : "=a"(ql), "=d"(r) : "0"(lo), "r"(d), "1"(r));
    return ((u64)qh << 32) | ql;
}

static void putch(char c)
{
    while (!(inb(0x3fd) & 0x20))
        ;
    outb(0x3f8, (u8)c);
}

static void puts_(const char *s)
{
    for (; *s; s++) {
        if (*s == '\n')
            putch('\r');
        putch(*s);
    }
}

static void putu(u64 v)
{
    char b[24];
    int i = 24;
    b[--i] = 0;
    do {
        u64 q = div64(v, 10);
        b[--i] = (char)('0' + (u32)(v - q * 10));
        v = q;
    } while (v);
    puts_(b + i);
}

static u32 pci_read(u32 bdf, u32 reg)
{
    outl(0xcf8, 0x80000000u | bdf << 8 | (reg & 0xfc));
    return inl(0xcfc);
}

static u32 pci_find(u32 id) /* device << 16 | vendor; 0 when absent */
{
    for (u32 d = 1; d < 32; d++)
        for (u32 f = 0; f < 8; f++)
            if (pci_read(d << 3 | f, 0) == id)
                return d << 3 | f;
    return 0;
}

static u32 tsc_khz; /* measured against the PIT, which Xen itself serves */

static void calibrate(void)
{
    /* channel 2, mode 0, 50 ms */
    u32 n = 59659;
    outb(0x61, (inb(0x61) & ~2) | 1);
    outb(0x43, 0xb0);
    outb(0x42, n & 0xff);
    outb(0x42, n >> 8);
    u64 a = rdtsc();
    while (!(inb(0x61) & 0x20))
        ;
    tsc_khz = (u32)div64(rdtsc() - a, 50);
}

static void spin_ms(u32 ms)
{
    u64 end = rdtsc() + (u64)ms * tsc_khz;
    while (rdtsc() < end)
        ;
}

static void serial_init(void)
{
    outb(0x3f9, 0);
    outb(0x3fb, 0x80);
    outb(0x3f8, 1);
    outb(0x3f9, 0);
    outb(0x3fb, 3);
    outb(0x3fa, 0xc7);
    outb(0x3fc, 3);
}
#endif
