/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "raw_rig.h"

/*
 * CVE-2008-2004, XSA-258: a guest writes the header of an image format, which
 * names a file of the host, to its disk. Opened again it is what it was: bytes.
 */
static void test_cve_2008_2004_xsa_258_cve_2018_10472_no_probing(void **state)
{
    static const struct {
        const char *magic;
        size_t len;
    } row[] = {{"QFI\xfb\0\0\0\2\0\0\0\0\0\0\0\x48\0\0\0\x0b\0\0\0\x10", 24},
               {"QFI\xfb\0\0\0\3\0\0\0\0\0\0\0\x68\0\0\0\x0b\0\0\0\x10", 24},
               {"KDMV\1\0\0\0", 8},
               {"COWD", 4},
               {"conectix\0\0\0\2", 12},
               {"vhdxfile", 8},
               {"QED\0", 4},
               {"<<< Oracle VM VirtualBox Disk Image >>>\n", 40},
               {"# Disk DescriptorFile\nRW 63 FLAT \"/etc/shadow\" 0\n", 50},
               {"WithoutFreeSpace", 16}};
    uint8_t *out = malloc(MIB), *in = malloc(MIB);
    struct err e = {""};
    struct rig g;
    size_t i;

    assert_non_null(out);
    assert_non_null(in);
    rig_open(&g, "/var/tmp", MIB, O_RDWR);
    for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        unsigned ro;

        fill(out, MIB, (unsigned)i);
        memcpy(out, row[i].magic, row[i].len);
        memcpy(out + 0x48, "/etc/passwd", 11);
        assert_int_equal(rig_do(&g, BLK_WRITE, 0, out, MIB), 0);
        for (ro = 0; ro < 2; ro++) { /* as a disk, as a CD */
            g.b->ops->close(g.b);
            g.b = blk_raw_open(g.pool, open(g.path, ro ? O_RDONLY : O_RDWR), ro,
                               g.path, &e);
            assert_non_null(g.b);
            assert_int_equal(g.b->size_bytes, MIB);
            memset(in, 0, MIB);
            assert_int_equal(rig_do(&g, BLK_READ, 0, in, MIB), 0);
            assert_memory_equal(in, out, MIB);
        }
        g.b->ops->close(g.b);
        g.b = blk_raw_open(g.pool, open(g.path, O_RDWR), false, g.path, &e);
        assert_non_null(g.b);
    }
    rig_close(&g);
    free(out);
    free(in);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cve_2008_2004_xsa_258_cve_2018_10472_no_probing),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
