/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on the disc: one session with one data track, or a single-layer
 * DVD-ROM. Source: MMC-3 6.16, 6.22-6.24, 6.27; ECMA-267 for DVD structures.
 */
#include "priv.h"

#define LEAD_OUT 0xaau
#define Q_DATA   0x14u /* ADR 1: position; control: data track */

static void toc_address(uint8_t *p, uint32_t lba, bool msf)
{
    if (msf)
        atapi_msf(p + 1, lba);
    else
        ide_be32(p, lba);
}

static void toc_entry(uint8_t *p, uint8_t track, uint32_t lba, bool msf)
{
    p[1] = Q_DATA;
    p[2] = track;
    toc_address(p + 4, lba, msf);
}

static uint32_t toc_tracks(uint8_t *r, uint8_t from, uint32_t n, bool msf)
{
    uint32_t len = 4;

    if (from <= 1) {
        toc_entry(r + len, 1, 0, msf);
        len += 8;
    }
    toc_entry(r + len, LEAD_OUT, n, msf);
    return len + 8;
}

/* Full TOC: lead-in sub-channel Q, three pointers and the track. */
static uint32_t toc_full(uint8_t *r, uint32_t n)
{
    static const uint8_t point[] = {0xa0, 0xa1, 0xa2, 0x01};
    uint32_t i;

    for (i = 0; i < sizeof(point); i++) {
        uint8_t *p = r + 4 + i * 11;

        p[0] = 1; /* session */
        p[1] = Q_DATA;
        p[3] = point[i];
        switch (point[i]) {
        case 0xa0: /* first track; disc type CD-ROM */
        case 0xa1: /* last track */
            p[8] = 1;
            break;
        case 0xa2:
            atapi_msf(p + 8, n);
            break;
        default:
            atapi_msf(p + 8, 0);
            break;
        }
    }
    return 4 + sizeof(point) * 11;
}

void atapi_read_toc(struct ide_unit *u, const uint8_t *cdb)
{
    uint8_t *r = atapi_room(u->ch, 64);
    uint8_t format = cdb[2] & 0x0f, from = cdb[6];
    uint32_t len, n = atapi_blocks(u);
    bool msf = cdb[1] & 2;

    if (!format) /* SFF-8020i has it in the last byte */
        format = cdb[9] >> 6;
    r[2] = r[3] = 1;
    switch (format) {
    case 0:
        if (from > 1 && from != LEAD_OUT)
            return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
        len = toc_tracks(r, from, n, msf);
        break;
    case 1:
        toc_entry(r + 4, 1, 0, msf);
        len = 12;
        break;
    case 2:
        if (from > 1)
            return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
        len = toc_full(r, n);
        break;
    default: /* PMA, ATIP, CD-TEXT: not on a pressed data disc */
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
    }
    ide_be16(r, len - 2);
    atapi_send(u->ch, len, (uint32_t)cdb[7] << 8 | cdb[8]);
}

void atapi_subchannel(struct ide_unit *u, const uint8_t *cdb)
{
    uint8_t *r = atapi_room(u->ch, 24);
    uint32_t len = 4;

    r[1] = 0x15; /* no audio status */
    if (cdb[2] & 0x40) {
        r[4] = cdb[3];
        switch (cdb[3]) {
        case 1: /* position: at the start */
            r[5] = Q_DATA;
            r[6] = r[7] = 1;
            toc_address(r + 8, 0, cdb[1] & 2);
            len = 16;
            break;
        case 2: /* no catalogue number, no ISRC */
        case 3:
            len = 24;
            break;
        default:
            return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
        }
        ide_be16(r + 2, len - 4);
    }
    atapi_send(u->ch, len, (uint32_t)cdb[7] << 8 | cdb[8]);
}

void atapi_disc_info(struct ide_unit *u, const uint8_t *cdb)
{
    uint8_t *r = atapi_room(u->ch, 34);

    ide_be16(r, 32);
    r[2] = 0x0e; /* complete disc, complete last session */
    r[3] = r[4] = r[5] = r[6] = 1;
    r[7] = 0x20; /* unrestricted use */
    memset(r + 16, 0xff, 8);
    atapi_send(u->ch, 34, (uint32_t)cdb[7] << 8 | cdb[8]);
}

void atapi_track_info(struct ide_unit *u, const uint8_t *cdb)
{
    uint8_t *r = atapi_room(u->ch, 36);
    uint32_t want = ide_get_be32(cdb + 2), n = atapi_blocks(u);
    bool ok;

    switch (cdb[1] & 3) {
    case 0:
        ok = want < n;
        break;
    case 1: /* track */
    case 2: /* session */
        ok = want == 1;
        break;
    default:
        ok = false;
        break;
    }
    if (!ok)
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
    ide_be16(r, 34);
    r[2] = r[3] = 1;
    r[5] = 0x04; /* data track, recorded uninterrupted */
    r[6] = 0x01; /* mode 1 */
    ide_be32(r + 24, n);
    atapi_send(u->ch, 36, (uint32_t)cdb[7] << 8 | cdb[8]);
}

static uint32_t dvd_physical(uint8_t *r, uint32_t n)
{
    r[4] = 0x01; /* DVD-ROM, part version 1 */
    r[5] = 0x0f; /* 120 mm, rate not specified */
    r[6] = 0x01; /* one layer, embossed */
    ide_be32(r + 8, 0x30000);
    ide_be32(r + 12, 0x30000 + n - 1);
    return 4 + 2048;
}

/* READ DVD STRUCTURE. */
void atapi_read_dvd(struct ide_unit *u, const uint8_t *cdb)
{
    static const uint8_t list[] = {0x00, 0x01, 0x04, 0xff};
    uint8_t *r = atapi_room(u->ch, 4 + 2048);
    uint32_t len, i;

    if (cdb[7] == 0xff && !cdb[6]) { /* what we can tell of any disc */
        for (i = 0; i < sizeof(list); i++) {
            r[4 + i * 4] = list[i];
            r[5 + i * 4] = 0x40; /* readable */
            ide_be16(r + 6 + i * 4, i == 0 || i == 2 ? 2052 : i == 1 ? 8 : 20);
        }
        len = 4 + sizeof(list) * 4;
    } else if (!ide_medium(u)) {
        return atapi_check(u->ch, SK_NOT_READY,
                           u->st->tray_open ? ASC_TRAY_OPEN : ASC_TRAY_CLOSED);
    } else if (!atapi_is_dvd(u)) {
        return atapi_check(u->ch, SK_ILLEGAL, ASC_CANNOT_READ);
    } else if (cdb[6]) { /* layer */
        return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
    } else {
        switch (cdb[7]) {
        case 0x00:
            len = dvd_physical(r, atapi_blocks(u));
            break;
        case 0x01: /* no copy protection, all regions */
            len = 8;
            break;
        case 0x04: /* manufacturing information: none */
            len = 4 + 2048;
            break;
        default:
            return atapi_check(u->ch, SK_ILLEGAL, ASC_BAD_CDB);
        }
    }
    ide_be16(r, len - 2);
    atapi_send(u->ch, len, (uint32_t)cdb[8] << 8 | cdb[9]);
}
