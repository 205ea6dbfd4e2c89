/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command lines of qemu-dm that libxl and xend write. */
#include "opts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS 64

/* Splits at blanks; '' is an empty word. */
static int parse(struct hvmd_conf *c, const char *line, struct err *e)
{
    char *copy = strdup(line), *argv[WORDS], *word, *save = NULL;
    int argc = 0, rc;

    assert_non_null(copy);
    for (word = strtok_r(copy, " \n", &save); word;
         word = strtok_r(NULL, " \n", &save)) {
        assert_true(argc < WORDS);
        argv[argc++] = strcmp(word, "''") ? word : word + 2;
    }
    memset(e, 0, sizeof(*e));
    rc = argv_parse(c, argc, argv, e);
    free(copy);
    return rc;
}

static void good(struct hvmd_conf *c, const char *line)
{
    struct err e;

    if (parse(c, line, &e))
        fail_msg("refused: %s", e.text);
}

/* The line of the dialect's users, whole as xend writes it. */
static const char classic[] =
    "/usr/lib/xen/bin/qemu-dm -d 3 -domain-name win2008r2 -videoram 4 "
    "-k en-us -vnc 127.0.0.1:0 -vncunused -vcpus 2 -vcpu_avail 0x3L -boot c "
    "-serial pty -acpi -usbdevice tablet "
    "-net nic,vlan=1,macaddr=00:16:3e:11:22:33,model=rtl8139 "
    "-net tap,vlan=1,ifname=tap3.0,bridge=xenbr0 -M xenfv";

static void test_classic(void **state)
{
    static const uint8_t mac[6] = {0, 0x16, 0x3e, 0x11, 0x22, 0x33};
    struct hvmd_conf c;

    good(&c, classic);
    assert_true(c.trad && c.action == ARGV_RUN);
    assert_int_equal(c.domid, 3);
    assert_string_equal(c.name, "win2008r2");
    assert_int_equal(c.nmons, 0);
    assert_int_equal(c.vga, VGA_CIRRUS);
    assert_int_equal(c.vgamem_mib, 4);
    assert_string_equal(c.keymap, "en-us");
    assert_true(c.vnc.on && !c.vnc.password);
    assert_string_equal(c.vnc.text, "127.0.0.1:0,to=99");
    assert_int_equal(c.vnc.to, 99);
    assert_int_equal(c.vcpus, 2);
    assert_int_equal(c.max_vcpus, 2);
    assert_string_equal(c.boot_order, "c");
    assert_string_equal(c.serial[0], "pty");
    assert_true(c.acpi && c.xen_platform && !c.prelaunch);
    assert_int_equal(c.nnics, 1);
    assert_memory_equal(c.nic[0].mac, mac, 6);
    assert_string_equal(c.nic[0].id, "nic1");
    assert_int_equal(c.nic[0].netdev, 0);
    assert_string_equal(c.netdev[0].ifname, "tap3.0");
    assert_string_equal(c.netdev[0].bridge, "xenbr0");
    assert_true(c.netdev[0].join);
    assert_int_equal(c.ram_mib, 0); /* xenstore's to say */
    assert_null(c.loadvm);
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        assert_false(c.ide[i].present);
    assert_int_equal(c.nnotes, 2); /* Cirrus, no USB */
    assert_non_null(strstr(c.note[1], "cirrus"));
    argv_free(&c);
}

/* libxl 4.17 in the order of libxl__build_device_model_args_old(). */
static void test_libxl(void **state)
{
    struct hvmd_conf c;

    good(&c, "/x/qemu-dm -d 7 -domain-name g -vnc 0.0.0.0:200,password "
             "-vncunused -k de -serial pty -serial null -videoram 16 -std-vga "
             "-boot cda -usb -usbdevice tablet -vcpus 4 -vcpu_avail 0x05 "
             "-net nic,vlan=0,macaddr=00:16:3e:11:22:33,model=rtl8139 -net "
             "tap,vlan=0,ifname=vif7.0-emu,bridge=xenbr0,script=no,"
             "downscript=no "
             "-net nic,vlan=1,macaddr=00:16:3e:11:22:34,model=rtl8139 -net "
             "tap,vlan=1,ifname=vif7.1-emu,bridge=xenbr1,script=no,"
             "downscript=no -loadvm /var/lib/xen/qemu-resume.7 "
             "-control none -M xenfv");
    assert_true(c.vnc.password);
    assert_string_equal(c.vnc.text, "0.0.0.0:200,password=on,to=299");
    assert_int_equal(c.nserials, 2);
    assert_int_equal(c.vga, VGA_STD);
    assert_int_equal(c.vgamem_mib, 16);
    assert_string_equal(c.boot_order, "cda");
    assert_false(c.acpi);
    assert_int_equal(c.vcpus, 2);
    assert_int_equal(c.max_vcpus, 4);
    assert_int_equal(c.nnics, 2);
    assert_int_equal(c.nic[1].netdev, 1);
    assert_string_equal(c.netdev[1].ifname, "vif7.1-emu");
    assert_false(c.netdev[0].join || c.netdev[1].join);
    assert_string_equal(c.loadvm, "/var/lib/xen/qemu-resume.7");
    assert_string_equal(c.control, "none");
    assert_int_equal(c.nnotes, 1); /* no USB */
    argv_free(&c);
    /* one vCPU, no screen, no card; a mask wider than the machine */
    good(&c, "/x/qemu-dm-3 -d 7 -domain-name g -nographic -vga none -acpi "
             "-vcpu_avail 0xff -net none -M xenfv -m 512");
    assert_false(c.vnc.on);
    assert_int_equal(c.vga, VGA_NONE);
    assert_true(c.acpi);
    assert_int_equal(c.vcpus, 1);
    assert_int_equal(c.max_vcpus, 1);
    assert_int_equal(c.nnics, 0);
    assert_int_equal(c.ram_mib, 512);
    argv_free(&c);
}

static void test_forms(void **state)
{
    struct hvmd_conf c;

    good(&c, "hvmd -d 3"); /* by any name, with the least */
    assert_true(c.trad && c.xen_platform);
    assert_int_equal(c.vgamem_mib, 4);
    assert_int_equal(c.vcpus, 1);
    argv_free(&c);
    good(&c, "hvmd -d 3 -std-vga");
    assert_int_equal(c.vgamem_mib, 8);
    argv_free(&c);
    good(&c, "hvmd -d 3 -vga std -videoram 9");
    assert_int_equal(c.vga, VGA_STD);
    argv_free(&c);
    good(&c, "hvmd -d 3 -videoram 9");
    assert_int_equal(c.vgamem_mib, 8);
    argv_free(&c);
    good(&c, "hvmd -d 3 -vnc unix:/run/v -vncunused");
    assert_string_equal(c.vnc.text, "unix:/run/v");
    argv_free(&c);
    good(&c, "hvmd -d 3 -vnc :59630 -vncunused");
    assert_int_equal(c.vnc.to, 59635);
    argv_free(&c);
    good(&c, "hvmd -d 3 -net nic,macaddr=00:16:3e:00:00:01"); /* no cable */
    assert_int_equal(c.nnics, 1);
    assert_int_equal(c.nic[0].netdev, -1);
    argv_free(&c);
    /* what only looks like an option of qemu-dm is libxl's of qemu-xen */
    good(&c, "hvmd -xen-domid 1 -name -d -machine xenfv -m 240");
    assert_false(c.trad);
    assert_string_equal(c.name, "-d");
    assert_true(c.acpi);
    argv_free(&c);
    good(&c, "/opt/qemu-dm -xen-domid 1 -machine xenfv -m 240");
    assert_false(c.trad);
    argv_free(&c);
}

static const struct {
    const char *line, *word;
} bad[] = {
    {"qemu-dm -domain-name x", "-d is missing"},
    {"qemu-dm", "-d is missing"},
    {"-d 0", "-d"},
    {"-d 32752", "-d"},
    {"-d", "-d needs"},
    {"-d 3 -d 3", "twice"},
    {"-d 3 -domain-name ''", "-domain-name"},
    {"-d 3 -loadvm ''", "-loadvm"},
    {"-d 3 -videoram 0", "-videoram"},
    {"-d 3 -videoram 513", "-videoram"},
    {"-d 3 -videoram x", "-videoram"},
    {"-d 3 -vcpus 0", "-vcpus"},
    {"-d 3 -vcpus 129", "-vcpus"},
    {"-d 3 -vcpu_avail 0x", "-vcpu_avail"},
    {"-d 3 -vcpu_avail 0xg", "-vcpu_avail"},
    {"-d 3 -vcpu_avail 3,5", "-vcpu_avail"},
    {"-d 3 -vcpu_avail 0x00", "online"},
    {"-d 3 -xen-domid 4", "exclude"},
    {"-d 3 -sdl", "vnc=1"},
    {"-d 3 -gfx_passthru", "gfx_passthru="},
    {"-d 3 -soundhw es1370", "sound"},
    {"-d 3 -fda /x", "floppy"},
    {"-d 3 -isa", "isa="},
    {"-d 3 -monitor pty", "-monitor"},
    {"-d 3 -M xenpv", "xenpv"},
    {"-d 3 -M none", "-M none"},
    {"-d 3 -vnc nonsense", "nonsense"},
    {"-d 3 -vnc :0,tls", "tls"},
    {"-d 3 -usbdevice host:1.2", "host:1.2"},
    {"-d 3 -net user", "user"},
    {"-d 3 -net vlan=1", "none, nic or tap"},
    {"-d 3 -net nic,model=e1000", "model=rtl8139"},
    {"-d 3 -net nic,macaddr=nonsense", "-net nic,macaddr=nonsense"},
    {"-d 3 -net nic,macaddr=01:16:3e:00:00:01", "mac"},
    {"-d 3 -net nic,vlan=256", "vlan"},
    {"-d 3 -net nic,vlan=1 -net nic,vlan=1", "nic1"},
    {"-d 3 -net nic -net tap", "ifname="},
    {"-d 3 -net nic -net tap,ifname=a/b", "a/b"},
    {"-d 3 -net nic -net tap,ifname=a,script=/etc/xen/qemu-ifup", "scripts"},
    {"-d 3 -net nic -net tap,ifname=a,downscript=/x", "scripts"},
    {"-d 3 -net nic,vlan=2 -net tap,vlan=1,ifname=a", "vlan=1,ifname=a has no"},
    {"-d 3 -netdev tap,id=n,ifname=a", "-netdev n has no card"},
    {"-d 3 -netdev tap,id=network,ifname=a", "-netdev network has no card"},
    {"-d 3 -net nic,frob=1", "frob"},
    {"-xen-domid 3 -machine xenfv -m 64 -vncunused", "qemu-dm"},
    {"-xen-domid 3 -machine xenfv -m 64 -d 3", "qemu-dm"},
    {"-xen-domid 3 -machine xenfv -m 64 -sdl", "qemu-dm"},
    {"-xen-domid 3 -machine xenfv -m 64 -net nic", "-net"},
};

static void test_bad(void **state)
{
    struct hvmd_conf c;
    char line[256];
    struct err e;
    int rc;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(line, sizeof(line), "%s%s",
                 bad[i].line[0] == '-' ? "hvmd " : "", bad[i].line);
        rc = parse(&c, line, &e);
        if (rc != -EINVAL && rc != -ENOTSUP)
            fail_msg("row %zu accepted: %s", i, line);
        if (!strstr(e.text, bad[i].word))
            fail_msg("row %zu (%s): '%s' is not in: %s", i, bad[i].line,
                     bad[i].word, e.text);
        assert_null(strchr(e.text, '\n'));
        assert_null(c.strings);
    }
}

static void test_mutations(void **state)
{
    static const char put[] = ",=:-\x01 0";
    size_t len = sizeof(classic) - 1;
    char line[sizeof(classic)];
    struct hvmd_conf c;
    struct err e;

    for (size_t i = 26; i < len; i++) {
        for (unsigned k = 0; k < sizeof(put) - 1; k++) {
            memcpy(line, classic, sizeof(line));
            line[i] = put[k];
            if (!parse(&c, line, &e))
                argv_free(&c);
        }
        line[i] = 0;
        if (!parse(&c, line, &e))
            argv_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classic),   cmocka_unit_test(test_libxl),
        cmocka_unit_test(test_forms),     cmocka_unit_test(test_bad),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
