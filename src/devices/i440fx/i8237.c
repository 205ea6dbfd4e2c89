/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two cascaded 8237 DMA controllers with their page registers: a register
 * file that software can program and read back. No device of this machine
 * asks for ISA DMA, so no transfer ever happens: addresses and counts stay as
 * programmed, and of the status only software requests show.
 * Source: Intel 8237A data sheet (231466), "Register description"; page
 * registers and ports: Intel 82371SB data sheet, section 2.5.1. Of the page
 * registers eight have no channel and are scratch bytes; 0x80 is where
 * firmware writes its POST codes.
 */
#include "i440fx.h"

#include <hvmd/machine.h>
#include <string.h>

#define CHANNELS 8u /* 0-3 first, 4-7 second controller */

/* The upper half of a controller's registers, by their number */
#define R_STATUS      0x8 /* read; write: command */
#define R_REQUEST     0x9
#define R_MASK_ONE    0xa
#define R_MODE        0xb
#define R_CLEAR_FF    0xc
#define R_MASTER      0xd /* write: master clear; read: temporary */
#define R_CLEAR_MASKS 0xe
#define R_MASK_ALL    0xf

struct i8237_regs {
    uint16_t base_addr[CHANNELS], addr[CHANNELS];
    uint16_t base_count[CHANNELS], count[CHANNELS];
    uint8_t mode[CHANNELS];
    uint8_t page[16];      /* 0x80 */
    uint8_t high_page[16]; /* 0x480 */
    uint8_t command[2];
    uint8_t request[2]; /* one bit a channel */
    uint8_t mask[2];
    uint8_t flipflop[2]; /* 1: the high byte is next */
};

struct i8237 {
    struct dev dev;
    struct i8237_regs regs;
};

static uint64_t file_rd(struct i8237 *dma, unsigned unit, unsigned reg)
{
    struct i8237_regs *r = &dma->regs;
    unsigned ch = unit * 4 + (reg >> 1 & 3);
    uint16_t val;

    if (reg == R_STATUS) /* terminal counts never happen */
        return (uint64_t)r->request[unit] << 4;
    if (reg == R_MASK_ALL)
        return 0xf0u | r->mask[unit];
    if (reg > 7)
        return 0;
    val = reg & 1 ? r->count[ch] : r->addr[ch];
    r->flipflop[unit] ^= 1;
    return r->flipflop[unit] ? val & 0xff : val >> 8;
}

static uint16_t put_byte(uint16_t old, bool high, uint8_t val)
{
    if (high)
        return (uint16_t)((old & 0x00ff) | val << 8);
    return (uint16_t)((old & 0xff00) | val);
}

/* Base and current register are written together. */
static void channel_wr(struct i8237_regs *r, unsigned unit, unsigned reg,
                       uint8_t val)
{
    unsigned ch = unit * 4 + (reg >> 1 & 3);
    bool high = r->flipflop[unit] != 0;

    if (reg & 1) {
        r->base_count[ch] = put_byte(r->base_count[ch], high, val);
        r->count[ch] = r->base_count[ch];
    } else {
        r->base_addr[ch] = put_byte(r->base_addr[ch], high, val);
        r->addr[ch] = r->base_addr[ch];
    }
    r->flipflop[unit] ^= 1;
}

static void master_clear(struct i8237_regs *r, unsigned unit)
{
    r->command[unit] = 0;
    r->request[unit] = 0;
    r->flipflop[unit] = 0;
    r->mask[unit] = 0x0f;
}

static void set_bit(uint8_t *bits, uint8_t val)
{
    uint8_t bit = (uint8_t)(1u << (val & 3));

    if (val & 4)
        *bits |= bit;
    else
        *bits &= (uint8_t)~bit;
}

static void file_wr(struct i8237 *dma, unsigned unit, unsigned reg, uint8_t val)
{
    struct i8237_regs *r = &dma->regs;

    switch (reg) {
    case R_STATUS:
        r->command[unit] = val;
        break;
    case R_REQUEST:
        set_bit(&r->request[unit], val);
        break;
    case R_MASK_ONE:
        set_bit(&r->mask[unit], val);
        break;
    case R_MODE:
        r->mode[unit * 4 + (val & 3)] = val;
        break;
    case R_CLEAR_FF:
        r->flipflop[unit] = 0;
        break;
    case R_MASTER:
        master_clear(r, unit);
        break;
    case R_CLEAR_MASKS:
        r->mask[unit] = 0;
        break;
    case R_MASK_ALL:
        r->mask[unit] = val & 0x0f;
        break;
    default:
        channel_wr(r, unit, reg, val);
        break;
    }
}

static uint64_t first_rd(void *ctx, uint32_t off, unsigned size)
{
    return file_rd(ctx, 0, off);
}

static void first_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    file_wr(ctx, 0, off, (uint8_t)val);
}

/* The second one sits on address lines 1 up: each register twice. */
static uint64_t second_rd(void *ctx, uint32_t off, unsigned size)
{
    return file_rd(ctx, 1, off >> 1);
}

static void second_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    file_wr(ctx, 1, off >> 1, (uint8_t)val);
}

static uint64_t page_rd(void *ctx, uint32_t off, unsigned size)
{
    return ((struct i8237 *)ctx)->regs.page[off];
}

static void page_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    ((struct i8237 *)ctx)->regs.page[off] = (uint8_t)val;
}

static uint64_t high_rd(void *ctx, uint32_t off, unsigned size)
{
    return ((struct i8237 *)ctx)->regs.high_page[off];
}

static void high_wr(void *ctx, uint32_t off, unsigned size, uint64_t val)
{
    ((struct i8237 *)ctx)->regs.high_page[off] = (uint8_t)val;
}

#define BYTES_ONLY .min = 1, .max = 1
static const struct io_ops first_io = {first_rd, first_wr, BYTES_ONLY};
static const struct io_ops second_io = {second_rd, second_wr, BYTES_ONLY};
static const struct io_ops page_io = {page_rd, page_wr, BYTES_ONLY};
static const struct io_ops high_io = {high_rd, high_wr, BYTES_ONLY};

static int i8237_init(struct dev *dev, const struct conf *conf, struct err *e)
{
    static const struct {
        uint16_t port, len;
        const struct io_ops *ops;
    } ports[] = {
        {0x00, 16, &first_io},
        {0x80, 16, &page_io},
        {0xc0, 32, &second_io},
        {0x480, 16, &high_io},
    };

    for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        int rc =
            dev_map(dev, SPACE_PIO, ports[i].port, ports[i].len, ports[i].ops);

        if (rc < 0)
            return err_set(e, rc, "cannot map DMA controller port %#x",
                           ports[i].port);
    }
    return 0;
}

static void i8237_reset(struct dev *dev, enum reset_kind kind)
{
    struct i8237 *dma = (struct i8237 *)dev;

    memset(&dma->regs, 0, sizeof(dma->regs));
    for (unsigned unit = 0; unit < 2; unit++)
        master_clear(&dma->regs, unit);
}

static const struct field i8237_fields[] = {
    FIELD_ARRAY(struct i8237_regs, base_addr, 1),
    FIELD_ARRAY(struct i8237_regs, addr, 1),
    FIELD_ARRAY(struct i8237_regs, base_count, 1),
    FIELD_ARRAY(struct i8237_regs, count, 1),
    FIELD_ARRAY(struct i8237_regs, mode, 1),
    FIELD_ARRAY(struct i8237_regs, page, 1),
    FIELD_ARRAY(struct i8237_regs, high_page, 1),
    FIELD_ARRAY(struct i8237_regs, command, 1),
    FIELD_ARRAY_MAX(struct i8237_regs, request, 1, 0x0f),
    FIELD_ARRAY_MAX(struct i8237_regs, mask, 1, 0x0f),
    FIELD_ARRAY_MAX(struct i8237_regs, flipflop, 1, 1),
    FIELD_END,
};

static const struct state_desc i8237_state = {
    .name = "i8237",
    .version = 1,
    .off = offsetof(struct i8237, regs),
    .size = sizeof(struct i8237_regs),
    .fields = i8237_fields,
};

const struct dev_ops i8237_ops = {
    .name = "i8237",
    .size = sizeof(struct i8237),
    .init = i8237_init,
    .reset = i8237_reset,
    .state = &i8237_state,
};
