/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bus master: registers, PRD walk, and moving data straight between guest
 * memory and the back end. Entries are read in batches into ch->prd and used
 * from there only (rule R1). A table is at most PRD_MAX entries and does not
 * leave its 64 KiB (rule R4). Regions need not be whole sectors: what is left
 * over is carried into the next piece.
 * Source: Programming Interface for Bus Master IDE Controller, 1.0.
 */
#include "priv.h"

static uint32_t prd_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 |
           p[0];
}

static bool prd_batch(struct ide_chan *ch, uint32_t i)
{
    struct ide_chan_state *st = ch->st;
    uint32_t at = (st->bm_prdt & (PRD_TABLE_BYTES - 1)) + i * PRD_BYTES;
    uint8_t raw[PRD_BATCH * PRD_BYTES];
    uint32_t n, k;

    if (at > PRD_TABLE_BYTES - PRD_BYTES)
        return false;
    n = (PRD_TABLE_BYTES - at) / PRD_BYTES;
    if (n > PRD_BATCH)
        n = PRD_BATCH;
    memset(raw, 0, sizeof(raw));
    pci_dma_read(&ch->ide->pci, (st->bm_prdt & ~(PRD_TABLE_BYTES - 1)) + at,
                 raw, n * PRD_BYTES);
    for (k = 0; k < n * 2; k++)
        ch->prd[k] = prd_le32(raw + k * 4);
    ch->prd_base = i;
    ch->prd_n = n;
    return true;
}

/* The next entry becomes the current one; false: the table is at its end. */
static bool prd_load(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    uint32_t i = st->prd_next, flags;

    if (st->prd_eot)
        return false;
    if ((i < ch->prd_base || i - ch->prd_base >= ch->prd_n) &&
        !prd_batch(ch, i)) {
        guest_log(&ch->ide->dev, IDE_LOG_PRD,
                  "channel %u: PRD table at %x runs out of its 64 KiB", ch->n,
                  st->bm_prdt);
        return false;
    }
    st->prd_addr = ch->prd[(i - ch->prd_base) * 2] & ~1u;
    flags = ch->prd[(i - ch->prd_base) * 2 + 1];
    st->prd_left = flags & 0xfffe;
    if (!st->prd_left)
        st->prd_left = 65536;
    st->prd_eot = !!(flags & PRD_EOT);
    st->prd_next = i + 1;
    ch->loads++;
    return true;
}

static void prd_advance(struct ide_chan_state *st, uint32_t n)
{
    st->prd_addr += n;
    st->prd_left -= n;
}

static void prd_mark(struct ide_chan *ch)
{
    ch->io.prd_next = ch->st->prd_next;
    ch->io.prd_addr = ch->st->prd_addr;
    ch->io.prd_left = ch->st->prd_left;
    ch->io.prd_eot = ch->st->prd_eot;
}

/* Back to the mark, then n bytes on. */
static void prd_seek(struct ide_chan *ch, uint32_t n)
{
    struct ide_chan_state *st = ch->st;

    st->prd_next = ch->io.prd_next;
    st->prd_addr = ch->io.prd_addr;
    st->prd_left = ch->io.prd_left;
    st->prd_eot = ch->io.prd_eot;
    while (n) {
        uint32_t k;

        if (!st->prd_left && !prd_load(ch))
            return;
        k = ide_min(n, st->prd_left);
        prd_advance(st, k);
        n -= k;
    }
}

void ide_unpin(struct ide_chan *ch)
{
    const struct iovec *iov = ch->io.piov;
    unsigned i;

    for (i = 0; i < ch->io.npins; i++) {
        gmem_unpin(ch->ide->dev.env.gmem, ch->io.pin[i].gpa, ch->io.pin[i].len,
                   ch->io.to_mem, iov, ch->io.pin[i].niov);
        iov += ch->io.pin[i].niov;
    }
    ch->io.npins = ch->io.npiov = 0;
}

/* Pins one span and appends it to the vector, joined where host memory is. */
static bool bm_pin(struct ide_chan *ch, uint32_t len, unsigned *niov)
{
    struct iovec *iov = ch->io.iov, *piov = ch->io.piov + ch->io.npiov;
    uint32_t gpa = ch->st->prd_addr;
    unsigned n = *niov;
    int got = gmem_pin(ch->ide->dev.env.gmem, gpa, len, ch->io.to_mem, piov,
                       DMA_IOVS - ch->io.npiov);
    int i;

    if (got <= 0)
        return false;
    ch->io.pin[ch->io.npins].gpa = gpa;
    ch->io.pin[ch->io.npins].len = len;
    ch->io.pin[ch->io.npins].niov = (unsigned)got;
    ch->io.npins++;
    ch->io.npiov += (unsigned)got;
    for (i = 0; i < got; i++) {
        if (n && (uint8_t *)iov[n - 1].iov_base + iov[n - 1].iov_len ==
                     piov[i].iov_base)
            iov[n - 1].iov_len += piov[i].iov_len;
        else
            iov[n++] = piov[i];
    }
    *niov = n;
    return true;
}

static void bm_trim_iov(struct iovec *iov, unsigned *niov, uint32_t excess)
{
    while (excess && *niov) {
        struct iovec *last = &iov[*niov - 1];

        if (last->iov_len > excess) {
            last->iov_len -= excess;
            return;
        }
        excess -= (uint32_t)last->iov_len;
        (*niov)--;
    }
}

/* Pins up to want bytes of guest memory; returns whole sectors pinned. */
static uint32_t bm_gather(struct ide_chan *ch, uint32_t want, unsigned *niov)
{
    struct ide_chan_state *st = ch->st;
    uint32_t got = 0, excess;

    *niov = 0;
    ch->io.npins = ch->io.npiov = 0;
    prd_mark(ch);
    while (got < want && ch->io.npiov < DMA_PINS) {
        uint32_t len;

        if (!st->prd_left && !prd_load(ch))
            break;
        len = ide_min(st->prd_left, want - got);
        if (!bm_pin(ch, len, niov)) {
            st->bm_status |= BM_ST_ERROR;
            st->prd_left = 0;
            st->prd_eot = 1;
            break;
        }
        got += len;
        prd_advance(st, len);
    }
    excess = got % SECTOR;
    if (excess) {
        got -= excess;
        bm_trim_iov(ch->io.iov, niov, excess);
        if (got)
            prd_seek(ch, got);
        else
            ide_unpin(ch); /* the table ends within a sector */
    }
    return got;
}

/*
 * Between buf and guest memory; false: the table ended first. What is for the
 * guest may stop in between, when a stretch is over.
 */
static bool bm_copy(struct ide_chan *ch, bool to_mem)
{
    struct ide_chan_state *st = ch->st;
    uint32_t n;

    while (st->pos < st->fill) {
        if (to_mem && ch->loads >= IDE_RUN_PRDS)
            return true;
        if (!st->prd_left && !prd_load(ch))
            return false;
        n = ide_min(st->fill - st->pos, st->prd_left);
        if (to_mem)
            pci_dma_write(&ch->ide->pci, st->prd_addr, st->buf + st->pos, n);
        else
            pci_dma_read(&ch->ide->pci, st->prd_addr, st->buf + st->pos, n);
        st->pos += n;
        prd_advance(st, n);
    }
    return true;
}

/*
 * The table is shorter than the transfer: ACTIVE goes, no interrupt comes, and
 * the guest's time-out tells it (Bus Master IDE 1.0, status table). The device
 * is given back, as it would be by the reset that follows.
 */
static void bm_short(struct ide_chan *ch)
{
    ch->st->bm_status &= (uint8_t)~BM_ST_ACTIVE;
    ide_cmd_unit(ch)->st->status = ST_OK;
    ch->st->bm_stop = 0;
    ide_end(ch, false);
}

/* The guest stopped the engine while the device wanted more. */
static void bm_stopped(struct ide_chan *ch)
{
    struct ide_unit *u = ide_cmd_unit(ch);

    u->st->status = ST_OK | ST_ERR;
    u->st->error = ER_ABRT;
    if (u->kind == KIND_CD) {
        u->st->sense_key = SK_ABORTED;
        u->st->asc = ASC_TRANSPORT >> 8;
        u->st->ascq = 0;
        u->st->error |= SK_ABORTED << 4;
    }
    ide_end(ch, false);
}

static void bm_complete(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;

    if (ide_cmd_unit(ch)->kind == KIND_CD) {
        if (st->op == OP_PARAM)
            atapi_param(ch);
        else
            atapi_ok(ch);
    } else if (st->op == OP_PARAM) {
        ata_param(ch);
    } else if (st->op == OP_WRITE) {
        ide_write_end(ch);
    } else {
        ata_ok(ch);
    }
}

/*
 * Bus mastering is off in the command register: nothing reaches memory. A
 * read runs dry; what would be written is unknown, so that is refused.
 */
static void bm_no_master(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    struct ide_unit *u = ide_cmd_unit(ch);

    if (st->op != OP_WRITE && st->op != OP_PARAM)
        bm_complete(ch);
    else if (u->kind == KIND_CD)
        atapi_check(ch, SK_ABORTED, ASC_TRANSPORT);
    else
        ata_fail(ch, ER_ABRT);
}

static void bm_direct(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    uint32_t got;
    unsigned niov;

    if (!st->left)
        return bm_complete(ch);
    if (st->bm_stop)
        return bm_stopped(ch);
    ch->io.to_mem = st->op == OP_READ;
    got = bm_gather(ch, ide_min(st->left, st->chunk), &niov);
    if (!got)
        return bm_short(ch);
    ch->io.bytes = got;
    ide_submit(ch, st->op == OP_READ ? BLK_READ : BLK_WRITE, st->off, got,
               niov);
}

void ide_bm_step(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;

    if (!pci_master(&ch->ide->pci))
        return bm_no_master(ch);
    if (st->op == OP_READ || st->op == OP_WRITE)
        return bm_direct(ch);
    ch->io.bytes = st->fill - st->pos;
    if (!bm_copy(ch, st->op != OP_PARAM))
        return bm_short(ch);
    if (st->pos < st->fill)
        return; /* its next stretch goes on */
    if (!ide_to_come(ch))
        bm_complete(ch);
    else if (st->bm_stop)
        bm_stopped(ch);
    else
        ide_busy(ch, PH_FETCH);
}

void ide_bm_io_end(struct ide_chan *ch, int err)
{
    struct ide_chan_state *st = ch->st;

    if (err) {
        prd_seek(ch, 0);
        return;
    }
    st->off += ch->io.bytes;
    st->left -= ide_min(st->left, ch->io.bytes);
}

/* The device is through: ACTIVE stays only if the table has more. */
void ide_bm_done(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;

    if ((!st->prd_left && st->prd_eot) || st->bm_stop)
        st->bm_status &= (uint8_t)~BM_ST_ACTIVE;
    st->bm_stop = 0;
}

/* A reset took the device away from a transfer; the host sees it end. */
void ide_bm_reset(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;

    if (st->bm_status & BM_ST_ACTIVE)
        st->bm_status |= BM_ST_INTR;
    st->bm_status &= (uint8_t)~BM_ST_ACTIVE;
    st->bm_stop = 0;
}

void ide_bm_start_wait(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;

    if ((st->bm_cmd & BM_CMD_START) && (st->bm_status & BM_ST_ACTIVE))
        ide_busy(ch, PH_DMA);
}

static void bm_write_cmd(struct ide_chan *ch, uint8_t v)
{
    struct ide_chan_state *st = ch->st;
    uint8_t old = st->bm_cmd;

    st->bm_cmd = v & (BM_CMD_START | BM_CMD_RWCON);
    if (!(v & BM_CMD_START)) {
        if (ide_is_busy(ch) && st->phase != PH_RESET && st->dma)
            st->bm_stop = 1; /* what is in flight ends first */
        else
            st->bm_status &= (uint8_t)~BM_ST_ACTIVE;
        return;
    }
    if ((old & BM_CMD_START) || st->bm_stop)
        return;
    st->bm_status |= BM_ST_ACTIVE;
    st->prd_next = st->prd_addr = st->prd_left = 0;
    st->prd_eot = 0;
    ch->prd_n = 0;
    if (st->phase == PH_DMA_WAIT) {
        ide_busy(ch, PH_DMA);
        ide_run(ch);
    }
}

static uint8_t bm_read8(struct ide_chan *ch, uint32_t reg)
{
    struct ide_chan_state *st = ch->st;

    switch (reg) {
    case BM_COMMAND:
        return st->bm_cmd;
    case BM_STATUS:
        return st->bm_status;
    case BM_PRDT:
    case BM_PRDT + 1:
    case BM_PRDT + 2:
    case BM_PRDT + 3:
        return (uint8_t)(st->bm_prdt >> (8 * (reg - BM_PRDT)));
    default:
        return 0;
    }
}

static void bm_write8(struct ide_chan *ch, uint32_t reg, uint8_t v)
{
    struct ide_chan_state *st = ch->st;
    unsigned shift;

    switch (reg) {
    case BM_COMMAND:
        bm_write_cmd(ch, v);
        break;
    case BM_STATUS:
        st->bm_status = (uint8_t)((st->bm_status & ~BM_ST_CAPABLE &
                                   ~(v & (BM_ST_ERROR | BM_ST_INTR))) |
                                  (v & BM_ST_CAPABLE));
        break;
    case BM_PRDT:
    case BM_PRDT + 1:
    case BM_PRDT + 2:
    case BM_PRDT + 3:
        shift = 8 * (reg - BM_PRDT);
        st->bm_prdt = (st->bm_prdt & ~((uint32_t)0xff << shift)) | (uint32_t)v
                                                                       << shift;
        st->bm_prdt &= ~3u;
        ch->prd_n = 0;
        break;
    default:
        break;
    }
}

static uint64_t bm_read(void *dev, uint32_t off, unsigned size)
{
    struct ide *ide = dev;
    uint64_t v = 0;
    unsigned i;

    for (i = 0; i < size; i++)
        v |= (uint64_t)bm_read8(&ide->chan[(off + i) >> 3 & 1], (off + i) & 7)
             << (8 * i);
    return v;
}

static void bm_write(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct ide *ide = dev;
    unsigned i;

    for (i = 0; i < size; i++)
        bm_write8(&ide->chan[(off + i) >> 3 & 1], (off + i) & 7,
                  (uint8_t)(val >> (8 * i)));
}

const struct io_ops ide_bm_ops = {
    .rd = bm_read,
    .wr = bm_write,
    .min = 1,
    .max = 4,
};
