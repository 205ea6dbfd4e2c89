/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions shared by the files of the IDE function; see priv.h for terms,
 * units, ownership and thread. None fails towards the guest but by status.
 */
#ifndef IDE_FUNCS_H
#define IDE_FUNCS_H

/* log ids */
enum { IDE_LOG_IO, IDE_LOG_MISUSE, IDE_LOG_PRD };

extern const struct state_desc ide_state_desc;
extern const struct io_ops ide_port_ops, ide_ctl_ops, ide_bm_ops;

static inline uint32_t ide_min(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

static inline bool ide_present(const struct ide_unit *u)
{
    return u->kind != KIND_NONE && !u->st->detached;
}

/* The unit whose command the channel runs. */
static inline struct ide_unit *ide_cmd_unit(struct ide_chan *ch)
{
    return &ch->ide->unit[ch->n * 2u + (ch->st->unit & 1u)];
}

static inline bool ide_is_busy(const struct ide_chan *ch)
{
    return ch->st->phase >= PH_FETCH;
}

/* A medium that can be read. */
static inline bool ide_medium(const struct ide_unit *u)
{
    return u->blk && !u->st->tray_open;
}

static inline uint64_t ide_sectors(const struct ide_unit *u)
{
    return u->blk ? u->blk->size_bytes / SECTOR : 0;
}

static inline void ide_le16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void ide_be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void ide_be32(uint8_t *p, uint32_t v)
{
    ide_be16(p, v >> 16);
    ide_be16(p + 2, v & 0xffff);
}

static inline uint32_t ide_get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

/* chan.c */
void ide_chan_update_irq(struct ide_chan *);
void ide_raise(struct ide_unit *);
void ide_signature(struct ide_unit *);
void ide_reset_begin(struct ide_chan *, unsigned mask);
void ide_reset_end(struct ide_chan *);
/* The command is over; status and registers are the caller's. */
void ide_end(struct ide_chan *, bool irq);
/* A phase in which the unit shows BSY. */
void ide_busy(struct ide_chan *, enum ide_phase);

/* pio.c */
void ide_pio_in(struct ide_chan *);
void ide_pio_out(struct ide_chan *, bool irq);
uint32_t ide_data_read(struct ide_chan *, unsigned size);
void ide_data_write(struct ide_chan *, unsigned size, uint32_t val);
size_t ide_data_rep(struct ide_chan *, unsigned size, bool wr, uint8_t *buf,
                    size_t n);
/* Bytes for the guest that are not in buf yet. */
uint64_t ide_to_come(const struct ide_chan *);

/* run.c */
void ide_run(struct ide_chan *);
void ide_submit(struct ide_chan *, enum blk_op, uint64_t off, uint64_t len,
                unsigned niov);
void ide_chan_fire(void *ch);
void ide_detach_go(struct ide_unit *);
/* Data phase of a command: DMA or PIO, to or from the guest. */
void ide_data_phase(struct ide_chan *);
/* An error of the back end at byte off of the medium. */
void ide_medium_error(struct ide_chan *, int err, uint64_t off);
void ide_write_end(struct ide_chan *);

/* bmdma.c */
void ide_bm_start_wait(struct ide_chan *);
void ide_bm_step(struct ide_chan *);
void ide_bm_io_end(struct ide_chan *, int err);
void ide_bm_done(struct ide_chan *);
void ide_bm_reset(struct ide_chan *);
void ide_unpin(struct ide_chan *);

/* ata.c */
void ata_command(struct ide_unit *, uint8_t cmd);
void ata_ok(struct ide_chan *);
void ata_fail(struct ide_chan *, uint8_t error);
void ata_fail_lba(struct ide_chan *, uint8_t error, uint64_t lba);
void ata_reply(struct ide_chan *, uint32_t bytes);
void ata_put_lba(struct ide_chan *, uint64_t lba);
void ata_power_on(struct ide_unit *);
void ata_flush_end(struct ide_chan *);
void ata_verify_end(struct ide_chan *);
void ata_param(struct ide_chan *);
bool ata_chs_valid(const struct ide_unit *);
/* ata_set.c */
void ata_set_features(struct ide_unit *);
void ata_set_multi(struct ide_unit *);
void ata_init_params(struct ide_unit *);
void ata_read_native(struct ide_unit *);
void ata_set_max(struct ide_unit *);
void ata_standby(struct ide_unit *);
void ata_idle(struct ide_unit *);
void ata_check_power(struct ide_unit *);
void ata_default_chs(struct ide_unit *);
/* ata_identify.c */
void ata_identify(struct ide_unit *);
void ata_identify_packet(struct ide_unit *);
/* ata_smart.c */
void ata_smart(struct ide_unit *);
void ata_smart_test_end(struct ide_chan *, bool ok, uint64_t lba);
void ata_smart_error(struct ide_chan *);
/* ata_trim.c */
void ata_dsm(struct ide_unit *);
void ata_dsm_param(struct ide_chan *);
void ata_trim_step(struct ide_chan *);

/* atapi.c */
void atapi_packet(struct ide_unit *);
void atapi_cdb(struct ide_chan *);
void atapi_ok(struct ide_chan *);
void atapi_check(struct ide_chan *, uint8_t key, unsigned asc);
void atapi_lost(struct ide_chan *);
/* Zeroed room for a reply of at most n bytes (rule R12). */
uint8_t *atapi_room(struct ide_chan *, uint32_t n);
void atapi_send(struct ide_chan *, uint32_t len, uint32_t alloc);
void atapi_param(struct ide_chan *);
void atapi_power_on(struct ide_unit *);
uint32_t atapi_blocks(const struct ide_unit *);
bool atapi_is_dvd(const struct ide_unit *);
void atapi_msf(uint8_t out[3], uint32_t lba);
/* Moves the tray, if it is elsewhere, and tells the machine. */
void ide_move_tray(struct ide_unit *, bool open);
/* atapi_read.c */
void atapi_read_10(struct ide_unit *, const uint8_t *cdb);
void atapi_read_12(struct ide_unit *, const uint8_t *cdb);
void atapi_read_cd(struct ide_unit *, const uint8_t *cdb);
void atapi_read_cd_msf(struct ide_unit *, const uint8_t *cdb);
uint32_t atapi_raw_bytes(uint8_t fields); /* of one sector */
void atapi_raw_expand(struct ide_chan *, uint32_t sectors);
/* cd_ecc.c: a mode 1 sector around its 2048 bytes at out + 16 */
void cd_mode1_sector(uint8_t out[RAW_SECTOR], uint32_t lba);
/* atapi_toc.c */
void atapi_read_toc(struct ide_unit *, const uint8_t *cdb);
void atapi_subchannel(struct ide_unit *, const uint8_t *cdb);
void atapi_disc_info(struct ide_unit *, const uint8_t *cdb);
void atapi_track_info(struct ide_unit *, const uint8_t *cdb);
void atapi_read_dvd(struct ide_unit *, const uint8_t *cdb);
/* atapi_mode.c */
void atapi_mode_sense(struct ide_unit *, const uint8_t *cdb);
void atapi_mode_select(struct ide_unit *, const uint8_t *cdb);
void atapi_mode_param(struct ide_chan *);
void atapi_get_config(struct ide_unit *, const uint8_t *cdb);

#endif
