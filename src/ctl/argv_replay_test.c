/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults of other device models that options, or their absence, led to. */
#include "argv_lines.h"

#include <stdio.h>

/* XSA-119: vnc=0 and sdl=0, and a VNC server all the same. */
static void test_xsa_119_cve_2015_2152_no_vnc_unless_asked(void **state)
{
    static const char *const line[] = {BASE, BASE "-display none",
                                       BASE "-vnc none",
                                       BASE "-vnc none -display none"};
    struct hvmd_conf c;

    for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
        good(&c, line[i]);
        assert_false(c.vnc.on);
        assert_null(c.vnc.host);
        assert_null(c.vnc.path);
        assert_int_equal(c.nchardevs + c.nmons + c.nserials, 0);
        argv_free(&c);
    }
}

static void refused(const char *option, const char *value)
{
    struct hvmd_conf c;
    char line[300];
    struct err e;
    int rc;

    snprintf(line, sizeof(line), BASE "%s%s", option, value);
    rc = parse(&c, line, &e);
    if (rc != -EINVAL && rc != -ENOTSUP)
        fail_msg("accepted: %s", line);
}

/* A monitor that the guest's console or its viewers could reach. */
static void test_cve_2007_0998_xsa_19_no_monitor(void **state)
{
    static const char *const bad_line[] = {"-monitor stdio",
                                           "-monitor vc",
                                           "-monitor pty",
                                           "-monitor null",
                                           "-monitor tcp::4444,server",
                                           "-qmp stdio",
                                           "-qmp-pretty stdio",
                                           "-mon x",
                                           SOCK "-mon chardev=q,mode=readline",
                                           "-gdb stdio",
                                           "-s"};

    for (size_t i = 0; i < sizeof(bad_line) / sizeof(bad_line[0]); i++)
        refused(bad_line[i], "");
}

/* Tables of crafted images: no image format is read in this process. */
static void test_cve_2014_0142_to_0147_0222_0223_formats(void **state)
{
    static const char *const format[] = {
        "qcow",  "qcow2", "qed", "vmdk", "vdi", "vhdx",      "vpc",   "vhd",
        "bochs", "cloop", "dmg", "luks", "nbd", "parallels", "vvfat", "x"};

    for (size_t i = 0; i < sizeof(format) / sizeof(format[0]); i++) {
        refused("-drive file=/a,if=ide,index=0,media=disk,format=", format[i]);
        refused("-drive if=none,id=c,readonly=on,file=/a,format=", format[i]);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xsa_119_cve_2015_2152_no_vnc_unless_asked),
        cmocka_unit_test(test_cve_2007_0998_xsa_19_no_monitor),
        cmocka_unit_test(test_cve_2014_0142_to_0147_0222_0223_formats),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
