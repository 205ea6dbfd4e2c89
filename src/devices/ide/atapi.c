/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet commands: the PACKET protocol, sense data, unit attentions, and the
 * commands about drive and tray. A medium is a read-only image of 2048-byte
 * mode 1 sectors in one track. Source: ATA/ATAPI-6 9.8, 9.9; SPC-2; MMC-3.
 */
#include "priv.h"

#define F_MEDIUM 0x01u /* needs one */
#define F_ALWAYS 0x02u /* runs in spite of a unit attention */
#define F_DATA   0x04u /* may transfer data: the byte count must not be 0 */

struct mmc_cmd {
    uint8_t opcode, flags;
    void (*run)(struct ide_unit *, const uint8_t *cdb);
};

/* Above 99 minutes nothing is a CD any more. */
#define CD_MOST_BLOCKS (99u * 60u * 75u)

uint32_t atapi_blocks(const struct ide_unit *u)
{
    uint64_t n = ide_medium(u) ? u->blk->size_bytes / CD_SECTOR : 0;

    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

bool atapi_is_dvd(const struct ide_unit *u)
{
    return atapi_blocks(u) > CD_MOST_BLOCKS;
}

void atapi_msf(uint8_t out[3], uint32_t lba)
{
    uint32_t frames = lba + 150;

    out[0] = (uint8_t)(frames / 75 / 60);
    out[1] = (uint8_t)(frames / 75 % 60);
    out[2] = (uint8_t)(frames % 75);
}

void atapi_ok(struct ide_chan *ch)
{
    struct ide_unit_state *s = ide_cmd_unit(ch)->st;

    s->status = ST_OK;
    s->error = 0;
    s->nsect = IR_COD | IR_IO;
    ide_end(ch, true);
}

void atapi_check(struct ide_chan *ch, uint8_t key, unsigned asc)
{
    struct ide_unit_state *s = ide_cmd_unit(ch)->st;

    s->sense_key = key;
    s->asc = (uint8_t)(asc >> 8);
    s->ascq = (uint8_t)asc;
    s->status = ST_OK | ST_ERR;
    s->error = (uint8_t)(key << 4 | ER_ABRT);
    s->nsect = IR_COD | IR_IO;
    ide_end(ch, true);
}

static void atapi_illegal(struct ide_unit *u, unsigned asc)
{
    atapi_check(u->ch, SK_ILLEGAL, asc);
}

static unsigned atapi_why_empty(const struct ide_unit *u)
{
    return u->st->tray_open ? ASC_TRAY_OPEN : ASC_TRAY_CLOSED;
}

/* The medium went while a command was using it. */
void atapi_lost(struct ide_chan *ch)
{
    ch->st->lost = 0;
    atapi_check(ch, SK_NOT_READY, atapi_why_empty(ide_cmd_unit(ch)));
}

uint8_t *atapi_room(struct ide_chan *ch, uint32_t n)
{
    memset(ch->st->buf, 0, n);
    return ch->st->buf;
}

void atapi_send(struct ide_chan *ch, uint32_t len, uint32_t alloc)
{
    struct ide_chan_state *st = ch->st;

    if (len > alloc)
        len = alloc;
    if (!len)
        return atapi_ok(ch);
    st->op = OP_REPLY;
    st->pos = st->end = 0;
    st->fill = len;
    st->left = 0;
    ide_data_phase(ch);
}

static void mmc_test_unit_ready(struct ide_unit *u, const uint8_t *cdb)
{
    atapi_ok(u->ch);
}

static unsigned atapi_take_attention(struct ide_unit_state *s)
{
    if (s->ua & UA_POWER_ON) {
        s->ua &= (uint8_t)~UA_POWER_ON;
        return ASC_POWER_ON;
    }
    s->ua = 0;
    return ASC_MEDIUM_CHANGED;
}

static void mmc_request_sense(struct ide_unit *u, const uint8_t *cdb)
{
    struct ide_unit_state *s = u->st;
    uint8_t *r = atapi_room(u->ch, 18);

    if (s->sense_key == SK_NONE && s->ua) {
        unsigned asc = atapi_take_attention(s);

        s->sense_key = SK_ATTENTION;
        s->asc = (uint8_t)(asc >> 8);
        s->ascq = (uint8_t)asc;
    }
    r[0] = s->sense_info ? 0xf0 : 0x70;
    r[2] = s->sense_key;
    if (s->sense_info)
        ide_be32(r + 3, s->sense_lba);
    r[7] = 10;
    r[12] = s->asc;
    r[13] = s->ascq;
    s->sense_key = s->asc = s->ascq = s->sense_info = 0;
    s->sense_lba = 0;
    atapi_send(u->ch, 18, cdb[4]);
}

static void put_text(uint8_t *p, const char *text, size_t n)
{
    size_t len = strlen(text);

    memset(p, ' ', n);
    memcpy(p, text, len < n ? len : n);
}

static void mmc_inquiry(struct ide_unit *u, const uint8_t *cdb)
{
    uint8_t *r = atapi_room(u->ch, 64);
    uint32_t len = 36;

    if (cdb[1] & 1) { /* vital product data */
        r[0] = 0x05;
        r[1] = cdb[2];
        switch (cdb[2]) {
        case 0x00:
            r[3] = 3;
            r[5] = 0x80;
            r[6] = 0x83;
            len = 7;
            break;
        case 0x80:
            r[3] = 20;
            put_text(r + 4, u->serial, 20);
            len = 24;
            break;
        case 0x83: /* vendor specific identifier, ASCII */
            r[3] = 24;
            r[4] = 2;
            r[7] = 20;
            put_text(r + 8, u->serial, 20);
            len = 28;
            break;
        default:
            return atapi_illegal(u, ASC_BAD_CDB);
        }
    } else {
        if (cdb[2])
            return atapi_illegal(u, ASC_BAD_CDB);
        r[0] = 0x05; /* CD-ROM */
        r[1] = 0x80; /* removable */
        r[3] = 0x21; /* ATAPI, response format of SFF-8020i */
        r[4] = 31;
        put_text(r + 8, "HVMD", 8);
        put_text(r + 16, "HVMD DVD-ROM", 16);
        put_text(r + 32, "1.0", 4);
    }
    atapi_send(u->ch, len, (uint32_t)cdb[3] << 8 | cdb[4]);
}

static void mmc_start_stop(struct ide_unit *u, const uint8_t *cdb)
{
    struct ide_unit_state *s = u->st;
    bool start = cdb[4] & 1, loej = cdb[4] & 2;

    if (cdb[4] & 0xf0) /* a power condition: nothing to do */
        return atapi_ok(u->ch);
    if (loej && !start) {
        if (s->locked && !s->tray_open)
            return atapi_illegal(u, ASC_LOCKED);
        if (!s->tray_open) {
            s->ua &= (uint8_t)~UA_MEDIUM;
            s->event = EV_REMOVAL;
            ide_move_tray(u, true);
        }
    } else if (loej) {
        if (s->tray_open) {
            ide_move_tray(u, false);
            if (u->blk) {
                s->ua |= UA_MEDIUM;
                s->event = EV_NEW_MEDIA;
            }
        }
    } else if (start && !ide_medium(u)) {
        return atapi_check(u->ch, SK_NOT_READY, atapi_why_empty(u));
    }
    atapi_ok(u->ch);
}

static void mmc_prevent_allow(struct ide_unit *u, const uint8_t *cdb)
{
    u->st->locked = cdb[4] & 1;
    atapi_ok(u->ch);
}

static void mmc_read_capacity(struct ide_unit *u, const uint8_t *cdb)
{
    uint8_t *r = atapi_room(u->ch, 8);
    uint32_t n = atapi_blocks(u);

    ide_be32(r, n ? n - 1 : 0);
    ide_be32(r + 4, CD_SECTOR);
    atapi_send(u->ch, 8, 8);
}

static void mmc_seek(struct ide_unit *u, const uint8_t *cdb)
{
    if (ide_get_be32(cdb + 2) >= atapi_blocks(u))
        return atapi_illegal(u, ASC_BAD_LBA);
    atapi_ok(u->ch);
}

static void mmc_verify(struct ide_unit *u, const uint8_t *cdb)
{
    uint32_t lba = ide_get_be32(cdb + 2), n = atapi_blocks(u);
    uint32_t count = (uint32_t)cdb[7] << 8 | cdb[8];

    if (lba > n || count > n - lba)
        return atapi_illegal(u, ASC_BAD_LBA);
    atapi_ok(u->ch);
}

static void mmc_accept(struct ide_unit *u, const uint8_t *cdb)
{
    atapi_ok(u->ch);
}

static void mmc_get_event(struct ide_unit *u, const uint8_t *cdb)
{
    uint8_t *r = atapi_room(u->ch, 8);
    uint32_t len = 4, alloc = (uint32_t)cdb[7] << 8 | cdb[8];

    if (!(cdb[1] & 1)) /* only polling */
        return atapi_illegal(u, ASC_BAD_CDB);
    r[3] = 0x10; /* the classes we have: media */
    if (cdb[4] & 0x10) {
        r[1] = 6;
        r[2] = 0x04;
        r[4] = u->st->event;
        r[5] = (uint8_t)((u->st->tray_open ? 1 : 0) | (ide_medium(u) ? 2 : 0));
        if (alloc > 4) /* the header alone tells of no event */
            u->st->event = EV_NONE;
        len = 8;
    } else {
        r[1] = 2;
        r[2] = 0x80; /* no such event */
    }
    atapi_send(u->ch, len, alloc);
}

static void mmc_mechanism_status(struct ide_unit *u, const uint8_t *cdb)
{
    uint8_t *r = atapi_room(u->ch, 8);

    r[1] = u->st->tray_open ? 0x10 : 0;
    atapi_send(u->ch, 8, (uint32_t)cdb[8] << 8 | cdb[9]);
}

static void mmc_buffer_capacity(struct ide_unit *u, const uint8_t *cdb)
{
    uint8_t *r = atapi_room(u->ch, 12);

    ide_be16(r, 10);
    ide_be32(r + 4, IDE_CHUNK);
    ide_be32(r + 8, IDE_CHUNK);
    atapi_send(u->ch, 12, (uint32_t)cdb[7] << 8 | cdb[8]);
}

static const struct mmc_cmd mmc_cmds[] = {
    {MMC_TEST_UNIT_READY, F_MEDIUM, mmc_test_unit_ready},
    {MMC_REQUEST_SENSE, F_ALWAYS | F_DATA, mmc_request_sense},
    {MMC_INQUIRY, F_ALWAYS | F_DATA, mmc_inquiry},
    {MMC_MODE_SELECT_6, F_DATA, atapi_mode_select},
    {MMC_MODE_SENSE_6, F_DATA, atapi_mode_sense},
    {MMC_START_STOP, 0, mmc_start_stop},
    {MMC_PREVENT_ALLOW, 0, mmc_prevent_allow},
    {MMC_READ_CAPACITY, F_MEDIUM | F_DATA, mmc_read_capacity},
    {MMC_READ_10, F_MEDIUM | F_DATA, atapi_read_10},
    {MMC_SEEK, F_MEDIUM, mmc_seek},
    {MMC_VERIFY, F_MEDIUM, mmc_verify},
    {MMC_SYNC_CACHE, 0, mmc_accept},
    {MMC_READ_SUBCHANNEL, F_MEDIUM | F_DATA, atapi_subchannel},
    {MMC_READ_TOC, F_MEDIUM | F_DATA, atapi_read_toc},
    {MMC_GET_CONFIGURATION, F_ALWAYS | F_DATA, atapi_get_config},
    {MMC_GET_EVENT, F_ALWAYS | F_DATA, mmc_get_event},
    {MMC_DISC_INFO, F_MEDIUM | F_DATA, atapi_disc_info},
    {MMC_TRACK_INFO, F_MEDIUM | F_DATA, atapi_track_info},
    {MMC_MODE_SELECT_10, F_DATA, atapi_mode_select},
    {MMC_MODE_SENSE_10, F_DATA, atapi_mode_sense},
    {MMC_BUFFER_CAPACITY, F_DATA, mmc_buffer_capacity},
    {MMC_READ_12, F_MEDIUM | F_DATA, atapi_read_12},
    {MMC_READ_DVD, F_DATA, atapi_read_dvd},
    {MMC_READ_CD_MSF, F_MEDIUM | F_DATA, atapi_read_cd_msf},
    {MMC_SET_SPEED, 0, mmc_accept},
    {MMC_MECHANISM_STATUS, F_DATA, mmc_mechanism_status},
    {MMC_READ_CD, F_MEDIUM | F_DATA, atapi_read_cd},
};

static const struct mmc_cmd *mmc_find(uint8_t opcode)
{
    size_t i;

    for (i = 0; i < sizeof(mmc_cmds) / sizeof(mmc_cmds[0]); i++)
        if (mmc_cmds[i].opcode == opcode)
            return &mmc_cmds[i];
    return NULL;
}

/* The packet has come. */
void atapi_cdb(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    struct ide_unit *u = ide_cmd_unit(ch);
    struct ide_unit_state *s = u->st;
    const struct mmc_cmd *c;

    memcpy(s->cdb, st->buf, sizeof(s->cdb));
    st->op = OP_NONE;
    st->dma = s->feature & 1;
    st->block = (uint32_t)s->lbah << 8 | s->lbam;
    c = mmc_find(s->cdb[0]);
    if (s->cdb[0] != MMC_REQUEST_SENSE) {
        s->sense_key = s->asc = s->ascq = s->sense_info = 0;
        s->sense_lba = 0;
    }
    if (s->ua && !(c && (c->flags & F_ALWAYS)) && ide_medium(u))
        return atapi_check(ch, SK_ATTENTION, atapi_take_attention(s));
    if (s->ua & UA_POWER_ON && !(c && (c->flags & F_ALWAYS))) {
        s->ua &= (uint8_t)~UA_POWER_ON;
        return atapi_check(ch, SK_ATTENTION, ASC_POWER_ON);
    }
    if (!c)
        return atapi_illegal(u, ASC_BAD_OPCODE);
    if ((c->flags & F_MEDIUM) && !ide_medium(u))
        return atapi_check(ch, SK_NOT_READY, atapi_why_empty(u));
    if ((c->flags & F_DATA) && !st->dma && !st->block)
        return atapi_illegal(u, ASC_BAD_CDB);
    c->run(u, s->cdb);
}

void atapi_packet(struct ide_unit *u)
{
    struct ide_chan_state *st = u->ch->st;

    if (u->st->feature & 2) /* overlap */
        return ata_fail(u->ch, ER_ABRT);
    st->op = OP_CDB;
    st->pos = st->end = 0;
    st->fill = sizeof(u->st->cdb);
    st->left = 0;
    ide_data_phase(u->ch);
}

void atapi_param(struct ide_chan *ch)
{
    atapi_mode_param(ch);
}

void atapi_power_on(struct ide_unit *u)
{
    u->st->xfer_mode = 0x45;
    u->st->ua = UA_POWER_ON;
}
