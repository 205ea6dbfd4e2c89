/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What qemu-dm finds in xenstore, as libxl 4.17 and xend leave it there. */
#include "trad_store.h"
#include "xs_fake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bed {
    struct xs_fake *f;
    struct hvmd_conf c;
    struct trad_cds cds;
};

static int setup(void **state)
{
    struct bed *b = test_calloc(1, sizeof(*b));

    b->f = xs_fake_new();
    b->c.domid = 3;
    b->c.xen_platform = true;
    xs_fake_set(b->f, "/local/domain/3/memory/static-max", "262144");
    xs_fake_set(b->f, "/local/domain/3/memory/videoram", "4096");
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;

    argv_free(&b->c);
    xs_fake_free(b->f);
    test_free(b);
    return 0;
}

/* A disk in both places; type NULL: no nodes of the back end. */
static void disk(struct bed *b, const char *id, const char *kind,
                 const char *dev, const char *type, const char *params,
                 const char *mode, const char *device_type)
{
    static const char *const name[] = {"dev", "type", "params", "mode",
                                       "device-type"};
    const char *value[] = {dev, type, params, mode, device_type};
    char path[128], backend[128];

    snprintf(backend, sizeof(backend), "/local/domain/0/backend/%s/3/%s", kind,
             id);
    snprintf(path, sizeof(path), "/local/domain/3/device/vbd/%s/backend", id);
    xs_fake_set(b->f, path, backend);
    for (unsigned i = 0; i < 5; i++) {
        if (!value[i])
            continue;
        snprintf(path, sizeof(path), "%.100s/%s", backend, name[i]);
        xs_fake_set(b->f, path, value[i]);
    }
}

static int config(struct bed *b, struct err *e)
{
    struct xenstore *x;
    int rc;

    argv_free(&b->c);
    b->c.domid = 3;
    b->c.xen_platform = true;
    memset(e, 0, sizeof(*e));
    x = xs_ctl_open(3, e);
    assert_non_null(x);
    rc = trad_store_config(x, &b->c, &b->cds, e);
    xs_ctl_close(x);
    return rc;
}

static void test_disks(void **state)
{
    struct bed *b = *state;
    struct err e;

    disk(b, "768", "vbd", "hda", "phy", "/img/a,b.img", "w", "disk");
    disk(b, "832", "vbd", "hdb", "phy", "vg/lv", "w", "disk");
    disk(b, "5632", "qdisk", "hdc", "qdisk", "aio:/img/cd.iso", "r", "cdrom");
    disk(b, "5696", "qdisk", "hdd", "qdisk", "", "r", "cdrom");
    disk(b, "51712", "vbd", "xvda", "phy", "/img/pv", "w", "disk");
    xs_fake_set(b->f, "device-model/3/command", "save");
    xs_fake_set(b->f, "device-model/3/logdirty/cmd", "enable");
    assert_int_equal(config(b, &e), 0);
    assert_int_equal(b->c.ram_mib, 252);
    assert_true(b->c.xen_platform);
    assert_string_equal(b->c.ide[0].file, "/img/a,b.img");
    assert_true(b->c.ide[0].present && !b->c.ide[0].cdrom &&
                !b->c.ide[0].read_only && b->c.ide[0].discard);
    assert_string_equal(b->c.ide[1].file, "/dev/vg/lv");
    assert_string_equal(b->c.ide[2].file, "/img/cd.iso");
    assert_true(b->c.ide[2].cdrom && b->c.ide[2].read_only);
    assert_true(b->c.ide[3].present && b->c.ide[3].cdrom);
    assert_null(b->c.ide[3].file);
    assert_string_equal(b->cds.backend[2],
                        "/local/domain/0/backend/qdisk/3/5632");
    assert_string_equal(b->cds.type[3], "qdisk");
    assert_string_equal(b->cds.backend[0], "");
    /* a former qemu-dm's */
    assert_false(xs_fake_get(b->f, "device-model/3/command", e.text, 9));
    assert_false(xs_fake_get(b->f, "device-model/3/logdirty/cmd", e.text, 9));
}

/* libvirt has memory in KiB: the last of it is memory too. */
static void test_memory_of_no_whole_mib(void **state)
{
    struct bed *b = *state;
    struct err e;

    xs_fake_set(b->f, "/local/domain/3/memory/static-max", "262148");
    assert_int_equal(config(b, &e), 0);
    assert_int_equal(b->c.ram_mib, 253);
}

/* xend's nodes: no device-type on the back end's side, tap disks. */
static void test_xend(void **state)
{
    struct bed *b = *state;
    struct err e;

    disk(b, "51712", "vbd", "xvda", "file", "/img/a", "w", NULL);
    disk(b, "51728", "tap", "xvdb", "tap", "aio:/img/b", "w", NULL);
    disk(b, "51744", "vbd", "xvdc", "phy", "sr0", "r", NULL);
    xs_fake_set(b->f, "/local/domain/3/device/vbd/51744/device-type", "cdrom");
    disk(b, "51776", "vbd", "xvde", "phy", "/img/e", "w", NULL);
    xs_fake_set(b->f, "device-model/3/disable_pf", "1");
    xs_fake_set(b->f, "/local/domain/3/memory/videoram", NULL);
    assert_int_equal(config(b, &e), 0);
    assert_int_equal(b->c.ram_mib, 256);
    assert_false(b->c.xen_platform);
    assert_string_equal(b->c.ide[0].file, "/img/a");
    assert_string_equal(b->c.ide[1].file, "/img/b");
    assert_string_equal(b->c.ide[2].file, "/dev/sr0");
    assert_true(b->c.ide[2].cdrom);
    assert_false(b->c.ide[3].present);
}

static void refused(struct bed *b, int code, const char *word)
{
    struct err e;

    assert_int_equal(config(b, &e), code);
    if (!strstr(e.text, word))
        fail_msg("'%s' is not in: %s", word, e.text);
}

static void test_refused(void **state)
{
    struct bed *b = *state;

    disk(b, "768", "qdisk", "hda", "qdisk", "qcow2:/img/a", "w", "disk");
    refused(b, -ENOTSUP, "qemu-img convert");
    disk(b, "768", "qdisk", "hda", "qdisk", "/img/a", "w", "disk");
    refused(b, -ENOTSUP, "hda");
    disk(b, "768", "qdisk", "hda", "vhd", "/img/a", "w", "disk");
    refused(b, -ENOTSUP, "vhd");
    disk(b, "768", "qdisk", "hda", "phy", "", "w", "disk");
    refused(b, -EINVAL, "no image");
    disk(b, "768", "qdisk", "hda", "phy", "/img/a", "r", "disk");
    refused(b, -ENOTSUP, "read-only");
    disk(b, "768", "qdisk", "hda", "phy", "/img/a", "w", "disk");
    disk(b, "769", "vbd", "hda", "phy", "/img/b", "w", "disk");
    refused(b, -EINVAL, "taken twice");
    xs_fake_set(b->f, "/local/domain/0/backend/vbd/3/769/dev", "sda");
    refused(b, -ENOTSUP, "SCSI");
    xs_fake_set(b->f, "/local/domain/0/backend/vbd/3/769/dev", "hdb");
    xs_fake_set(b->f, "/local/domain/0/backend/vbd/3/769/params", NULL);
    refused(b, -EINVAL, "backend/vbd/3/769/params");
    xs_fake_set(b->f, "/local/domain/3/memory/static-max", "lots");
    refused(b, -EINVAL, "-m MiB");
    xs_fake_set(b->f, "/local/domain/3/memory/static-max", "4096");
    refused(b, -EINVAL, "static-max");
}

/* Back ends that a frontend points to are its own in dom0, or none. */
static void test_strangers(void **state)
{
    static const char *const backend[] = {"/local/domain/0/backend/vbd/4/768",
                                          "/local/domain/5/backend/vbd/3/768",
                                          "/local/domain/0/backend/vbd/3/832",
                                          "/local/domain/3/mine", ""};
    struct bed *b = *state;
    char path[128];
    struct err e;

    for (unsigned i = 0; i < sizeof(backend) / sizeof(backend[0]); i++) {
        snprintf(path, sizeof(path), "%s/dev", backend[i]);
        if (*backend[i])
            xs_fake_set(b->f, path, "hda");
        xs_fake_set(b->f, "/local/domain/3/device/vbd/768/backend", backend[i]);
        assert_int_equal(config(b, &e), 0);
        assert_false(b->c.ide[0].present);
    }
    xs_fake_set(b->f, "/local/domain/3/device/vbd/..x/backend", "/y");
    assert_int_equal(config(b, &e), 0);
}

static void test_names(void **state)
{
    char out[16];
    struct err e;

    assert_int_equal(trad_unit("hda", false), 0);
    assert_int_equal(trad_unit("hdd", false), 3);
    assert_int_equal(trad_unit("hde", false), -1);
    assert_int_equal(trad_unit("hda1", false), -1);
    assert_int_equal(trad_unit("xvdb", false), -1);
    assert_int_equal(trad_unit("xvdb", true), 1);
    assert_int_equal(trad_unit("", true), -1);
    assert_int_equal(trad_image("qdisk", "aio:", out, sizeof(out), &e), 0);
    assert_string_equal(out, "");
    assert_int_equal(trad_image("tap", "raw:/a:b", out, sizeof(out), &e), 0);
    assert_string_equal(out, "/a:b");
    assert_int_equal(trad_image("phy", "/a:b", out, sizeof(out), &e), 0);
    assert_string_equal(out, "/a:b");
    assert_int_equal(
        trad_image("file", "/0123456789abcdef", out, sizeof(out), &e), -EINVAL);
}

static void test_password(void **state)
{
    struct bed *b = *state;
    struct xenstore *x;
    char word[16];
    struct err e;

    x = xs_ctl_open(3, &e);
    assert_non_null(x);
    trad_store_password(x, 3, word, sizeof(word));
    assert_string_equal(word, "");
    xs_fake_set(b->f, "/local/domain/3/vm", "/vm/0-1-2");
    trad_store_password(x, 3, word, sizeof(word));
    assert_string_equal(word, "");
    xs_fake_set(b->f, "/vm/0-1-2/vncpasswd", "secret");
    trad_store_password(x, 3, word, sizeof(word));
    assert_string_equal(word, "secret");
    assert_true(xs_fake_get(b->f, "/vm/0-1-2/vncpasswd", word, sizeof(word)));
    assert_string_equal(word, "");
    /* not a folder of ours */
    xs_fake_set(b->f, "/local/domain/3/vm", "/etc");
    xs_fake_set(b->f, "/etc/vncpasswd", "other");
    trad_store_password(x, 3, word, sizeof(word));
    assert_string_equal(word, "");
    xs_ctl_close(x);
}

static void test_tell(void **state)
{
    const char *tty[MACHINE_SERIALS] = {"/dev/pts/3", NULL, "/dev/pts/5"};
    struct bed *b = *state;
    struct xenstore *x;
    char text[32];
    struct err e;

    x = xs_ctl_open(3, &e);
    assert_non_null(x);
    assert_int_equal(trad_store_tell(x, 3, "5901", tty, &e), 0);
    xs_fake_get(b->f, "/local/domain/3/console/vnc-port", text, sizeof(text));
    assert_string_equal(text, "5901");
    xs_fake_get(b->f, "/local/domain/3/serial/0/tty", text, sizeof(text));
    assert_string_equal(text, "/dev/pts/3");
    xs_fake_get(b->f, "/local/domain/3/console/tty", text, sizeof(text));
    assert_string_equal(text, "/dev/pts/3");
    assert_false(xs_fake_get(b->f, "/local/domain/3/serial/1/tty", text, 9));
    xs_fake_get(b->f, "/local/domain/3/serial/2/tty", text, sizeof(text));
    assert_string_equal(text, "/dev/pts/5");
    /* xenconsoled's stays */
    xs_fake_set(b->f, "/local/domain/3/console/tty", "/dev/pts/9");
    assert_int_equal(trad_store_tell(x, 3, NULL, tty, &e), 0);
    xs_fake_get(b->f, "/local/domain/3/console/tty", text, sizeof(text));
    assert_string_equal(text, "/dev/pts/9");
    xs_ctl_close(x);
}

#define B(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        B(test_disks),    B(test_xend),      B(test_memory_of_no_whole_mib),
        B(test_refused),  B(test_strangers), cmocka_unit_test(test_names),
        B(test_password), B(test_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
