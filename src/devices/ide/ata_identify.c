/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IDENTIFY (PACKET) DEVICE. Source: ATA8-ACS 7.16, 7.17. */
#include "priv.h"

static void put(uint8_t *id, unsigned word, unsigned v)
{
    ide_le16(id + word * 2, v);
}

static void put32(uint8_t *id, unsigned word, uint32_t v)
{
    put(id, word, v & 0xffff);
    put(id, word + 1, v >> 16);
}

/* ATA strings: blank padded, the first character in the high byte. */
static void put_text(uint8_t *id, unsigned word, unsigned words,
                     const char *text)
{
    size_t len = strlen(text), i;

    for (i = 0; i < words * 2u; i++)
        id[word * 2 + (i ^ 1)] = (uint8_t)(i < len ? text[i] : ' ');
}

/* Word 255: the bytes of all words sum up to zero. */
static void put_checksum(uint8_t *id)
{
    uint8_t sum = 0xa5;
    unsigned i;

    id[510] = 0xa5;
    for (i = 0; i < 510; i++)
        sum = (uint8_t)(sum + id[i]);
    id[511] = (uint8_t)-sum;
}

static void put_modes(uint8_t *id, const struct ide_unit *u)
{
    uint8_t mode = u->st->xfer_mode;
    bool second = u->n & 1;

    put(id, 53, u->kind == KIND_DISK ? 7 : 6);
    put(id, 63,
        0x07u | (mode >= 0x20 && mode <= 0x22 ? 0x100u << (mode - 0x20u) : 0));
    put(id, 64, 0x03); /* PIO modes 3 and 4 */
    put(id, 65, 120);
    put(id, 66, 120);
    put(id, 67, 120);
    put(id, 68, 120);
    put(id, 88,
        0x3fu | (mode >= 0x40 && mode <= 0x45 ? 0x100u << (mode - 0x40u) : 0));
    /* 80 wires; numbered by jumper; diagnostics passed */
    put(id, 93, second ? 0x6b00 : 0x600b);
}

static void put_disk_size(uint8_t *id, const struct ide_unit *u)
{
    uint64_t n = u->st->max_sectors, cyls = n / (16u * 63u);
    uint32_t chs = (uint32_t)u->st->cyls * u->st->heads * u->st->spt;
    uint32_t lba28 = n > 0x0fffffff ? 0x0fffffff : (uint32_t)n;

    put(id, 1, cyls > 16383 ? 16383 : cyls ? (unsigned)cyls : 1);
    put(id, 3, 16);
    put(id, 6, 63);
    put(id, 54, u->st->cyls);
    put(id, 55, u->st->heads);
    put(id, 56, u->st->spt);
    put32(id, 57, chs > n ? (uint32_t)n : chs);
    put32(id, 60, lba28);
    put32(id, 100, (uint32_t)n);
    put32(id, 102, (uint32_t)(n >> 32));
}

static void put_disk_features(uint8_t *id, const struct ide_unit *u)
{
    const struct ide_unit_state *s = u->st;
    unsigned on = 0x4408u; /* NOP, HPA, power management */

    put(id, 80, 0x01f0); /* ATA/ATAPI-4 to ATA8-ACS */
    put(id, 82, 0x4469); /* the above, look-ahead, write cache, SMART */
    put(id, 83, 0x7400); /* FLUSH, FLUSH EXT, 48 bits */
    put(id, 84, 0x4043); /* FUA, SMART self-test and error logs */
    if (s->smart)
        on |= 0x0001;
    if (s->wcache)
        on |= 0x0020;
    if (s->readahead)
        on |= 0x0040;
    put(id, 85, on);
    put(id, 86, 0x3400);
    put(id, 87, 0x4043);
}

void ata_identify(struct ide_unit *u)
{
    struct ide_chan *ch = u->ch;
    uint8_t *id = ch->st->buf;
    uint32_t phys = u->blk ? u->blk->phys_block_bytes : SECTOR;
    unsigned log = 0;

    memset(id, 0, SECTOR);
    put(id, 0, 0x0040);
    put(id, 2, 0xc837); /* no SET FEATURES needed to spin up */
    put_text(id, 10, 10, u->serial);
    put_text(id, 23, 4, u->firmware);
    put_text(id, 27, 20, "HVMD HARDDISK");
    put(id, 47, 0x8000 | IDE_MULTI);
    put(id, 48, 1);      /* 32-bit data port */
    put(id, 49, 0x2f00); /* LBA, DMA, IORDY, standard standby timer */
    put(id, 50, 0x4000);
    put(id, 51, 0x0200);
    put(id, 52, 0x0200);
    if (u->st->multi)
        put(id, 59, 0x0100u | u->st->multi);
    put_modes(id, u);
    put_disk_size(id, u);
    put_disk_features(id, u);
    while (log < 15 && SECTOR << (log + 1) <= phys)
        log++;
    if (log)
        put(id, 106, 0x6000 | log);
    else
        put(id, 106, 0x4000);
    put(id, 209, 0x4000); /* aligned at sector 0 */
    if (u->blk && u->blk->can_discard && !u->blk->read_only) {
        put(id, 105, TRIM_BLOCKS);
        put(id, 169, 1);
        put(id, 217, 1); /* does not rotate */
    }
    put_checksum(id);
    ata_reply(ch, SECTOR);
}

void ata_identify_packet(struct ide_unit *u)
{
    struct ide_chan *ch = u->ch;
    uint8_t *id = ch->st->buf;

    memset(id, 0, SECTOR);
    /* CD-ROM, removable, DRQ within 50 us of PACKET, 12-byte packets */
    put(id, 0, 0x85c0);
    put_text(id, 10, 10, u->serial);
    put_text(id, 23, 4, u->firmware);
    put_text(id, 27, 20, "HVMD DVD-ROM");
    put(id, 48, 1);
    put(id, 49, 0x0f00);
    put(id, 50, 0x4000);
    put(id, 51, 0x0200);
    put(id, 52, 0x0200);
    put_modes(id, u);
    put(id, 80, 0x00f0);
    put(id, 82, 0x4218); /* NOP, DEVICE RESET, PACKET, power management */
    put(id, 83, 0x4000);
    put(id, 84, 0x4000);
    put(id, 85, 0x4218);
    put(id, 87, 0x4000);
    put_checksum(id);
    ata_reply(ch, SECTOR);
}
