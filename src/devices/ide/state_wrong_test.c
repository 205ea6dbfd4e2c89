/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saved state that no guest can have made: refused, or no harm. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

/* Saved state may name a transfer mode that no guest can set. */
static void test_mode_that_cannot_be(void **state)
{
    struct rig *r = rig_disk();
    uint8_t id[512];

    for (unsigned mode = 0; mode < 256; mode++) {
        bool mw = mode >= 0x20 && mode < 0x23,
             ultra = mode >= 0x40 && mode < 0x46;

        r->ide->unit[0].st->xfer_mode = (uint8_t)mode;
        rig_identify(r, 0, id);
        assert_int_equal(rig_word(id, 63) >> 8, mw ? 1 << (mode - 0x20) : 0);
        assert_int_equal(rig_word(id, 88) >> 8, ultra ? 1 << (mode - 0x40) : 0);
    }
    rig_free(r);
}

static void wrong(const struct ide_state *st, const char *field)
{
    struct err err;

    assert_int_equal(ide_state_desc.check(st, &err), -EINVAL);
    if (!strstr(err.text, field))
        fail_msg("%s is not named: %s", field, err.text);
}

/* Fields that are each possible, but not together, by one. */
static void test_transfer_that_cannot_be(void **state)
{
    struct rig *r = rig_new(rig_both);
    struct ide_state *st = malloc(sizeof(*st));
    struct ide_chan_state *c = &st->chan[0], was;
    struct err err;

    assert_non_null(st);
    rig_lba48(r, 0, 100, 200);
    rig_command(r, 0, CMD_READ_EXT);
    rig_status(r, 0);
    memcpy(st, &r->ide->st, sizeof(*st));
    was = *c;
    assert_int_equal(ide_state_desc.check(st, &err), 0);
    c->end = c->fill + 1;
    wrong(st, ".end ");
    *c = was;
    c->wpos = c->fill + 1;
    wrong(st, ".wpos ");
    *c = was;
    c->pos = c->end + 1;
    wrong(st, ".pos ");
    *c = was;
    c->left = UINT64_MAX - c->off + 1;
    wrong(st, ".left ");
    *c = was;
    c->phase = PH_DMA;
    c->pos = c->fill + 1;
    wrong(st, ".pos ");
    *c = was;
    c->op = OP_WRITE;
    c->phase = PH_STORE;
    c->wpos = 0;
    c->pos = c->end = c->fill = 2 * SECTOR;
    c->left = SECTOR;
    wrong(st, ".fill ");
    free(st);
    rig_free(r);
}

/* Nothing is fetched for a command that reads nothing: it went on to a DRQ
 * block of no bytes, and the next save had what no restore takes. */
static void test_fetch_for_no_command_is_refused(void **state)
{
    struct rig *r = rig_new(rig_both);
    struct ide_state *st = malloc(sizeof(*st));
    struct ide_chan_state *c = &st->chan[0];
    struct err err;

    assert_non_null(st);
    memcpy(st, &r->ide->st, sizeof(*st));
    c->phase = PH_FETCH;
    c->chunk = IDE_CHUNK;
    c->op = OP_NONE;
    wrong(st, ".phase ");
    c->op = OP_REPLY;
    wrong(st, ".phase ");
    c->op = OP_READ;
    assert_int_equal(ide_state_desc.check(st, &err), 0);
    free(st);
    rig_free(r);
}

/* Pokes at whatever the state says, for a while. */
static void poke(struct rig *r, uint32_t seed)
{
    static uint8_t buf[4096];
    unsigned i;

    for (i = 0; i < 6; i++) {
        uint16_t p = rig_port(seed >> 8 & 1);

        seed = seed * 1664525u + 1013904223u;
        bus_rep(&r->b->bus, p, 2, seed & 1, buf, 2048);
        bus_rep(&r->b->bus, p, 4, !(seed & 1), buf, 1024);
        rig_status(r, seed >> 7 & 2);
        bench_outb(r->b, p + (seed >> 16 & 7), (uint8_t)(seed >> 24));
        bench_outb(r->b, (uint16_t)(RIG_BM + (seed >> 5 & 8)),
                   (uint8_t)(seed >> 12));
        bench_step(r->b, IDE_RUN_REST_NS);
    }
}

#define CHAN_REGS (offsetof(struct ide_chan_state, buf))
#define FIRST     (offsetof(struct ide_state, chan))

/* The stream has the fields in the order of the struct, of buf what is live. */
static bool is_register(size_t live, size_t i)
{
    size_t second = FIRST + CHAN_REGS + live;

    return i < FIRST + CHAN_REGS || (i >= second && i < second + CHAN_REGS);
}

static size_t register_at(size_t live, uint32_t n)
{
    n %= FIRST + 2 * CHAN_REGS;
    return n < FIRST + CHAN_REGS ? n : n + live;
}

/* A buffer that no save leaves: the save after it was larger than any. */
static void test_buffer_that_no_save_leaves(void **state)
{
    struct rig *r = rig_new(rig_both);
    struct ide_chan_state *c = &r->ide->st.chan[0];
    struct err err;

    rig_lba48(r, 0, 3, 200);
    rig_command(r, 0, CMD_READ_EXT);
    assert_true(c->phase == PH_PIO_IN && c->fill > IDE_SAVED_MOST);
    /* not settled */
    assert_true(rig_reload(r, &err) < 0);
    assert_non_null(strstr(err.text, "fill"));
    ide_state_desc.settle(r->dev);
    assert_true(c->fill <= IDE_SAVED_MOST);
    assert_int_equal(rig_reload(r, &err), 0);
    rig_free(r);
}

/* What was read for a disk's DMA, as only a saved state can have it. */
static void test_buffer_of_dma(void **state)
{
    struct rig *r = rig_new(rig_both);
    struct ide_chan_state *c = &r->ide->st.chan[0];

    rig_lba48(r, 0, 3, 200);
    rig_command(r, 0, CMD_READ_EXT);
    c->phase = PH_DMA;
    ide_state_desc.settle(r->dev);
    assert_true(c->fill < 512);
    assert_int_equal(c->phase, PH_FETCH);
    assert_int_equal(c->left, 200 * 512);
    rig_free(r);
}

/* Sectors of which nothing is wanted: nothing came, and that was no state. */
static void test_raw_sectors_without_fields(void **state)
{
    static const uint8_t cdb[12] = {MMC_READ_CD, 0, 0, 0, 0, 9, 0, 0, 40, 0xf8};
    struct rig *r = rig_new(rig_both);
    struct ide_chan_state *c = &r->ide->st.chan[1];
    struct err err;

    rig_clear_ua(r, 2);
    rig_packet(r, 2, cdb, 2048, false);
    ide_state_desc.settle(r->dev);
    assert_int_equal(rig_reload(r, &err), 0);
    assert_true(c->op == OP_RAW && c->left);
    c->raw_fields = 0;
    assert_true(rig_reload(r, &err) < 0);
    assert_non_null(strstr(err.text, "raw_fields"));
    rig_free(r);
}

/* A saved block as long as 16 bits say, of a disk: one burst all the same. */
static void test_block_that_no_command_makes(void **state)
{
    struct rig *r = rig_new(rig_both);
    struct ide_chan_state *c = &r->ide->st.chan[0];
    uint8_t sector[512];

    rig_lba48(r, 0, 3, 200);
    rig_command(r, 0, CMD_READ_EXT);
    c->block = 51008;
    rig_ins(r, 0, sector, sizeof(sector));
    assert_int_equal(c->end - c->pos, IDE_BURST);
    ide_state_desc.settle(r->dev);
    assert_true(c->fill <= IDE_SAVED_MOST);
    rig_free(r);
}

/* More in the buffer than was read, as a saved state may say. */
static void test_unread_of_more_than_was_read(void **state)
{
    struct rig *r = rig_new(rig_both);
    struct ide_chan_state *c = &r->ide->st.chan[0];

    rig_lba48(r, 0, 0, 200);
    ide_ops.pause(r->dev, true);
    rig_command(r, 0, CMD_READ_EXT);
    assert_int_equal(c->phase, PH_FETCH);
    c->fill = IDE_SAVED_MOST;
    ide_ops.pause(r->dev, false);
    assert_true(c->phase == PH_PIO_IN && c->fill == IDE_BUF);
    r = rig_move(r, rig_both);
    c = &r->ide->st.chan[0];
    assert_true(c->fill <= IDE_SAVED_MOST);
    assert_int_equal(c->left, 200 * SECTOR);
    rig_free(r);
}

/* Each went on to a state that was saved and that no restore takes. */
static void test_phase_of_another_command(void **state)
{
    static const struct {
        uint8_t phase, op;
    } row[] = {{PH_PIO_IN, OP_WRITE}, {PH_PIO_IN, OP_CDB},
               {PH_PIO_OUT, OP_READ}, {PH_STORE, OP_NONE},
               {PH_TRIM, OP_WRITE},   {PH_DMA_WAIT, OP_VERIFY},
               {PH_DMA, OP_CDB}};
    struct rig *r = rig_new(rig_both);
    struct ide_state *st = malloc(sizeof(*st));
    struct ide_chan_state *c = &st->chan[0];
    struct err err;

    assert_non_null(st);
    memcpy(st, &r->ide->st, sizeof(*st));
    c->chunk = IDE_CHUNK;
    c->end = c->fill = c->left = SECTOR;
    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        c->phase = row[i].phase;
        c->op = row[i].op;
        wrong(st, ".phase ");
    }
    c->phase = PH_PIO_OUT;
    c->op = OP_WRITE;
    assert_int_equal(ide_state_desc.check(st, &err), 0);
    free(st);
    rig_free(r);
}

/* Ranges to trim come in whole blocks: else the last one went past its end. */
static void test_part_of_a_range_to_trim(void **state)
{
    struct rig *r = rig_new(rig_both);
    struct ide_chan_state *c = &r->ide->st.chan[0];
    struct err err;

    rig_lba48(r, 0, 0, 1);
    bench_outb(r->b, 0x1f1, 1);
    rig_command(r, 0, CMD_DSM);
    assert_int_equal(c->phase, PH_DMA_WAIT);
    assert_int_equal(rig_reload(r, &err), 0);
    assert_int_equal(c->phase, PH_DMA_WAIT);
    c->fill = 20;
    assert_int_equal(rig_reload(r, &err), 0);
    assert_int_equal(c->phase, PH_IDLE);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    rig_free(r);
}

/* So many raw sectors that their bytes are 0 once more: no DRQ block came. */
static void test_raw_sectors_beyond_64_bits(void **state)
{
    static const uint8_t cdb[12] = {MMC_READ_CD, 0, 0, 0, 0, 9, 0, 0, 40, 0xf8};
    struct rig *r = rig_new(rig_both);
    struct ide_state *st = malloc(sizeof(*st));
    struct ide_chan_state *c = &st->chan[1];
    struct err err;

    assert_non_null(st);
    rig_clear_ua(r, 2);
    rig_packet(r, 2, cdb, 2048, false);
    ide_state_desc.settle(r->dev);
    memcpy(st, &r->ide->st, sizeof(*st));
    assert_true(c->op == OP_RAW && c->left);
    c->left = (uint64_t)UINT32_MAX * CD_SECTOR;
    assert_int_equal(ide_state_desc.check(st, &err), 0);
    c->left += CD_SECTOR;
    wrong(st, ".left ");
    free(st);
    rig_free(r);
}

/* A CD's reply to no packet, in DRQ blocks of no bytes: none ever came. */
static void test_reply_of_no_block(void **state)
{
    struct rig *r = rig_new(rig_both);
    struct ide_chan_state *c;
    uint8_t id[512];
    struct err err;

    rig_select(r, 2, 0);
    rig_command(r, 2, CMD_IDENTIFY_PACKET);
    rig_ins(r, 2, id, 100);
    r = rig_move(r, rig_both);
    c = &r->ide->st.chan[1];
    assert_int_equal(rig_status(r, 2), ST_OK | ST_DRQ);
    c->block = 0;
    assert_int_equal(rig_reload(r, &err), 0);
    assert_int_equal(c->phase, PH_IDLE);
    assert_int_equal(rig_status(r, 2), ST_OK | ST_ERR);
    rig_free(r);
}

/* Each byte of the registers flipped, and random ones: refused or harmless. */
static void test_hostile(void **state)
{
    size_t most = state_bytes(&ide_state_desc), n, live, i, k;
    uint8_t *buf = malloc(most), *orig = malloc(most);
    struct rig *r = rig_new(rig_both);
    unsigned kind, taken = 0;
    uint32_t seed = 1;
    struct err err;

    assert_non_null(buf);
    assert_non_null(orig);
    for (kind = 0; kind < 4; kind++) {
        rig_srst(r, 0);
        rig_srst(r, 1);
        rig_lba48(r, 0, 3, 200);
        rig_command(r, 0, kind & 1 ? CMD_READ_EXT : CMD_WRITE_DMA_EXT);
        rig_select(r, 2, 0);
        rig_command(r, 2, kind & 2 ? CMD_PACKET : CMD_IDENTIFY_PACKET);
        ide_state_desc.settle(r->dev);
        n = state_save(&ide_state_desc, r->dev, orig);
        live = r->ide->st.chan[0].fill;
        for (i = 0; i < n; i++) {
            /* in the buffers, some bytes stand for all */
            if (is_register(live, i) ? kind && i % 5 != kind : i % 9973 != 0)
                continue;
            assert_int_equal(state_load(&ide_state_desc, r->dev, orig, n, &err),
                             0);
            memcpy(buf, orig, n);
            for (k = 0; k <= kind; k++) {
                seed = seed * 1664525u + 1013904223u;
                buf[k ? register_at(live, seed >> 8) : i] ^=
                    (uint8_t)(seed >> 24 | 1);
            }
            if (state_load(&ide_state_desc, r->dev, buf, n, &err))
                continue;
            taken++;
            poke(r, seed);
            while (!r->dev->ops->idle(r->dev))
                bench_step(r->b, IDE_RUN_REST_NS);
        }
        assert_int_equal(state_load(&ide_state_desc, r->dev, orig, n, &err), 0);
        for (i = 0; i < n; i += n / 60)
            assert_int_not_equal(
                state_load(&ide_state_desc, r->dev, orig, i, &err), 0);
        assert_int_not_equal(
            state_load(&ide_state_desc, r->dev, orig, n - 1, &err), 0);
    }
    assert_true(taken > 100);
    free(buf);
    free(orig);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mode_that_cannot_be),
        cmocka_unit_test(test_transfer_that_cannot_be),
        cmocka_unit_test(test_fetch_for_no_command_is_refused),
        cmocka_unit_test(test_buffer_that_no_save_leaves),
        cmocka_unit_test(test_buffer_of_dma),
        cmocka_unit_test(test_raw_sectors_without_fields),
        cmocka_unit_test(test_block_that_no_command_makes),
        cmocka_unit_test(test_unread_of_more_than_was_read),
        cmocka_unit_test(test_phase_of_another_command),
        cmocka_unit_test(test_part_of_a_range_to_trim),
        cmocka_unit_test(test_raw_sectors_beyond_64_bits),
        cmocka_unit_test(test_reply_of_no_block),
        cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
