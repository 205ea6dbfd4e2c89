/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an administrator may give as an image. */
#include "hvmd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

struct bed {
    struct hvmd h;
    char dir[32], path[64];
};

static struct bed *bed_new(const char *name)
{
    struct bed *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    b->h.loop = loop_new();
    b->h.pool = pool_new(b->h.loop, 1);
    strcpy(b->dir, "/tmp/hvmd-images.XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->path, sizeof(b->path), "%s/%s", b->dir, name);
    b->h.conf.ide[0] =
        (struct argv_ide){.present = true, .discard = true, .file = b->path};
    return b;
}

static void bed_free(struct bed *b)
{
    unlink(b->path);
    rmdir(b->dir);
    pool_free(b->h.pool);
    loop_free(b->h.loop);
    free(b);
}

/* Who says discard=off keeps all of the image's space. */
static void test_discard_off(void **state)
{
    struct bed *b = bed_new("image");
    struct err e = {.text = ""};
    FILE *f = fopen(b->path, "w");
    struct blk *blk;
    bool could;

    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), 1 << 20), 0);
    fclose(f);
    blk = hvmd_open_image(&b->h, 0, &e);
    assert_non_null(blk);
    could = blk->can_discard;
    blk->ops->close(blk);
    if (!could)
        skip(); /* nor could anybody else here */
    b->h.conf.ide[0].discard = false;
    blk = hvmd_open_image(&b->h, 0, &e);
    assert_non_null(blk);
    assert_false(blk->can_discard);
    blk->ops->close(blk);
    bed_free(b);
}

/* One that nobody writes to would keep us, deaf to signals, for ever. */
static void test_image_that_is_a_pipe(void **state)
{
    struct bed *b = bed_new("pipe");
    struct err e = {.text = ""};

    assert_int_equal(mkfifo(b->path, 0600), 0);
    alarm(20);
    b->h.conf.ide[0].cdrom = b->h.conf.ide[0].read_only = true;
    assert_null(hvmd_open_image(&b->h, 0, &e));
    alarm(0);
    assert_non_null(strstr(e.text, "IDE unit 0"));
    assert_non_null(strstr(e.text, "neither a regular file nor"));
    bed_free(b);
}

/* -serial file: by another name, such as a link's. */
static void test_output_is_no_image(void **state)
{
    struct bed *b = bed_new("image");
    struct err e = {.text = ""};
    char other[80];
    FILE *f = fopen(b->path, "w");

    assert_non_null(f);
    fclose(f);
    snprintf(other, sizeof(other), "%s/log", b->dir);
    assert_int_equal(hvmd_spare_images(&b->h.conf, "-serial", other, &e), 0);
    assert_int_equal(symlink("image", other), 0);
    assert_int_equal(hvmd_spare_images(&b->h.conf, "-serial", other, &e),
                     -EINVAL);
    assert_non_null(strstr(e.text, "-serial"));
    assert_non_null(strstr(e.text, "image of IDE unit 0"));
    unlink(other);
    bed_free(b);
}

/* Where mknod() is allowed; the device itself need not be there. */
static void test_two_nodes_of_a_block_device(void **state)
{
    struct bed *b = bed_new("node");
    struct err e = {.text = ""};
    char other[80];

    snprintf(other, sizeof(other), "%s/other", b->dir);
    if (mknod(b->path, S_IFBLK | 0600, makedev(7, 255)) ||
        mknod(other, S_IFBLK | 0600, makedev(7, 255))) {
        bed_free(b);
        skip();
    }
    b->h.conf.ide[1] =
        (struct argv_ide){.present = true, .discard = true, .file = other};
    assert_null(hvmd_open_image(&b->h, 1, &e));
    assert_non_null(strstr(e.text, "is IDE unit 0 and unit 1"));
    unlink(other);
    bed_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_discard_off),
        cmocka_unit_test(test_image_that_is_a_pipe),
        cmocka_unit_test(test_output_is_no_image),
        cmocka_unit_test(test_two_nodes_of_a_block_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
