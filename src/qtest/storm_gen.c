/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "storm_gen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINES 220u

static uint32_t next(struct storm *s)
{
    s->seed ^= s->seed << 13;
    s->seed ^= s->seed >> 7;
    s->seed ^= s->seed << 17;
    return (uint32_t)(s->seed >> 16);
}

static uint32_t below(struct storm *s, uint32_t n)
{
    return next(s) % n;
}

/* Numbers that matter more often than others. */
static uint32_t number(struct storm *s)
{
    static const uint32_t some[] = {
        0,          1,          2,          8,         0x10,   0xff,
        0x200,      0x1000,     0x7fff,     0x8000,    0xffff, 0x10000,
        0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

    switch (below(s, 4)) {
    case 0:
        return some[below(s, sizeof(some) / sizeof(some[0]))];
    case 1:
        return below(s, 256);
    case 2:
        return 1u << below(s, 32);
    default:
        return next(s);
    }
}

static void __attribute__((format(printf, 2, 3)))
line(struct storm *s, const char *fmt, ...)
{
    size_t room = sizeof(s->text) - s->len;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(s->text + s->len, room, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n + 2 > room)
        return;
    s->len += (size_t)n;
    s->text[s->len++] = '\n';
    s->lines++;
}

static void cfg(struct storm *s, unsigned devfn, unsigned reg, uint32_t val)
{
    line(s, "outl 0xcf8 0x%x", 0x80000000u | devfn << 8 | reg);
    line(s, "outl 0xcfc 0x%x", val);
}

/* As firmware would, for what is in slots 1 to 3. */
static void set_up(struct storm *s)
{
    cfg(s, 0x08, 0x60, 0x0b0b0a0a);
    cfg(s, 0x09, 0x20, 0xc000);
    cfg(s, 0x09, 0x04, 7);
    cfg(s, 0x0b, 0x40, 0xb001);
    cfg(s, 0x0b, 0x80, 1);
    for (unsigned slot = 2; slot < 4; slot++) {
        cfg(s, slot << 3, 0x10, slot == 2 ? 0xe0000000 : 0xc101);
        cfg(s, slot << 3, 0x14, 0xe2000000 + slot * 0x10000);
        cfg(s, slot << 3, 0x04, 7);
    }
    if (below(s, 2)) /* without a screen the card is first */
        cfg(s, 0x10, 0x10, 0xc101);
}

static uint32_t port(struct storm *s)
{
    static const struct {
        uint16_t base, n;
    } some[] = {
        {0x1f0, 8},    {0x170, 8},  {0x3f6, 1}, {0x376, 1}, {0xc000, 16},
        {0xc100, 256}, {0x3b0, 48}, {0x60, 5},  {0x1ce, 4}, {0xb000, 64},
        {0xcf8, 8},    {0x70, 2},   {0x0, 32},  {0x378, 3}, {0xafe0, 16},
        {0xae00, 32},  {0xb2, 2},   {0x510, 2}, {0x80, 16}, {0xc0, 32},
    };
    unsigned i =
        below(s, 3) ? below(s, 6) : below(s, sizeof(some) / sizeof(some[0]));

    if (!below(s, 40))
        return below(s, 0x10000);
    return some[i].base + below(s, some[i].n);
}

static uint64_t place(struct storm *s)
{
    static const uint64_t some[] = {
        0x0,        0x1000,     0x100000,   0xa0000,    0xb8000,
        0xc0000,    0xfffff,    0x3ffff0,   0xe0000000, 0xe0ffff00,
        0xe2020000, 0xe2030000, 0xfffffff0, 0xfee00000, UINT64_C(0x100000000),
    };
    uint64_t at = some[below(s, sizeof(some) / sizeof(some[0]))];

    return at + below(s, below(s, 2) ? 0x100 : 0x10000);
}

static void io(struct storm *s)
{
    static const char width[] = "bwl";
    char w = width[below(s, 3)];

    if (below(s, 3))
        line(s, "out%c 0x%x 0x%x", w, port(s), number(s));
    else
        line(s, "in%c 0x%x", w, port(s));
}

static void mmio(struct storm *s)
{
    static const char width[] = "bwlq";
    char w = width[below(s, 4)];
    unsigned long long at = place(s);

    if (below(s, 3))
        line(s, "write%c 0x%llx 0x%x%08x", w, at, number(s), number(s));
    else
        line(s, "read%c 0x%llx", w, at);
}

static void block(struct storm *s)
{
    static const char digit[] = "0123456789abcdef";
    unsigned n = 1 + below(s, 64);
    char hex[2 * 64 + 1];

    for (unsigned i = 0; i < 2 * n; i++)
        hex[i] = digit[below(s, 16)];
    hex[2 * n] = 0;
    line(s, "write 0x%llx 0x%x 0x%s", (unsigned long long)place(s),
         n + below(s, 9), hex);
}

/* A disk or CD command, with a table for its DMA. */
static void disk(struct storm *s)
{
    static const uint8_t cmd[] = {0x20, 0x24, 0x25, 0x29, 0x30, 0x35, 0x39,
                                  0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xec, 0xa1,
                                  0xa0, 0x06, 0xe7, 0xea, 0x90, 0x08, 0xef,
                                  0xb0, 0xf8, 0x27, 0x37, 0xf9, 0x91, 0x40};
    unsigned base = below(s, 4) ? 0x1f0 : 0x170, bm = base == 0x1f0 ? 0 : 8;

    line(s, "write 0x2000 0x8 0x%08x%04x00%s", number(s), below(s, 65536),
         below(s, 4) ? "80" : "00");
    line(s, "outl 0x%x 0x2000", 0xc004 + bm);
    line(s, "outb 0x%x 0x%x", base + 6, number(s) & 0xff);
    for (unsigned i = below(s, 4); i < 5; i++)
        line(s, "outb 0x%x 0x%x", base + 1 + i, number(s) & 0xff);
    line(s, "outb 0x%x 0x%x", base + 7, cmd[below(s, sizeof(cmd))]);
    for (unsigned i = below(s, 8); i < 6; i++)
        line(s, "outw 0x%x 0x%x", base, number(s) & 0xffff);
    if (below(s, 2))
        line(s, "outb 0x%x 0x%x", 0xc000 + bm, below(s, 2) ? 9 : 1);
    line(s, "inl 0x%x", base);
}

/* A ring or two of the network card. */
static void card(struct storm *s)
{
    line(s, "outb 0xc137 0x%x", below(s, 4) ? 0x0c : number(s) & 0xff);
    line(s, "outl 0xc130 0x%x", number(s));
    line(s, "outl 0xc144 0x%x", number(s));
    line(s, "outl 0xc140 0x%x", below(s, 2) ? 0x60000 : number(s));
    line(s, "outw 0xc1e0 0x%x", number(s) & 0xffff);
    line(s, "outl 0xc120 0x%x", 0x3000);
    line(s, "outl 0xc1e4 0x%x", 0x4000);
    line(s, "write 0x3000 0x10 0x%08x%08x0000100000000000", number(s),
         number(s));
    line(s, "outl 0xc110 0x%x", number(s) & 0x1fff);
    line(s, "outb 0xc1d9 0x%x", below(s, 2) ? 0x40 : 0xc0);
}

static void other(struct storm *s)
{
    switch (below(s, 8)) {
    case 0:
        line(s, "clock_step");
        break;
    case 1:
        line(s, "clock_step 0x%x", number(s));
        break;
    case 2:
        line(s, "memset 0x%llx 0x%x 0x%x", (unsigned long long)place(s),
             below(s, 0x2000), number(s));
        break;
    case 3:
        line(s, "read 0x%llx 0x%x", (unsigned long long)place(s),
             1 + below(s, 64));
        break;
    case 4:
        line(s, "b64read 0x%llx 0x%x", (unsigned long long)place(s),
             below(s, 64));
        break;
    case 5:
        cfg(s, below(s, 0x20), below(s, 64) * 4, number(s));
        break;
    case 6:
        line(s, "b64write 0x%llx 4 q83v%s", (unsigned long long)place(s),
             below(s, 2) ? "AQ==" : "!");
        break;
    default:
        line(s, "%c%s %x", 'a' + (char)below(s, 26), "utb 0x1f7", number(s));
        break;
    }
}

static void give_args(struct storm *s)
{
    static const char *const sets[][12] = {
        {"-nodefaults", "-device", "rtl8139"},
        {"-drive", "file=null-co://,if=ide,format=raw,file.size=64M"},
        {"-M", "xenfv", "-hda", "null-co://", "-device", "rtl8139"},
        {"-drive", "file=null-co://,if=ide,format=raw", "-device", "rtl8139",
         "-device", "ide-cd,bus=ide.1"},
        {"-blockdev", "driver=null-co,node-name=n,size=1M,read-zeroes=on",
         "-device", "ide-cd,drive=n,bus=ide.0", "-hdd", "null-co://"},
        {"-blockdev",
         "blkdebug,node-name=n,image.driver=null-co,inject-error.0.event=none,"
         "inject-error.0.iotype=read,inject-error.0.once=on",
         "-device", "ide-hd,drive=n", "-device", "rtl8139", "-vga", "none"},
    };
    static const char *const all[] = {"storm", "-M",     "pc,accel=qtest",
                                      "-m",    "4M",     "-display",
                                      "none",  "-qtest", "stdio"};
    const char *const *set = sets[below(s, sizeof(sets) / sizeof(sets[0]))];

    s->nargs = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        s->arg[s->nargs++] = all[i];
    for (unsigned i = 0; i < 12 && set[i]; i++)
        s->arg[s->nargs++] = set[i];
    s->arg[s->nargs] = NULL;
}

void storm_make(struct storm *s, unsigned n)
{
    memset(s, 0, sizeof(*s));
    s->seed = UINT64_C(0x9e3779b97f4a7c15) * (n + 1);
    give_args(s);
    line(s, "irq_intercept_in ioapic");
    if (below(s, 8))
        set_up(s);
    while (s->lines < LINES) {
        switch (below(s, 8)) {
        case 0:
            disk(s);
            break;
        case 1:
            card(s);
            break;
        case 2:
            mmio(s);
            break;
        case 3:
            block(s);
            break;
        case 4:
            other(s);
            break;
        default:
            io(s);
            break;
        }
    }
}
