/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The phases that need the back end. Each step submits one request; how it
 * ends, at once or later, runs through the same code. Whatever fails is tried
 * again in halves, so that the sectors before a bad one are moved and the
 * error names the bad one (ATA/ATAPI-6 8.27.6: LBA of the first error).
 */
#include "priv.h"

static void run_io_end(struct ide_chan *ch, int err);

static uint32_t run_grain(const struct ide_unit *u)
{
    return u->kind == KIND_CD ? CD_SECTOR : SECTOR;
}

static void run_done(struct blk_req *req, int err)
{
    struct ide_chan *ch = req->ctx;
    struct ide_unit *u = &ch->ide->unit[ch->n * 2u + ch->io.unit];

    ch->io.busy = false;
    ide_unpin(ch);
    if (ch->st->phase != PH_RESET)
        run_io_end(ch, err);
    ide_detach_go(u);
    ide_run(ch);
}

/* io.iov[0..niov) is filled in by the caller for reads and writes. */
void ide_submit(struct ide_chan *ch, enum blk_op op, uint64_t off, uint64_t len,
                unsigned niov)
{
    struct ide_unit *u = ide_cmd_unit(ch);
    struct blk_req *r = &ch->io.req;
    int err;

    if (!u->blk || (op != BLK_FLUSH && (off > u->blk->size_bytes ||
                                        len > u->blk->size_bytes - off))) {
        ide_unpin(ch);
        run_io_end(ch, -EIO);
        return;
    }
    memset(r, 0, sizeof(*r));
    r->op = op;
    r->off_bytes = off;
    r->len_bytes = len;
    r->iov = ch->io.iov;
    r->niov = niov;
    r->done = run_done;
    r->ctx = ch;
    ch->io.unit = ch->st->unit & 1u;
    ch->io.busy = true;
    err = blk_submit(u->blk, r);
    if (err == BLK_QUEUED)
        return;
    ch->io.busy = false;
    ide_unpin(ch);
    run_io_end(ch, err);
}

void ide_medium_error(struct ide_chan *ch, int err, uint64_t off)
{
    struct ide_unit *u = ide_cmd_unit(ch);

    host_log(&ch->ide->dev, IDE_LOG_IO,
             "unit %u: command %02x failed at byte %llu: error %d", u->n,
             ch->st->cmd, (unsigned long long)off, -err);
    if (u->kind == KIND_CD) {
        u->st->sense_lba = (uint32_t)(off / CD_SECTOR);
        u->st->sense_info = 1;
        atapi_check(ch, SK_MEDIUM, ASC_UNRECOVERED);
    } else {
        ata_fail_lba(ch, ch->st->op == OP_WRITE ? ER_ABRT : ER_UNC,
                     off / SECTOR);
    }
}

/* True: ch->st->chunk is smaller now, try again. */
static bool run_halve(struct ide_chan *ch, uint32_t n, uint32_t grain)
{
    uint32_t half = n / 2 / grain * grain;

    if (n <= grain)
        return false;
    ch->st->chunk = half ? half : grain;
    return true;
}

static void run_grow(struct ide_chan *ch)
{
    uint32_t most = ch->st->dma ? DMA_PIECE : IDE_CHUNK;

    ch->st->chunk = ide_min(most, (uint64_t)ch->st->chunk * 2);
}

static void run_fetch(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    uint32_t grain = run_grain(ide_cmd_unit(ch));
    uint32_t kept = st->fill - st->pos, n, room;

    if (st->op == OP_VERIFY)
        kept = 0;
    memmove(st->buf, st->buf + st->pos, kept);
    st->pos = st->end = 0;
    st->fill = kept;
    room = IDE_BUF - kept;
    n = ide_min(st->left, st->chunk);
    if (st->op == OP_RAW) {
        uint32_t out = atapi_raw_bytes(st->raw_fields);

        room = room / (out > CD_SECTOR ? out : CD_SECTOR) * CD_SECTOR;
    }
    if (n > room)
        n = room;
    n = n < grain ? grain : n / grain * grain;
    if (n > room) /* cannot be: a burst is less than what is free */
        return ide_medium_error(ch, -EIO, st->off);
    ch->io.iov[0].iov_base = st->buf + kept;
    ch->io.iov[0].iov_len = n;
    ch->io.bytes = n;
    ide_submit(ch, BLK_READ, st->off, n, 1);
}

static void run_fetch_end(struct ide_chan *ch, int err)
{
    struct ide_chan_state *st = ch->st;
    uint32_t n = ch->io.bytes;

    if (err) {
        if (run_halve(ch, n, run_grain(ide_cmd_unit(ch))))
            return;
        if (st->op == OP_VERIFY && st->cmd == CMD_SMART)
            return ata_smart_test_end(ch, false, st->off / SECTOR);
        return ide_medium_error(ch, err, st->off);
    }
    run_grow(ch);
    if (st->op == OP_RAW) {
        atapi_raw_expand(ch, n / CD_SECTOR);
    } else if (st->op == OP_READ) {
        st->fill += n;
    }
    st->off += n;
    st->left -= ide_min(st->left, n);
    if (st->op == OP_VERIFY) {
        if (!st->left)
            ata_verify_end(ch);
    } else if (st->dma) {
        st->phase = PH_DMA;
    } else {
        ide_pio_in(ch);
    }
}

static void run_store(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    uint32_t n = ide_min(st->fill - st->wpos, st->chunk);

    ch->io.iov[0].iov_base = st->buf + st->wpos;
    ch->io.iov[0].iov_len = n;
    ch->io.bytes = n;
    ide_submit(ch, BLK_WRITE, st->off, n, 1);
}

void ide_write_end(struct ide_chan *ch)
{
    if (ch->st->fua || !ide_cmd_unit(ch)->st->wcache)
        ide_busy(ch, PH_FLUSH);
    else
        ata_ok(ch);
}

static void run_store_end(struct ide_chan *ch, int err)
{
    struct ide_chan_state *st = ch->st;
    uint32_t n = ch->io.bytes;

    if (err) {
        if (!run_halve(ch, n, SECTOR))
            ide_medium_error(ch, err, st->off);
        return;
    }
    run_grow(ch);
    st->wpos += n;
    st->off += n;
    st->left -= ide_min(st->left, n);
    if (st->wpos < st->fill)
        return;
    if (!st->left)
        return ide_write_end(ch);
    st->pos = st->wpos = 0;
    st->fill = ide_min(st->left, IDE_OUT_CHUNK);
    ide_pio_out(ch, true);
}

static void run_io_end(struct ide_chan *ch, int err)
{
    struct ide_unit *u = ide_cmd_unit(ch);

    if (ch->st->lost && u->kind == KIND_CD)
        return atapi_lost(ch);
    switch (ch->st->phase) {
    case PH_FETCH:
        run_fetch_end(ch, err);
        break;
    case PH_STORE:
        run_store_end(ch, err);
        break;
    case PH_FLUSH:
        if (err) {
            host_log(&ch->ide->dev, IDE_LOG_IO,
                     "unit %u: flush failed: error %d", u->n, -err);
            ata_fail(ch, ER_ABRT);
        } else {
            ata_flush_end(ch);
        }
        break;
    case PH_TRIM:
        /* Advice that the image cannot take is no error. */
        if (err && err != -EOPNOTSUPP)
            ata_fail(ch, ER_ABRT);
        break;
    case PH_DMA:
        ide_bm_io_end(ch, err);
        if (err) {
            if (!run_halve(ch, ch->io.bytes, SECTOR))
                ide_medium_error(ch, err, ch->st->off);
        } else {
            run_grow(ch);
        }
        break;
    default:
        break;
    }
}

static void run_step(struct ide_chan *ch)
{
    if (ch->st->lost && ch->st->phase != PH_RESET)
        return atapi_lost(ch);
    switch (ch->st->phase) {
    case PH_FETCH:
        run_fetch(ch);
        break;
    case PH_STORE:
        run_store(ch);
        break;
    case PH_FLUSH:
        ide_submit(ch, BLK_FLUSH, 0, 0, 0);
        break;
    case PH_TRIM:
        ata_trim_step(ch);
        break;
    case PH_DMA:
        ide_bm_step(ch);
        break;
    default:
        ide_reset_end(ch);
        ide_chan_update_irq(ch);
        break;
    }
}

/*
 * Goes on until the back end has something in flight, the guest has to act,
 * the machine is paused, or a stretch is over and others have their turn.
 */
void ide_run(struct ide_chan *ch)
{
    uint64_t moved = 0;
    unsigned reqs = 0;

    if (ch->running)
        return;
    ch->running = true;
    ch->loads = 0;
    while (ide_is_busy(ch) && !ch->io.busy && !ch->ide->paused) {
        if (ch->st->phase == PH_RESET && (ch->st->ctl & CTL_SRST) &&
            !ch->st->dma)
            break;
        if (moved >= IDE_RUN_MOST || reqs >= IDE_RUN_REQS ||
            ch->loads >= IDE_RUN_PRDS) {
            timer_set(&ch->timer,
                      clock_now(ch->ide->dev.env.clock) + IDE_RUN_REST_NS);
            break;
        }
        ch->io.bytes = 0;
        run_step(ch);
        moved += ch->io.bytes;
        reqs++;
    }
    ch->running = false;
}

void ide_chan_fire(void *ch)
{
    ide_run(ch);
}

void ide_data_phase(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    struct ide_unit *u = ide_cmd_unit(ch);

    st->chunk = st->dma ? DMA_PIECE : IDE_CHUNK;
    if (st->dma && st->op != OP_VERIFY) {
        st->phase = PH_DMA_WAIT;
        u->st->status = ST_OK | ST_DRQ;
        ide_bm_start_wait(ch);
        return;
    }
    switch (st->op) {
    case OP_REPLY:
        ide_pio_in(ch);
        break;
    case OP_PARAM:
        ide_pio_out(ch, u->kind == KIND_CD);
        break;
    case OP_WRITE:
        st->pos = 0;
        st->fill = ide_min(st->left, IDE_OUT_CHUNK);
        ide_pio_out(ch, false);
        break;
    case OP_CDB:
        ide_pio_out(ch, false);
        break;
    default:
        ide_busy(ch, PH_FETCH);
        break;
    }
}

static void detach_flushed(struct blk_req *req, int err)
{
    struct ide_unit *u = req->ctx;

    u->flush_busy = u->detaching = false;
    u->blk = NULL;
    if (err)
        log_line(u->ide->dev.env.log,
                 "ide: unit %u: flush at unplug failed: error %d", u->n, -err);
}

void ide_detach_go(struct ide_unit *u)
{
    int err = 0;

    if (!u->detaching || u->flush_busy ||
        (u->ch->io.busy && u->ch->io.unit == (u->n & 1u)))
        return;
    memset(&u->flush, 0, sizeof(u->flush));
    u->flush.op = BLK_FLUSH;
    u->flush.done = detach_flushed;
    u->flush.ctx = u;
    u->flush_busy = true;
    if (!u->blk->read_only)
        err = blk_submit(u->blk, &u->flush);
    if (err != BLK_QUEUED)
        detach_flushed(&u->flush, err);
}
