/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets 1024x768x32 through the Bochs VBE ports and then goes through phases
 * that it names on COM1: static, scroll (a line of text 30 times a second),
 * fill (the whole screen as fast as it can). params[0]: seconds per phase
 * (default 15); params[1]: 1 = stay static for ever after the first. */
#include "rt.h"

#define W 1024
#define H 768
static volatile u32 *fb;
static u32 seed = 1;

static void dispi(u16 i, u16 v)
{
    outw(0x1ce, i);
    outw(0x1cf, v);
}

static void glyphs(u32 y) /* 16 rows of something that looks like text */
{
    for (u32 c = 0; c < W / 8; c++) {
        seed = seed * 1664525 + 1013904223;
        u32 bits = seed;
        for (u32 r = 0; r < 16; r++) {
            bits = bits * 1103515245 + 12345;
            for (u32 x = 0; x < 8; x++)
                fb[(y + r) * W + c * 8 + x] =
                    (bits >> (16 + x)) & 1 ? 0xc0c0c0 : 0;
        }
    }
}

static void copy(volatile u32 *d, volatile u32 *s, u32 n)
{
    __asm__ volatile("cld; rep movsl" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}

static void fill(u32 v)
{
    volatile u32 *d = fb;
    u32 n = W * H;
    __asm__ volatile("cld; rep stosl" : "+D"(d), "+c"(n) : "a"(v) : "memory");
}

void bare_main(void)
{
    serial_init();
    calibrate();
    u32 vga = pci_find(0x11111234);
    if (!vga) {
        puts_("@ERROR no vga\n");
        for (;;)
            __asm__ volatile("hlt");
    }
    fb = (volatile u32 *)(pci_read(vga, 0x10) & ~15u);
    dispi(4, 0);
    dispi(1, W);
    dispi(2, H);
    dispi(3, 32);
    dispi(4, 0x41); /* on, linear */
    u64 sec = (u64)tsc_khz * 1000 * (params[0] ? params[0] : 15);
    for (u32 y = 0; y < H; y += 16)
        glyphs(y);
    puts_("@PHASE static\n");
    if (params[1])
        for (;;)
            __asm__ volatile("pause");
    for (;;) {
        u64 end = rdtsc() + sec, next;
        u32 steps = 0;
        while (rdtsc() < end)
            ;
        puts_("@PHASE scroll\n");
        end = rdtsc() + sec;
        next = rdtsc();
        while (rdtsc() < end) {
            copy(fb, fb + 16 * W, W * (H - 16));
            glyphs(H - 16);
            steps++;
            next += (u64)tsc_khz * 33;
            while (rdtsc() < next)
                ;
        }
        puts_("@STEPS scroll ");
        putu(steps);
        puts_("\n@PHASE fill\n");
        end = rdtsc() + sec;
        steps = 0;
        while (rdtsc() < end)
            fill(steps++ * 0x010307);
        puts_("@STEPS fill ");
        putu(steps);
        puts_("\n@PHASE static\n");
    }
}
