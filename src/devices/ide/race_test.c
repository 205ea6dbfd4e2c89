/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PRD table while another thread writes to it: what a transfer moves is what
 * the table said at the one time when it was read.
 */
#include "../../bench/race_fixture.h"
#include "rig.h"

#include <stdlib.h>

#define ENTRIES    8u
#define FLIPS      (RACE_FLIPS / 4)
#define ROUNDS     (RACE_FLIPS / 2000)
#define AREA       0x100000u /* where transfers may go */
#define AREA_BYTES 0x20000u
#define BYTES      (6 * SECTOR) /* of each transfer */

struct race {
    struct gmem_ops ops; /* first */
    const struct gmem_ops *real;
    struct rig *r;
    struct flipper f;
    uint8_t table[PRD_BATCH * PRD_BYTES]; /* as it was read */
    unsigned reads;
    uint8_t before[AREA_BYTES];
    uint8_t want[AREA_BYTES]; /* guest memory afterwards */
    uint8_t want_disk[BYTES];
};

static void flip(void *ctx, uint64_t draw)
{
    static const uint32_t addr[4] = {AREA, AREA + 0x3fe, AREA + 0x10000,
                                     0x5000000 /* no RAM */};
    static const uint32_t len[4] = {512, PRD_EOT | 1024, 2, 700};
    struct race *t = ctx;
    uint8_t *at = t->r->b->ram + RIG_PRDT + draw % ENTRIES * PRD_BYTES;

    if (draw >> 3 & 1)
        guest_store32(at, addr[draw >> 4 & 3] + (draw >> 6 & 0x3e));
    else
        guest_store32(at + 4, len[draw >> 4 & 3]);
}

static int seen_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    struct race *t = (struct race *)(uintptr_t)g->ops;
    int rc = t->real->read(g, gpa, dst, len);

    if (gpa == RIG_PRDT) {
        assert_int_equal(len, sizeof(t->table));
        memcpy(t->table, dst, len);
        t->reads++;
        for (unsigned i = 0; i < 16; i++)
            flipper_here(&t->f);
    }
    return rc;
}

/* What the table asks for, byte after byte, into the wanted pictures. */
static uint32_t play(struct race *t, bool to_mem)
{
    uint32_t at[PRD_BATCH], len[PRD_BATCH], sum = 0, whole, done = 0;
    unsigned n = 0;

    while (n < PRD_BATCH && sum < BYTES) {
        uint32_t e[2];

        memcpy(e, t->table + n * PRD_BYTES, sizeof(e));
        at[n] = e[0] & ~1u;
        len[n] = e[1] & 0xfffe ? e[1] & 0xfffe : 65536;
        if (len[n] > BYTES - sum)
            len[n] = BYTES - sum;
        sum += len[n++];
        if (e[1] & PRD_EOT)
            break;
    }
    whole = sum / SECTOR * SECTOR;
    for (unsigned i = 0; i < n; i++)
        for (uint32_t k = 0; k < len[i] && done < whole; k++, done++) {
            uint32_t off = at[i] + k - AREA;

            if (!to_mem)
                t->want_disk[done] = off < AREA_BYTES ? t->before[off] : 0xff;
            else if (off < AREA_BYTES)
                t->want[off] = rig_byte(done);
        }
    return whole;
}

/* One transfer, and what it moved. */
static uint32_t transfer(struct race *t, bool to_mem)
{
    struct rig *r = t->r;
    struct blk *b = r->blk[0];
    uint64_t moved = b->rd_bytes + b->wr_bytes;
    uint8_t *disk = blk_mem_data(b);
    uint32_t whole;

    memcpy(r->b->ram + AREA, t->before, AREA_BYTES);
    memcpy(t->want, t->before, AREA_BYTES);
    for (uint32_t i = 0; i < BYTES; i++)
        t->want_disk[i] = disk[i] = rig_byte(i);
    t->reads = 0;
    rig_lba28(r, 0, 0, BYTES / SECTOR);
    rig_bm_prepare(r, 0);
    rig_command(r, 0, to_mem ? CMD_READ_DMA : CMD_WRITE_DMA);
    rig_bm_start(r, 0, to_mem);
    assert_int_equal(t->reads, 1);
    whole = play(t, to_mem);
    assert_int_equal(b->rd_bytes + b->wr_bytes - moved, whole);
    assert_memory_equal(r->b->ram + AREA, t->want, AREA_BYTES);
    assert_memory_equal(disk, t->want_disk, BYTES);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(r->b->pins, 0);
    return whole;
}

static void race_of_the_prd_table(void **state)
{
    struct rig *r = rig_disk();
    struct race *t = calloc(1, sizeof(*t));
    unsigned rounds = 0;
    uint64_t moved = 0;

    assert_non_null(t);
    t->ops = *r->b->gmem.ops;
    t->real = r->b->gmem.ops;
    t->ops.read = seen_read;
    t->r = r;
    t->f = (struct flipper){.flip = flip, .ctx = t};
    for (unsigned i = 0; i < AREA_BYTES; i++)
        t->before[i] = (uint8_t)(i * 7 ^ i >> 8);
    r->b->gmem.ops = &t->ops;
    for (unsigned i = 0; i < PRD_BATCH; i++) {
        uint32_t e[2] = {AREA + 0x18000, PRD_EOT | 512};

        memcpy(r->b->ram + RIG_PRDT + i * PRD_BYTES, e, sizeof(e));
    }
    assert_true(flipper_start(&t->f));
    while (!flipper_has(&t->f, FLIPS) || rounds < ROUNDS)
        moved += transfer(t, rounds++ & 1);
    flipper_stop(&t->f);
    print_message("%u transfers, %llu sectors, %llu flips\n", rounds,
                  (unsigned long long)moved / SECTOR,
                  (unsigned long long)t->f.flips);
    r->b->gmem.ops = t->real;
    rig_free(r);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(race_of_the_prd_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
