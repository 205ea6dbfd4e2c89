/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CMOS bytes that a PC's board, not its clock chip, fills in: type and
 * geometry of two disks, translations of four, boot devices. Addresses as in
 * the AT's technical reference, and SeaBIOS for those above 0x38.
 */
#include "board.h"

#include <string.h>

#define TRANS_NONE  0
#define TRANS_LBA   1
#define TRANS_LARGE 2

static void put(struct board *b, uint8_t at, uint8_t v)
{
    board_out(b, 0x70, 1, at);
    board_out(b, 0x71, 1, v);
}

static int usual_trans(const struct board_chs *c)
{
    return c->cyls <= 1024 && c->heads <= 16 && c->secs <= 63 ? TRANS_NONE
                                                              : TRANS_LBA;
}

static void by_size(uint64_t sectors, struct board_chs *c)
{
    uint64_t cyls = sectors / (16u * 63u);

    c->cyls = cyls < 2 ? 2 : cyls > 16383 ? 16383 : (uint32_t)cyls;
    c->heads = 16;
    c->secs = 63;
}

/* The geometry that the first partition with an end in CHS was made with. */
static bool by_table(const uint8_t *mbr, uint64_t sectors, struct board_chs *c)
{
    if (mbr[510] != 0x55 || mbr[511] != 0xaa)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *p = mbr + 446 + 16 * i;
        uint32_t heads = p[5] + 1u, secs = p[6] & 63u;
        uint64_t cyls;

        if (!(p[12] | p[13] | p[14] | p[15]) || !p[5] || !secs)
            continue;
        cyls = sectors / (heads * secs);
        if (cyls < 1 || cyls > 16383)
            continue;
        *c = (struct board_chs){(uint32_t)cyls, heads, secs, -1};
        return true;
    }
    return false;
}

static struct board_chs geometry(const struct board *b, unsigned unit)
{
    struct board_chs given = b->conf.chs[unit], c = given;
    struct blk *blk = &b->conf.image[unit]->blk;
    uint64_t sectors = blk->size_bytes / 512;
    uint8_t mbr[512] = {0};
    struct iovec iov = {mbr, sizeof(mbr)};
    struct blk_req r = {
        .op = BLK_READ, .len_bytes = sizeof(mbr), .iov = &iov, .niov = 1};

    if (!given.cyls) {
        /* past the rules for faults, which are for the guest's requests */
        struct image plain = *b->conf.image[unit];

        plain.nrules = 0;
        plain.tag[0] = 0;
        blk_submit(&plain.blk, &r);
        if (!by_table(mbr, sectors, &c)) {
            by_size(sectors, &c);
            c.trans = usual_trans(&c);
        } else if (c.heads > 16) { /* a BIOS translated: not the disk's own */
            by_size(sectors, &c);
            c.trans = c.cyls * c.heads <= 131072 ? TRANS_LARGE : TRANS_LBA;
        } else {
            c.trans = TRANS_NONE;
        }
    } else {
        c.trans = usual_trans(&c);
    }
    if (given.trans >= 0)
        c.trans = given.trans;
    return c;
}

static void put_type(struct board *b, unsigned unit, const struct board_chs *c)
{
    uint8_t at = unit ? 0x24 : 0x1b;

    put(b, unit ? 0x1a : 0x19, 47); /* a type of the user's */
    put(b, at, (uint8_t)c->cyls);
    put(b, at + 1, (uint8_t)(c->cyls >> 8));
    put(b, at + 2, (uint8_t)c->heads);
    put(b, at + 3, 0xff); /* no write precompensation */
    put(b, at + 4, 0xff);
    put(b, at + 5, (uint8_t)(0xc0 | (c->heads > 8 ? 8 : 0)));
    put(b, at + 6, (uint8_t)c->cyls); /* landing zone */
    put(b, at + 7, (uint8_t)(c->cyls >> 8));
    put(b, at + 8, (uint8_t)c->secs);
}

static uint8_t boot_code(char letter)
{
    static const char letters[] = "acdn";
    const char *p = strchr(letters, letter == 'b' ? 'a' : letter);

    return p && *p ? (uint8_t)(p - letters + 1) : 0;
}

static void put_boot(struct board *b)
{
    const char *order = b->conf.machine.boot_order;
    uint8_t code[3] = {0};

    if (b->conf.boot_once[0] && !b->booted)
        order = b->conf.boot_once;
    for (unsigned i = 0; i < 3 && order[i]; i++)
        code[i] = boot_code(order[i]);
    put(b, 0x3d, (uint8_t)(code[1] << 4 | code[0]));
    put(b, 0x38, (uint8_t)(code[2] << 4 | b->conf.no_floppy_check));
}

void board_fill_cmos(struct board *b)
{
    uint8_t types = 0, trans = 0;

    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        const struct machine_disk *d = &b->conf.machine.disk[u];
        struct board_chs c;

        if (!d->present || d->cdrom || !b->conf.image[u])
            continue;
        c = geometry(b, u);
        trans |= (uint8_t)(c.trans << (2 * u));
        if (u > 1)
            continue;
        types |= u ? 0x0f : 0xf0;
        put_type(b, u, &c);
    }
    put(b, 0x12, types);
    put(b, 0x39, trans);
    put_boot(b);
    board_out(b, 0x70, 1, 0);
}
