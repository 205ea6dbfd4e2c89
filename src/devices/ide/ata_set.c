/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ATA commands that set or tell parameters: features, translation, block
 * size, native size, power. Source: ATA/ATAPI-6 clause 8.
 */
#include "priv.h"

/* The translation a BIOS expects: 16 heads, 63 sectors (ATA-6 annex B). */
void ata_default_chs(struct ide_unit *u)
{
    uint64_t cyls = u->st->max_sectors / (16u * 63u);

    if (cyls > 16383)
        cyls = 16383;
    u->st->cyls = (uint16_t)(cyls ? cyls : 1);
    u->st->heads = 16;
    u->st->spt = 63;
}

void ata_init_params(struct ide_unit *u)
{
    struct ide_unit_state *s = u->st;
    uint8_t heads = (uint8_t)((s->device & DEV_HEAD) + 1), spt = s->nsect;
    uint64_t cyls;

    /* No sectors: refused, the old translation stays. */
    if (!spt)
        return ata_fail(u->ch, ER_ABRT);
    cyls = s->max_sectors / ((uint32_t)heads * spt);
    if (cyls > 65535)
        cyls = 65535;
    s->cyls = (uint16_t)(cyls ? cyls : 1);
    s->heads = heads;
    s->spt = spt;
    ata_ok(u->ch);
}

void ata_set_multi(struct ide_unit *u)
{
    uint8_t n = u->st->nsect;

    if (n > IDE_MULTI || (n & (n - 1)))
        return ata_fail(u->ch, ER_ABRT);
    u->st->multi = n;
    ata_ok(u->ch);
}

static bool set_mode(struct ide_unit_state *s, uint8_t mode)
{
    if (mode <= 0x01)
        return true; /* PIO default */
    if (mode >= 0x08 && mode <= 0x0c)
        return true; /* PIO flow control: costs nothing here */
    if ((mode >= 0x20 && mode <= 0x22) || (mode >= 0x40 && mode <= 0x45)) {
        s->xfer_mode = mode;
        return true;
    }
    return false;
}

void ata_set_features(struct ide_unit *u)
{
    struct ide_unit_state *s = u->st;
    bool disk = u->kind == KIND_DISK;

    switch (s->feature) {
    case 0x03:
        if (!set_mode(s, s->nsect))
            return ata_fail(u->ch, ER_ABRT);
        break;
    case 0x02:
        if (!disk)
            return ata_fail(u->ch, ER_ABRT);
        s->wcache = 1;
        break;
    case 0x82:
        if (!disk)
            return ata_fail(u->ch, ER_ABRT);
        s->wcache = 0;
        if (u->blk && !u->blk->read_only)
            return ide_busy(u->ch, PH_FLUSH);
        break;
    case 0x55:
    case 0xaa:
        if (!disk)
            return ata_fail(u->ch, ER_ABRT);
        s->readahead = s->feature == 0xaa;
        break;
    case 0x66: /* settings survive a soft reset anyway */
    case 0xcc:
        break;
    default:
        return ata_fail(u->ch, ER_ABRT);
    }
    ata_ok(u->ch);
}

void ata_read_native(struct ide_unit *u)
{
    uint64_t n = ide_sectors(u), most;

    if (u->ch->st->ext)
        most = UINT64_C(1) << 48;
    else if (u->st->device & DEV_LBA)
        most = 1u << 28;
    else
        most = (uint64_t)u->st->cyls * u->st->heads * u->st->spt;
    if (n > most)
        n = most;
    ata_put_lba(u->ch, n ? n - 1 : 0);
    u->st->native_cmd = u->ch->st->cmd;
    ata_ok(u->ch);
}

/* Volatile and not: both last until the power-on of the machine. */
void ata_set_max(struct ide_unit *u)
{
    struct ide_unit_state *s = u->st;
    uint8_t want = u->ch->st->ext ? CMD_READ_NATIVE_EXT : CMD_READ_NATIVE;
    uint8_t native = s->native_cmd;
    uint64_t max;

    s->native_cmd = 0;
    if (native != want || (!u->ch->st->ext && s->feature))
        return ata_fail(u->ch, ER_ABRT);
    if (u->ch->st->ext)
        max = (uint64_t)s->hob_lbah << 40 | (uint64_t)s->hob_lbam << 32 |
              (uint64_t)s->hob_lbal << 24 | (uint32_t)s->lbah << 16 |
              (uint32_t)s->lbam << 8 | s->lbal;
    else if (s->device & DEV_LBA)
        max = (uint32_t)(s->device & DEV_HEAD) << 24 | (uint32_t)s->lbah << 16 |
              (uint32_t)s->lbam << 8 | s->lbal;
    else if (s->lbal && s->lbal <= s->spt)
        max = (((uint64_t)s->lbah << 8 | s->lbam) * s->heads +
               (s->device & DEV_HEAD)) *
                  s->spt +
              s->lbal - 1u;
    else
        return ata_fail(u->ch, ER_IDNF);
    if (max >= ide_sectors(u))
        return ata_fail(u->ch, ER_IDNF);
    s->max_sectors = max + 1;
    ata_default_chs(u);
    ata_ok(u->ch);
}

void ata_idle(struct ide_unit *u)
{
    u->st->power = PW_IDLE;
    ata_ok(u->ch);
}

void ata_check_power(struct ide_unit *u)
{
    static const uint8_t code[] = {
        [PW_ACTIVE] = 0xff,
        [PW_IDLE] = 0x80,
        [PW_STANDBY] = 0x00,
        [PW_SLEEP] = 0x00,
    };

    u->st->nsect = code[u->st->power & 3];
    ata_ok(u->ch);
}
