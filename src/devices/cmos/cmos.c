/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmos.h"

#include <string.h>

#define CMOS_BASE 0x70
#define CMOS_LAST 0x7f /* bit 7 of the index masks NMI: not an address */

#define CMOS_SHUTDOWN  0x0f /* why the processor starts, for the BIOS */
#define CMOS_FLOPPY    0x10
#define CMOS_EQUIPMENT 0x14 /* bit 1: FPU, bit 2: pointing device */
#define CMOS_CENTURY   0x32 /* BCD; the clock has two digits of the year */
#define CMOS_CENTURY2  0x37 /* of the PS/2 */
#define CMOS_BOOTFLAG1 0x38 /* third device in bits 7..4; bit 0: no check */
#define CMOS_DISKTRANS 0x39 /* two bits an IDE disk; SeaBIOS src/block.c */
#define CMOS_BOOTFLAG2 0x3d /* second and first device */

#define SHUTDOWN_S3 0xfe /* SeaBIOS src/resume.c: go to the waking vector */

struct cmos_regs {
    uint8_t index;
    uint8_t ram[CMOS_LAST + 1];
};

struct cmos {
    struct dev dev;
    struct cmos_regs regs;
    const char *boot;
    uint8_t disktrans;
};

static const struct field cmos_fields[] = {
    FIELD_MAX(struct cmos_regs, index, 1, CMOS_LAST),
    FIELD_ARRAY(struct cmos_regs, ram, 1),
    FIELD_END,
};

static const struct state_desc cmos_state = {
    .name = "cmos",
    .version = 1,
    .off = offsetof(struct cmos, regs),
    .size = sizeof(struct cmos_regs),
    .fields = cmos_fields,
};

static uint64_t cmos_read(void *dev, uint32_t off, unsigned size)
{
    const struct cmos *c = dev;

    /* The index register cannot be read back on an MC146818. */
    return off ? c->regs.ram[c->regs.index] : 0xff;
}

static void cmos_write(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct cmos *c = dev;

    if (off)
        c->regs.ram[c->regs.index] = (uint8_t)val;
    else
        c->regs.index = val & CMOS_LAST;
}

static const struct io_ops cmos_io = {
    .rd = cmos_read,
    .wr = cmos_write,
    .min = 1,
    .max = 1,
};

/* SeaBIOS's numbers: 1 floppy, 2 hard disk, 3 CD-ROM, 4 network. */
static uint8_t boot_code(char letter)
{
    static const char letters[] = "acdn";
    const char *p = letter ? strchr(letters, letter) : NULL;

    return p ? (uint8_t)(p - letters + 1) : 0;
}

void cmos_mark_suspend(struct dev *dev)
{
    struct cmos *c = (struct cmos *)dev;

    c->regs.ram[CMOS_SHUTDOWN] = SHUTDOWN_S3;
}

static void cmos_reset(struct dev *dev, enum reset_kind kind)
{
    struct cmos *c = (struct cmos *)dev;
    uint8_t code[3] = {0};
    unsigned n = 0;

    if (kind != RESET_POWER)
        return;
    memset(&c->regs, 0, sizeof(c->regs));
    for (const char *p = c->boot; *p && n < 3; p++)
        code[n++] = boot_code(*p);
    c->regs.ram[CMOS_EQUIPMENT] = 0x06;
    c->regs.ram[CMOS_CENTURY] = c->regs.ram[CMOS_CENTURY2] = 0x20;
    c->regs.ram[CMOS_DISKTRANS] = c->disktrans;
    c->regs.ram[CMOS_BOOTFLAG1] = (uint8_t)(code[2] << 4);
    c->regs.ram[CMOS_BOOTFLAG2] = (uint8_t)(code[1] << 4 | code[0]);
}

static int cmos_init(struct dev *dev, const struct conf *conf, struct err *e)
{
    struct cmos *c = (struct cmos *)dev;

    c->boot = conf_str(conf, "boot", "");
    c->disktrans = (uint8_t)conf_num(conf, "disktrans", 0);
    return dev_map(dev, SPACE_PIO, CMOS_BASE, 2, &cmos_io);
}

const struct dev_ops cmos_ops = {
    .name = "cmos",
    .size = sizeof(struct cmos),
    .init = cmos_init,
    .reset = cmos_reset,
    .state = &cmos_state,
};
