/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFADD   0xcf8
#define CONFDATA  0xcfc
#define FW_SELECT 0x510
#define FW_DATA   0x511
#define WORK_MOST 64u /* pieces of work between two commands */
#define FIRE_MOST 1000000u

#define PAGE UINT64_C(4096)

static uint64_t io(struct board *b, enum io_kind kind, uint64_t addr,
                   unsigned size, bool wr, uint64_t val)
{
    struct io_msg msg = {.kind = kind,
                         .write = wr,
                         .size = (uint8_t)size,
                         .addr = addr,
                         .data = val};
    uint64_t out = 0;

    machine_io(b->m, &msg, &out);
    return out;
}

static void put_le(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* The few numbers that clients ask the firmware configuration for. */
static void fw_select(struct board *b, uint16_t key)
{
    unsigned vcpus = b->conf.machine.vcpus;

    b->fw.key = key;
    b->fw.at = 0;
    b->fw.len = 0;
    switch (key & 0x3fff) {
    case 0x00:
        memcpy(b->fw.data, "QEMU", 4);
        b->fw.len = 4;
        break;
    case 0x01: /* the ports only */
        put_le(b->fw.data, 1, 4);
        b->fw.len = 4;
        break;
    case 0x02:
        memcpy(b->fw.data, b->conf.uuid, sizeof(b->conf.uuid));
        b->fw.len = sizeof(b->conf.uuid);
        break;
    case 0x03:
        put_le(b->fw.data, b->bench->ram_bytes, 8);
        b->fw.len = 8;
        break;
    case 0x05:
    case 0x0f:
        put_le(b->fw.data, vcpus, 2);
        b->fw.len = 2;
        break;
    default:
        break;
    }
}

static uint8_t fw_read(struct board *b)
{
    return b->fw.at < b->fw.len ? b->fw.data[b->fw.at++] : 0;
}

/*
 * Bits 1:0 of CONFADD are reserved in the 82441FX; Xen, which decodes these
 * ports for its guests, takes them as part of the address, and so do clients.
 */
static uint16_t config_port(struct board *b, uint16_t port)
{
    return (port & ~3) == CONFDATA ? port | b->confadd_low : port;
}

uint32_t board_in(struct board *b, uint16_t port, unsigned size)
{
    if (port == FW_DATA && size == 1)
        return fw_read(b);
    return (uint32_t)io(b, IO_PIO, config_port(b, port), size, false, 0);
}

void board_out(struct board *b, uint16_t port, unsigned size, uint32_t val)
{
    if (port == FW_SELECT && size == 2)
        fw_select(b, (uint16_t)val);
    else
        io(b, IO_PIO, config_port(b, port), size, true, val);
    if (port == CONFADD && size == 4)
        b->confadd_low = val & 3;
}

/* Bit 0: reads of the page go to RAM, bit 1: writes do (82441FX, 3.2.18). */
static unsigned pam(const struct board *b, uint64_t gpa)
{
    const uint8_t *cfg = machine_pci_dev(b->m, 0)->cfg;
    unsigned n = (unsigned)(gpa - 0xc0000) >> 14;

    if (n >= 12)
        return cfg[0x59] >> 4 & 3;
    return cfg[0x5a + n / 2] >> (n & 1 ? 4 : 0) & 3;
}

/* The ROM ends at 4 GiB; its last 128 KiB show below 1 MiB too. */
static uint8_t *rom_at(struct board *b, uint64_t gpa)
{
    uint64_t top = gpa < 0x100000 ? 0x100000 : UINT64_C(0x100000000);
    uint64_t back = top - gpa;

    if (!b->rom || gpa >= top || back > b->rom_bytes ||
        (top == 0x100000 && back > 0x20000))
        return NULL;
    return b->rom + (b->rom_bytes - back);
}

/* Memory at gpa and, at most, how much of it; NULL: that much is I/O. */
static uint8_t *memory(struct board *b, uint64_t gpa, bool wr, size_t *len)
{
    struct bench *k = b->bench;
    uint64_t left = PAGE - (gpa & (PAGE - 1));
    uint8_t *p = NULL;

    if (gpa >= 0xa0000 && gpa < 0xc0000) {
        /* the VGA window */
    } else if (gpa >= 0xc0000 && gpa < 0x100000) {
        if (pam(b, gpa) & (wr ? 2u : 1u))
            p = k->ram + gpa;
        else if (!wr)
            p = rom_at(b, gpa);
    } else if (gpa < k->ram_bytes) {
        p = k->ram + gpa;
        left = (gpa < 0xa0000 ? 0xa0000 : k->ram_bytes) - gpa;
    } else if (k->vram_gfn != HV_GFN_NONE && gpa / PAGE >= k->vram_gfn &&
               gpa / PAGE - k->vram_gfn < k->vram_pages) {
        uint64_t off = gpa - k->vram_gfn * PAGE;

        p = k->vram + off;
        left = k->vram_pages * PAGE - off;
    } else if (!wr) {
        p = rom_at(b, gpa);
    }
    if (*len > left)
        *len = (size_t)left;
    return p;
}

static void touched(struct board *b, const uint8_t *p, size_t len)
{
    struct bench *k = b->bench;

    if (k->vram && p >= k->vram && p < k->vram + k->vram_pages * PAGE)
        bench_vram_touch(k, (uint32_t)(p - k->vram), (uint32_t)len);
}

uint64_t board_load(struct board *b, uint64_t gpa, unsigned size)
{
    size_t len = size;
    uint8_t *p = memory(b, gpa, false, &len);
    uint64_t v = 0;

    if (!p && len == size)
        return io(b, IO_MMIO, gpa, size, false, 0);
    if (len == size)
        memcpy(&v, p, size);
    else
        board_read(b, gpa, &v, size);
    return v;
}

void board_store(struct board *b, uint64_t gpa, unsigned size, uint64_t val)
{
    size_t len = size;
    uint8_t *p = memory(b, gpa, true, &len);

    if (!p && len == size) {
        io(b, IO_MMIO, gpa, size, true, val);
    } else if (len == size) {
        memcpy(p, &val, size);
        touched(b, p, size);
    } else {
        board_write(b, gpa, &val, size);
    }
}

/* The widest aligned access to a device that still fits. */
static unsigned width(uint64_t gpa, size_t len)
{
    unsigned size = 4;

    while (size > 1 && ((gpa & (size - 1)) || len < size))
        size /= 2;
    return size;
}

void board_read(struct board *b, uint64_t gpa, void *buf, size_t len)
{
    uint8_t *out = buf;

    while (len) {
        size_t n = len;
        uint8_t *p = memory(b, gpa, false, &n);
        uint64_t v;

        if (p) {
            memcpy(out, p, n);
        } else {
            n = width(gpa, n);
            v = io(b, IO_MMIO, gpa, (unsigned)n, false, 0);
            memcpy(out, &v, n);
        }
        out += n;
        len -= n;
        gpa += n;
    }
}

void board_write(struct board *b, uint64_t gpa, const void *buf, size_t len)
{
    const uint8_t *in = buf;

    while (len) {
        size_t n = len;
        uint8_t *p = memory(b, gpa, true, &n);
        uint64_t v = 0;

        if (p) {
            memcpy(p, in, n);
            touched(b, p, n);
        } else {
            n = width(gpa, n);
            memcpy(&v, in, n);
            io(b, IO_MMIO, gpa, (unsigned)n, true, v);
        }
        in += n;
        len -= n;
        gpa += n;
    }
}

/*
 * A packet device tells of its power-on by failing its first command. The
 * firmware asks first, so those that come later do not see that: ask too, and
 * leave the task file as a reset leaves it.
 */
static void ask_cd(struct board *b, unsigned unit)
{
    uint16_t base = unit < 2 ? 0x1f0 : 0x170;
    uint16_t ctl = base + 0x206;

    board_out(b, ctl, 1, 0x02); /* no interrupts */
    board_out(b, base + 6, 1, unit & 1 ? 0x10 : 0);
    board_out(b, base + 7, 1, 0xa0);
    for (unsigned i = 0; i < 6; i++) /* TEST UNIT READY */
        board_out(b, base, 2, 0);
    board_out(b, ctl, 1, 0x06);
    board_out(b, ctl, 1, 0x00);
}

/* What firmware would have done, as far as it shows. */
static void power_on(struct board *b)
{
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        if (b->conf.machine.disk[u].present && b->conf.machine.disk[u].cdrom)
            ask_cd(b, u);
    board_fill_cmos(b);
    b->fw.len = 0;
    b->confadd_low = 0;
    b->booted = true;
}

void board_settle(struct board *b)
{
    for (unsigned i = 0; i < WORK_MOST; i++) {
        if (clock_next(&b->bench->clock) == 0)
            clock_run(&b->bench->clock);
        if (!clock_run_work(&b->bench->clock))
            break;
    }
    if (b->reset_wanted)
        board_reset(b);
}

int board_clock_to(struct board *b, uint64_t now_ns)
{
    struct bench *k = b->bench;

    for (unsigned i = 0; i < b->fires_most; i++) {
        uint64_t next = clock_next(&k->clock);

        if (next > now_ns) {
            k->now_ns = now_ns;
            return 0;
        }
        bench_step(k, next > k->now_ns ? next - k->now_ns : 0);
    }
    return -EBUSY;
}

void board_reset(struct board *b)
{
    b->reset_wanted = false;
    machine_reset_devices(b->m);
    power_on(b);
    if (b->event)
        b->event(b->ctx, MACHINE_RESET);
}

void board_cont(struct board *b)
{
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        if (b->conf.image[u])
            image_cont(b->conf.image[u]);
}

/* Resets are put off: this may be in the middle of a guest's access. */
static void on_event(void *ctx, enum machine_event e)
{
    struct board *b = ctx;

    if (e == MACHINE_RESET)
        b->reset_wanted = true;
    else if (b->event)
        b->event(b->ctx, e);
}

static void on_tray(void *ctx, unsigned unit, bool open)
{
    struct board *b = ctx;

    if (b->tray)
        b->tray(b->ctx, unit, open);
}

static void on_gsi(void *ctx, unsigned gsi, bool level)
{
    struct board *b = ctx;

    if (b->gsi)
        b->gsi(b->gsi_ctx, gsi, level);
}

static int read_rom(struct board *b, const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    int rc = 0;

    if (fd < 0 || fstat(fd, &st) < 0)
        rc =
            err_set(e, -errno, "cannot open %.200s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode) || st.st_size <= 0 ||
             st.st_size > BOARD_ROM_MOST)
        rc = err_set(e, -EINVAL, "%.200s: a ROM is a file of 1 byte to 16 MiB",
                     path);
    if (!rc) {
        b->rom_bytes = (size_t)st.st_size;
        b->rom = malloc(b->rom_bytes);
        if (!b->rom || read(fd, b->rom, b->rom_bytes) != (ssize_t)b->rom_bytes)
            rc = err_set(e, -EIO, "cannot read %.200s", path);
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

static size_t chr_write(struct chr *c, const uint8_t *buf, size_t len)
{
    return len;
}

static void chr_room(struct chr *c, size_t n)
{
}

static const struct chr_ops chr_ops = {.write = chr_write, .rx_room = chr_room};

static int start(struct board *b, struct err *e)
{
    struct machine_host host = {.hv = &b->bench->hv,
                                .gmem = &b->bench->gmem,
                                .clock = &b->bench->clock,
                                .log = &b->bench->log,
                                .event = on_event,
                                .tray_moved = on_tray,
                                .ctx = b};
    struct machine_conf *c = &b->conf.machine;

    if (b->conf.rom && read_rom(b, b->conf.rom, e))
        return -EINVAL;
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        c->disk[u].blk = b->conf.image[u] ? &b->conf.image[u]->blk : NULL;
    for (unsigned i = 0; i < b->conf.serials; i++) {
        b->chr[i].ops = &chr_ops;
        c->serial[i] = &b->chr[i];
    }
    for (unsigned i = 0; i < c->nnics; i++)
        c->nic[i].net = b->net[i] = net_mem_new();
    b->bench->gsi = on_gsi;
    b->bench->gsi_ctx = b;
    b->m = machine_new(c, &host, e);
    if (!b->m)
        return -EINVAL;
    power_on(b);
    return 0;
}

struct board *board_new(const struct board_conf *conf, struct err *e)
{
    struct board *b = calloc(1, sizeof(*b));

    if (!b)
        abort(); /* like the bench: nothing has begun */
    b->conf = *conf;
    b->fires_most = FIRE_MOST;
    b->bench = bench_new((size_t)conf->machine.ram_bytes);
    if (start(b, e)) {
        board_free(b);
        return NULL;
    }
    return b;
}

void board_free(struct board *b)
{
    if (!b)
        return;
    b->gsi = NULL;
    b->event = NULL;
    b->tray = NULL;
    machine_free(b->m);
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        if (b->conf.image[u])
            b->conf.image[u]->blk.ops->close(&b->conf.image[u]->blk);
    for (unsigned i = 0; i < MACHINE_NICS; i++)
        if (b->net[i])
            b->net[i]->ops->close(b->net[i]);
    bench_free(b->bench);
    free(b->rom);
    free(b);
}
