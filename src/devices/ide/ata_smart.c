/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMART: attributes, error and self-test logs. The attributes tell what an
 * emulated disk has: hours, power cycles and errors of its image. Source:
 * ATA8-ACS 7.52 and annex A; attribute layout of SFF-8035i.
 */
#include "priv.h"

#define NS_PER_HOUR (3600u * NS_PER_S)

struct smart_attr {
    uint8_t id, flags, threshold;
};

static const struct smart_attr smart_attrs[] = {
    {0x01, 0x0b, 6},  /* read error rate: pre-fail, online */
    {0x03, 0x03, 0},  /* spin-up time */
    {0x05, 0x33, 36}, /* reallocated sectors */
    {0x09, 0x32, 0},  /* power-on hours */
    {0x0c, 0x32, 20}, /* power cycles */
    {0xbe, 0x22, 45}, /* temperature */
    {0xc5, 0x12, 0},  /* pending sectors */
    {0xc7, 0x3e, 0},  /* interface CRC errors */
};

#define SMART_ATTRS (sizeof(smart_attrs) / sizeof(smart_attrs[0]))

static unsigned smart_hours(const struct ide_unit *u)
{
    return (unsigned)(clock_now(u->ide->dev.env.clock) / NS_PER_HOUR & 0xffff);
}

static void smart_checksum(uint8_t *p)
{
    uint8_t sum = 0;
    unsigned i;

    for (i = 0; i < SECTOR - 1; i++)
        sum = (uint8_t)(sum + p[i]);
    p[SECTOR - 1] = (uint8_t)-sum;
}

static void smart_reply(struct ide_unit *u)
{
    smart_checksum(u->ch->st->buf);
    ata_reply(u->ch, SECTOR);
}

static unsigned smart_raw(const struct ide_unit *u, uint8_t id)
{
    switch (id) {
    case 0x01:
        return u->st->err_count;
    case 0x09:
        return smart_hours(u);
    case 0x0c:
        return 1;
    case 0xbe:
        return 31;
    default:
        return 0;
    }
}

static void smart_data(struct ide_unit *u)
{
    uint8_t *p = u->ch->st->buf, *test;
    unsigned i, last;

    memset(p, 0, SECTOR);
    ide_le16(p, 0x0010);
    for (i = 0; i < SMART_ATTRS; i++) {
        const struct smart_attr *a = &smart_attrs[i];
        uint8_t *e = p + 2 + i * 12;

        e[0] = a->id;
        e[1] = a->flags;
        e[3] = e[4] = a->id == 0xbe ? 69 : 100;
        ide_le16(e + 5, smart_raw(u, a->id));
    }
    p[362] = u->st->auto_offline ? 0x82 : 0x02;
    last = (u->st->test_next + SMART_TESTS - 1u) % SMART_TESTS;
    test = u->st->test_log + last * 8;
    p[363] = test[0] ? test[1] : 0;
    ide_le16(p + 364, 1);
    p[367] = 0x13; /* off-line, automatic off-line, self-tests */
    ide_le16(p + 368, 0x0003);
    p[370] = 1; /* error log */
    p[372] = 1; /* minutes of a short test */
    p[373] = 1;
    smart_reply(u);
}

static void smart_thresholds(struct ide_unit *u)
{
    uint8_t *p = u->ch->st->buf;
    unsigned i;

    memset(p, 0, SECTOR);
    ide_le16(p, 0x0010);
    for (i = 0; i < SMART_ATTRS; i++) {
        p[2 + i * 12] = smart_attrs[i].id;
        p[3 + i * 12] = smart_attrs[i].threshold;
    }
    smart_reply(u);
}

/* Keeps the registers of a failed command, the oldest of five gives way. */
void ata_smart_error(struct ide_chan *ch)
{
    struct ide_unit *u = ide_cmd_unit(ch);
    struct ide_unit_state *s = u->st;
    uint8_t *e = s->err_log + s->err_next % SMART_ERRORS * 16u;

    if (!s->smart)
        return;
    memset(e, 0, 16);
    e[0] = ch->st->cmd;
    e[1] = s->feature;
    e[2] = s->nsect;
    e[3] = s->lbal;
    e[4] = s->lbam;
    e[5] = s->lbah;
    e[6] = s->device;
    e[7] = s->error;
    e[8] = s->status;
    ide_le16(e + 9, smart_hours(u));
    e[11] = 1; /* in use */
    s->err_next = (uint8_t)((s->err_next + 1u) % SMART_ERRORS);
    if (s->err_count < 0xffff)
        s->err_count++;
}

static void smart_error_log(struct ide_unit *u)
{
    const struct ide_unit_state *s = u->st;
    uint8_t *p = u->ch->st->buf;
    unsigned i;

    memset(p, 0, SECTOR);
    p[0] = 1;
    if (s->err_count)
        p[1] = (uint8_t)((s->err_next + SMART_ERRORS - 1u) % SMART_ERRORS + 1);
    for (i = 0; i < SMART_ERRORS; i++) {
        const uint8_t *e = s->err_log + i * 16;
        uint8_t *cmd = p + 2 + i * 90 + 48, *err = p + 2 + i * 90 + 60;

        if (!e[11])
            continue;
        cmd[1] = e[1];
        memcpy(cmd + 2, e + 2, 5);
        cmd[7] = e[0];
        err[1] = e[7];
        memcpy(err + 2, e + 2, 5);
        err[7] = e[8];
        err[27] = 0x03; /* active or idle */
        err[28] = e[9];
        err[29] = e[10];
    }
    ide_le16(p + 452, s->err_count);
    smart_reply(u);
}

static void smart_test_log(struct ide_unit *u)
{
    const struct ide_unit_state *s = u->st;
    uint8_t *p = u->ch->st->buf;
    unsigned i;
    bool any = false;

    memset(p, 0, SECTOR);
    ide_le16(p, 0x0001);
    for (i = 0; i < SMART_TESTS; i++) {
        const uint8_t *t = s->test_log + i * 8;
        uint8_t *d = p + 2 + i * 24;

        if (!t[0])
            continue;
        any = true;
        d[0] = t[0] & 0x7f ? t[0] : 0;
        d[1] = t[1];
        d[2] = t[2];
        d[3] = t[3];
        memcpy(d + 5, t + 4, 4);
    }
    if (any)
        p[508] = (uint8_t)((s->test_next + SMART_TESTS - 1u) % SMART_TESTS + 1);
    smart_reply(u);
}

static void smart_read_log(struct ide_unit *u)
{
    uint8_t *p = u->ch->st->buf;

    if (u->st->nsect != 1)
        return ata_fail(u->ch, ER_ABRT);
    switch (u->st->lbal) {
    case 0x00: /* directory: sectors of each log */
        memset(p, 0, SECTOR);
        ide_le16(p, 1);
        p[1 * 2] = 1;
        p[6 * 2] = 1;
        ata_reply(u->ch, SECTOR);
        break;
    case 0x01:
        smart_error_log(u);
        break;
    case 0x06:
        smart_test_log(u);
        break;
    default:
        ata_fail(u->ch, ER_ABRT);
        break;
    }
}

/*
 * A self-test reads the first sectors of the disk, at once: when the command
 * ends, so has the test, and its result is in the log.
 */
static void smart_offline(struct ide_unit *u)
{
    struct ide_chan_state *st = u->ch->st;

    switch (u->st->lbal) {
    case 0x00: /* off-line collection: nothing to collect */
    case 0x7f: /* abort: none is running */
        ata_ok(u->ch);
        break;
    case 0x01:
    case 0x02:
    case 0x81:
    case 0x82:
        st->op = OP_VERIFY;
        st->off = 0;
        st->left = u->st->max_sectors * SECTOR;
        if (st->left > IDE_CHUNK)
            st->left = IDE_CHUNK;
        st->pos = st->end = st->fill = 0;
        ide_data_phase(u->ch);
        break;
    default:
        ata_fail(u->ch, ER_ABRT);
        break;
    }
}

void ata_smart_test_end(struct ide_chan *ch, bool ok, uint64_t lba)
{
    struct ide_unit *u = ide_cmd_unit(ch);
    struct ide_unit_state *s = u->st;
    uint8_t *t = s->test_log + s->test_next % SMART_TESTS * 8u;

    t[0] = s->lbal;
    t[1] = ok ? 0x00 : 0x70; /* completed; or failed reading */
    ide_le16(t + 2, smart_hours(u));
    ide_le16(t + 4, ok ? 0xffff : (unsigned)(lba & 0xffff));
    ide_le16(t + 6, ok ? 0xffff : (unsigned)(lba >> 16 & 0xffff));
    s->test_next = (uint8_t)((s->test_next + 1u) % SMART_TESTS);
    if (!ok && (s->lbal & 0x80)) { /* captive: the command tells it */
        s->lbam = 0xf4;
        s->lbah = 0x2c;
        ata_fail(ch, ER_ABRT);
        return;
    }
    ata_ok(ch);
}

void ata_smart(struct ide_unit *u)
{
    struct ide_unit_state *s = u->st;

    if (s->lbam != 0x4f || s->lbah != 0xc2 ||
        (!s->smart && s->feature != SMART_ENABLE))
        return ata_fail(u->ch, ER_ABRT);
    switch (s->feature) {
    case SMART_READ_DATA:
        return smart_data(u);
    case SMART_READ_THRESHOLDS:
        return smart_thresholds(u);
    case SMART_READ_LOG:
        return smart_read_log(u);
    case SMART_OFFLINE:
        return smart_offline(u);
    case SMART_AUTOSAVE:
        if (s->nsect != 0 && s->nsect != 0xf1)
            return ata_fail(u->ch, ER_ABRT);
        s->autosave = s->nsect == 0xf1;
        break;
    case SMART_AUTO_OFFLINE:
        if (s->nsect != 0 && s->nsect != 0xf8)
            return ata_fail(u->ch, ER_ABRT);
        s->auto_offline = s->nsect == 0xf8;
        break;
    case SMART_ENABLE:
        s->smart = 1;
        break;
    case SMART_DISABLE:
        s->smart = 0;
        break;
    case SMART_SAVE:
    case SMART_STATUS: /* no threshold exceeded: 4f, c2 stay */
        break;
    default:
        return ata_fail(u->ch, ER_ABRT);
    }
    ata_ok(u->ch);
}
