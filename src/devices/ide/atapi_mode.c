/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MODE SENSE, MODE SELECT, GET CONFIGURATION. Nothing in the mode pages can
 * be changed, so MODE SELECT takes only what is there already. Source:
 * SPC-2 8.3, MMC-3 5 and 6.7, MMC-2 8.6 (capabilities page).
 */
#include "priv.h"

#define PAGE_ALL  0x3fu
#define SPEED_KBS 5632u /* 32 x 176 */

static uint8_t *page_put(uint8_t *p, uint8_t code, uint8_t len, bool values,
                         const struct ide_unit *u)
{
    p[0] = code;
    p[1] = len;
    if (!values)
        return p + 2 + len;
    switch (code) {
    case 0x01: /* error recovery: retries */
        p[3] = 5;
        break;
    case 0x0e: /* audio control: immediate */
        p[2] = 4;
        break;
    case 0x2a:       /* capabilities */
        p[2] = 0x0b; /* reads CD-R, CD-RW, DVD-ROM */
        p[4] = 0x70; /* mode 2 forms, multi-session */
        p[6] = (uint8_t)(0x29 | (u->st->locked ? 2 : 0)); /* tray, lock */
        ide_be16(p + 8, SPEED_KBS);
        ide_be16(p + 12, 512); /* KiB of buffer */
        ide_be16(p + 14, SPEED_KBS);
        break;
    default:
        break;
    }
    return p + 2 + len;
}

static const struct {
    uint8_t code, len;
} pages[] = {{0x01, 6}, {0x0e, 14}, {0x1a, 10}, {0x2a, 20}};

#define PAGES (sizeof(pages) / sizeof(pages[0]))

void atapi_mode_sense(struct ide_unit *u, const uint8_t *cdb)
{
    bool ten = cdb[0] == MMC_MODE_SENSE_10;
    uint8_t *r = atapi_room(u->ch, 128), *p = r + (ten ? 8 : 4);
    uint8_t want = cdb[2] & 0x3f, control = cdb[2] >> 6, medium;
    bool found = false;
    uint32_t len, i;

    if (control == 3)
        return atapi_check(u->ch, SK_ILLEGAL, ASC_NO_SAVING);
    for (i = 0; i < PAGES; i++) {
        if (want != PAGE_ALL && want != pages[i].code)
            continue;
        p = page_put(p, pages[i].code, pages[i].len, control != 1, u);
        found = true;
    }
    if (!found)
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
    len = (uint32_t)(p - r);
    medium = u->st->tray_open ? 0x71 : u->blk ? 0x01 : 0x70;
    if (ten) {
        ide_be16(r, len - 2);
        r[2] = medium;
        atapi_send(u->ch, len, (uint32_t)cdb[7] << 8 | cdb[8]);
    } else {
        r[0] = (uint8_t)(len - 1);
        r[1] = medium;
        atapi_send(u->ch, len, cdb[4]);
    }
}

void atapi_mode_select(struct ide_unit *u, const uint8_t *cdb)
{
    struct ide_chan_state *st = u->ch->st;
    uint32_t len =
        cdb[0] == MMC_MODE_SELECT_10 ? (uint32_t)cdb[7] << 8 | cdb[8] : cdb[4];

    if (!(cdb[1] & 0x10) || (cdb[1] & 1))
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
    if (!len)
        return atapi_ok(u->ch);
    if (len > 1024)
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_LENGTH);
    st->op = OP_PARAM;
    st->pos = st->end = 0;
    st->fill = len;
    st->left = 0;
    ide_data_phase(u->ch);
}

static bool page_same(const struct ide_unit *u, const uint8_t *in)
{
    uint8_t have[32] = {0};
    uint32_t i;

    for (i = 0; i < PAGES; i++) {
        if ((in[0] & 0x3f) != pages[i].code || in[1] != pages[i].len)
            continue;
        page_put(have, pages[i].code, pages[i].len, true, u);
        return !memcmp(in + 2, have + 2, pages[i].len);
    }
    return false;
}

void atapi_mode_param(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    struct ide_unit *u = ide_cmd_unit(ch);
    const uint8_t *b = st->buf;
    bool ten = u->st->cdb[0] == MMC_MODE_SELECT_10;
    uint32_t at = ten ? 8 : 4, len = st->fill;

    if (len < at)
        return atapi_check(ch, SK_ILLEGAL, ASC_BAD_LENGTH);
    at += ten ? (uint32_t)b[6] << 8 | b[7] : b[3]; /* block descriptors */
    while (at < len) {
        if (len - at < 2 || len - at - 2 < b[at + 1])
            return atapi_check(ch, SK_ILLEGAL, ASC_BAD_LENGTH);
        if (!page_same(u, b + at))
            return atapi_check(ch, SK_ILLEGAL, ASC_BAD_PARAM);
        at += 2u + b[at + 1];
    }
    if (at > len)
        return atapi_check(ch, SK_ILLEGAL, ASC_BAD_LENGTH);
    atapi_ok(ch);
}

/* One feature descriptor; returns its length. */
static uint32_t feature_put(uint8_t *p, unsigned code, uint8_t flags,
                            const uint8_t *data, uint8_t len)
{
    ide_be16(p, code);
    p[2] = flags;
    p[3] = len;
    memcpy(p + 4, data, len);
    return 4u + len;
}

void atapi_get_config(struct ide_unit *u, const uint8_t *cdb)
{
    bool medium = ide_medium(u), dvd = atapi_is_dvd(u), cd = medium && !dvd;
    const uint8_t profiles[8] = {0, 0x10, dvd, 0, 0, 0x08, cd, 0};
    static const uint8_t core[8] = {0, 0, 0, 2, 1, 0, 0, 0};
    static const uint8_t morph[4] = {2, 0, 0, 0};
    static const uint8_t removable[4] = {0x29, 0, 0, 0}; /* tray, lock */
    const uint8_t readable[8] = {0, 0, 8, 0, 0, dvd ? 16 : 1, 0, 0};
    static const uint8_t none[4] = {0};
    const struct {
        uint16_t code;
        uint8_t flags; /* version << 2, persistent, current */
        uint8_t len;
        const uint8_t *data;
    } list[] = {
        {0x0000, 0x03, 8, profiles},
        {0x0001, 0x07, 8, core},
        {0x0002, 0x07, 4, morph},
        {0x0003, 0x03, 4, removable},
        {0x0010, medium, 8, readable},
        {0x001d, cd, 0, none},
        {0x001e, (uint8_t)(0x08 | cd), 4, none},
        {0x001f, dvd, 0, none},
        {0x0100, 0x03, 0, none},
        {0x0105, 0x03, 0, none},
    };
    uint8_t *r = atapi_room(u->ch, 128);
    unsigned rt = cdb[1] & 3, from = (unsigned)cdb[2] << 8 | cdb[3];
    uint32_t len = 8, i;

    if (rt == 3)
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (rt == 2 ? list[i].code != from : list[i].code < from)
            continue;
        if (rt == 1 && !(list[i].flags & 1))
            continue;
        len += feature_put(r + len, list[i].code, list[i].flags, list[i].data,
                           list[i].len);
    }
    ide_be32(r, len - 4);
    ide_be16(r + 6, dvd ? 0x10 : cd ? 0x08 : 0);
    atapi_send(u->ch, len, (uint32_t)cdb[7] << 8 | cdb[8]);
}
