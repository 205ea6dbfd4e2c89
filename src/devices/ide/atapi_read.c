/* SPDX-License-Identifier: GPL-2.0-or-later */
/* READ (10), (12), READ CD, READ CD MSF. Source: MMC-3 6.19-6.21. */
#include "priv.h"

/* READ CD byte 9 */
#define RC_SYNC   0x80u
#define RC_HEADER 0x20u
#define RC_USER   0x10u
#define RC_EDC    0x08u
#define RC_C2     0x06u

#define USER_AT 16u
#define EDC_AT  (USER_AT + CD_SECTOR)

static void read_blocks(struct ide_unit *u, uint32_t lba, uint32_t count,
                        enum ide_op op)
{
    struct ide_chan_state *st = u->ch->st;
    uint32_t n = atapi_blocks(u);

    if (lba > n || count > n - lba || (lba == n && count))
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_LBA);
    if (!count)
        return atapi_ok(u->ch);
    st->op = (uint8_t)op;
    st->off = (uint64_t)lba * CD_SECTOR;
    st->left = (uint64_t)count * CD_SECTOR;
    st->pos = st->end = st->fill = 0;
    ide_data_phase(u->ch);
}

void atapi_read_10(struct ide_unit *u, const uint8_t *cdb)
{
    read_blocks(u, ide_get_be32(cdb + 2), (uint32_t)cdb[7] << 8 | cdb[8],
                OP_READ);
}

void atapi_read_12(struct ide_unit *u, const uint8_t *cdb)
{
    read_blocks(u, ide_get_be32(cdb + 2), ide_get_be32(cdb + 6), OP_READ);
}

/* Mode 1 sectors have no sub-header: asking for it adds nothing. */
uint32_t atapi_raw_bytes(uint8_t fields)
{
    return (fields & RC_SYNC ? 12u : 0) + (fields & RC_HEADER ? 4u : 0) +
           (fields & RC_USER ? CD_SECTOR : 0) + (fields & RC_EDC ? 288u : 0);
}

static void read_cd(struct ide_unit *u, uint32_t lba, uint32_t count,
                    const uint8_t *cdb)
{
    uint8_t fields = cdb[9] & (RC_SYNC | RC_HEADER | RC_USER | RC_EDC);
    unsigned type = cdb[1] >> 2 & 7;

    if (type == 1 || type > 2) /* we have mode 1 only */
        return atapi_check(u->ch, SK_ILLEGAL,
                           type > 5 ? ASC_BAD_CDB : ASC_BAD_TRACK_MODE);
    /* neither C2 pointers nor sub-channels in an image */
    if ((cdb[9] & RC_C2) || (cdb[10] & 7))
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
    if (!fields)
        count = 0;
    u->ch->st->raw_fields = fields;
    read_blocks(u, lba, count, fields == RC_USER ? OP_READ : OP_RAW);
}

void atapi_read_cd(struct ide_unit *u, const uint8_t *cdb)
{
    read_cd(u, ide_get_be32(cdb + 2),
            (uint32_t)cdb[6] << 16 | (uint32_t)cdb[7] << 8 | cdb[8], cdb);
}

static bool get_msf(const uint8_t *p, uint32_t *lba)
{
    uint32_t frames = ((uint32_t)p[0] * 60 + p[1]) * 75 + p[2];

    if (p[1] > 59 || p[2] > 74 || frames < 150)
        return false;
    *lba = frames - 150;
    return true;
}

void atapi_read_cd_msf(struct ide_unit *u, const uint8_t *cdb)
{
    uint32_t from, to;

    if (!get_msf(cdb + 3, &from) || !get_msf(cdb + 6, &to) || to < from)
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
    read_cd(u, from, to - from, cdb);
}

/* One sector as the guest asked for it, from its user data. */
static uint32_t raw_build(uint8_t *out, const uint8_t *user, uint32_t lba,
                          uint8_t fields)
{
    uint8_t raw[RAW_SECTOR];
    uint32_t n = 0;

    memcpy(raw + USER_AT, user, CD_SECTOR);
    cd_mode1_sector(raw, lba);
    if (fields & RC_SYNC) {
        memcpy(out + n, raw, 12);
        n += 12;
    }
    if (fields & RC_HEADER) {
        memcpy(out + n, raw + 12, 4);
        n += 4;
    }
    if (fields & RC_USER) {
        memcpy(out + n, raw + USER_AT, CD_SECTOR);
        n += CD_SECTOR;
    }
    if (fields & RC_EDC) {
        memcpy(out + n, raw + EDC_AT, 288);
        n += 288;
    }
    return n;
}

/*
 * sectors of user data lie at fill: makes them what the guest gets. Larger
 * ones are built from the last to the first, smaller ones the other way.
 */
void atapi_raw_expand(struct ide_chan *ch, uint32_t sectors)
{
    struct ide_chan_state *st = ch->st;
    uint8_t *base = st->buf + st->fill;
    uint32_t size = atapi_raw_bytes(st->raw_fields);
    uint32_t lba = (uint32_t)(st->off / CD_SECTOR), i;

    for (i = 0; i < sectors; i++) {
        uint32_t k = size > CD_SECTOR ? sectors - 1 - i : i;

        raw_build(base + (size_t)k * size, base + (size_t)k * CD_SECTOR,
                  lba + k, st->raw_fields);
    }
    st->fill += sectors * size;
}
