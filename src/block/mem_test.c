/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <hvmd/block.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void on_done(struct blk_req *r, int err)
{
    int *out = r->ctx;

    *out = err;
}

static void test_at_once(void **state)
{
    struct blk *b = blk_mem_new(8192, false);
    char out[1024], in[1024];
    struct iovec w[2] = {{out, 100}, {out + 100, 924}};
    struct iovec rd[2] = {{in, 1000}, {in + 1000, 24}};
    struct blk_req r = {.op = BLK_WRITE,
                        .off_bytes = 512,
                        .len_bytes = 1024,
                        .iov = w,
                        .niov = 2,
                        .done = on_done};
    unsigned i;

    for (i = 0; i < sizeof(out); i++)
        out[i] = (char)(i * 7);
    assert_int_equal(blk_submit(b, &r), 0);
    assert_memory_equal(blk_mem_data(b) + 512, out, 1024);
    r.op = BLK_READ;
    r.iov = rd;
    assert_int_equal(blk_submit(b, &r), 0);
    assert_memory_equal(in, out, 1024);
    r.op = BLK_FLUSH;
    assert_int_equal(blk_submit(b, &r), 0);
    r.op = BLK_DISCARD;
    assert_int_equal(blk_submit(b, &r), 0);
    assert_int_equal(blk_mem_data(b)[600], 0);
    assert_int_equal(b->rd_bytes, 1024);
    assert_int_equal(b->wr_ops, 1);
    assert_int_equal(b->flush_ops, 1);

    r.op = BLK_READ;
    r.off_bytes = 7680;
    assert_int_equal(blk_submit(b, &r), -EINVAL);
    r.off_bytes = UINT64_MAX - 511;
    assert_int_equal(blk_submit(b, &r), -EINVAL);
    r.off_bytes = 0;
    r.len_bytes = 512;
    assert_int_equal(blk_submit(b, &r), -EINVAL); /* iov is 1024 */
    b->ops->close(b);

    b = blk_mem_new(8192, true);
    r.op = BLK_WRITE;
    r.len_bytes = 1024;
    assert_int_equal(blk_submit(b, &r), -EROFS);
    assert_false(b->can_discard);
    b->ops->close(b);
}

static void test_hold_and_fail(void **state)
{
    struct blk *b = blk_mem_new(4096, false);
    char buf[3][512] = {{0}};
    struct iovec v[3];
    struct blk_req r[3];
    int got[3] = {1, 1, 1};
    unsigned i;

    blk_mem_hold(b, true);
    blk_mem_fail(b, BLK_WRITE, 1, -ENOSPC);
    for (i = 0; i < 3; i++) {
        v[i] = (struct iovec){buf[i], 512};
        r[i] = (struct blk_req){.op = BLK_WRITE,
                                .off_bytes = i * 512u,
                                .len_bytes = 512,
                                .iov = &v[i],
                                .niov = 1,
                                .done = on_done,
                                .ctx = &got[i]};
        assert_int_equal(blk_submit(b, &r[i]), BLK_QUEUED);
    }
    /* The bytes move at release, not at submit. */
    memset(buf, 0x5a, sizeof(buf));
    assert_int_equal(got[0], 1);
    assert_true(blk_mem_release(b));
    assert_int_equal(got[0], -ENOSPC);
    assert_int_equal(blk_mem_data(b)[0], 0);
    assert_true(blk_mem_release(b));
    assert_int_equal(got[1], 0);
    assert_int_equal(got[2], 1);
    assert_int_equal(blk_mem_data(b)[512], 0x5a);
    b->ops->drain(b);
    assert_int_equal(got[2], 0);
    assert_false(blk_mem_release(b));
    assert_int_equal(b->errors, 1);

    blk_mem_hold(b, false);
    blk_mem_fail(b, BLK_FLUSH, 2, -EIO);
    r[0].op = BLK_FLUSH;
    assert_int_equal(blk_submit(b, &r[0]), -EIO);
    assert_int_equal(blk_submit(b, &r[0]), -EIO);
    assert_int_equal(blk_submit(b, &r[0]), 0);
    b->ops->close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_hold_and_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
