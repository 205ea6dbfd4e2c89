/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What toolstacks do with media, CPUs and devices: the dialogues of libxl,
 * xenopsd and xenstat as they are on the wire, kept for good; and what people
 * type behind xl qemu-monitor-command.
 */
#include "qmp_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK(id) "{\"return\":{},\"id\":" #id "}"

static int disc(const char *text, int flags)
{
    char path[] = "/tmp/hvmd-disc-XXXXXX";
    int fd = mkstemp(path), again;

    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    again = open(path, flags | O_CLOEXEC);
    unlink(path);
    close(fd);
    return again;
}

static void hello(struct client *c, struct host *h)
{
    dial(c, h);
    expect_part(c, HELLO);
    say(c, "{\"execute\":\"qmp_capabilities\",\"id\":2020372736}\r\n");
    expect(c, OK(2020372736));
}

/* xl cd-insert, 4.17: all on one connection; the command's first byte comes
 * with the descriptor. */
static void test_libxl_cd_insert(void **state)
{
    struct host *h = *state;
    int fd = disc("disc A", O_RDONLY);
    unsigned before;
    struct client c;

    hello(&c, h);
    before = open_fds();
    say(&c, "{\"execute\":\"query-version\",\"id\":2020372737}\r\n");
    expect_part(&c, "\"id\":2020372737");
    say(&c, "{\"execute\":\"eject\",\"id\":2020372738,\"arguments\":"
            "{\"id\":\"ide-5632\"}}\r\n");
    expect(&c, OK(2020372738));
    send_fd(&c, "{", 1, &fd, 1);
    say(&c, "\"execute\":\"add-fd\",\"id\":2020372739,\"arguments\":"
            "{\"opaque\":\"raw:/srv/a.iso\"}}\r\n");
    expect_part(&c, "{\"return\":{\"fdset-id\":0,\"fd\":");
    say(&c, "{\"execute\":\"blockdev-change-medium\",\"id\":2020372740,"
            "\"arguments\":{\"format\":\"raw\",\"filename\":\"/dev/fdset/0\","
            "\"id\":\"ide-5632\"}}\r\n");
    expect(&c, OK(2020372740));
    assert_string_equal(h->first, "disc A");
    assert_string_equal(h->medium, "/srv/a.iso"); /* for xentop to match */
    assert_int_equal(open_fds(), before + 1);     /* in its set */
    hang_up(&c);
    assert_int_equal(open_fds(),
                     before - 2); /* and the connection's two ends */
    close(fd);
}

/* xl cd-eject, and what an older libxl says. */
static void test_libxl_cd_eject(void **state)
{
    struct host *h = *state;
    struct client c;

    strcpy(h->medium, "/a");
    hello(&c, h);
    say(&c, "{\"execute\":\"eject\",\"id\":1,\"arguments\":{\"id\":"
            "\"ide-5632\"}}\r\n");
    expect(&c, OK(1));
    assert_string_equal(h->medium, "");
    say(&c, "{\"execute\":\"eject\",\"id\":2,\"arguments\":{\"device\":"
            "\"ide-5632\"}}\r\n");
    expect(&c, OK(2));
    say(&c, "{\"execute\":\"change\",\"id\":3,\"arguments\":{\"device\":"
            "\"ide-5632\",\"target\":\"/etc/hostname\",\"arg\":\"raw\"}}\r\n");
    expect(&c, OK(3));
    assert_string_equal(h->medium, "/etc/hostname");
    say(&c, "{\"execute\":\"change\",\"id\":4,\"arguments\":{\"device\":"
            "\"vnc\",\"target\":\"password\",\"arg\":\"new\"}}\r\n");
    expect(&c, OK(4));
    assert_string_equal(h->password, "new");
    hang_up(&c);
}

static void one(struct host *h, const char *cmd, const char *part)
{
    struct client c;

    open_up(&c, h);
    say(&c, cmd);
    expect_part(&c, part);
    hang_up(&c);
}

/* xenopsd: a connection for each command, names of its own for drives; one
 * more connection listens, so that the descriptor lives from one to the next.
 * The rig has one socket of one client: the listener is held by hand. */
static void test_xenopsd(void **state)
{
    struct host *h = *state;
    int fd = disc("disc B", O_RDONLY), sv[2];
    struct qmp_client listener = {.label = "events", .in_max = 4096};
    struct qmp *q;
    struct client c;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv),
                     0);
    listener.fd = sv[0];
    q = qmp_serve(h->loop, &listener, &h->ctx);
    assert_non_null(q);
    h->locked = true;
    one(h,
        "{\"execute\":\"eject\",\"arguments\":{\"device\":\"ide1-cd0\","
        "\"force\":true}}",
        "{\"return\":{}}");
    assert_true(h->forced);
    open_up(&c, h);
    send_fd(&c, "{", 1, &fd, 1);
    say(&c, "\"execute\":\"add-fd\"}");
    expect_part(&c, "\"fdset-id\":0");
    hang_up(&c);
    one(h,
        "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"device\":"
        "\"ide1-cd0\",\"filename\":\"/dev/fdset/0\"}}",
        "{\"return\":{}}");
    assert_string_equal(h->first, "disc B");
    one(h, "{\"execute\":\"remove-fd\",\"arguments\":{\"fdset-id\":0}}",
        "{\"return\":{}}");
    assert_int_equal(h->ctx.fdset.n, 0);
    qmp_free(q);
    close(sv[1]);
    close(fd);
}

/* A wrong mode, format, drive, name: refused by class, nothing left open. */
static void test_bad_media(void **state)
{
    static const struct {
        const char *args, *class, *word;
    } row[] = {
        {"\"id\":\"ide-5632\",\"filename\":\"/dev/fdset/0\",\"format\":"
         "\"qcow2\"",
         "GenericError", "qcow2"},
        {"\"id\":\"ide-1\",\"filename\":\"/etc/hostname\",\"format\":\"raw\"",
         "DeviceNotFound", "ide-1"},
        {"\"id\":\"ide-5632\",\"filename\":\"/dev/fdset/1\"", "GenericError",
         "add-fd"},
        {"\"id\":\"ide-5632\",\"filename\":\"/dev/fdset/x\"", "GenericError",
         "/dev/fdset/x"},
        {"\"id\":\"ide-5632\",\"filename\":\"/nonexistent\"", "GenericError",
         "/nonexistent"},
        {"\"id\":\"ide-5632\",\"device\":\"ide-5632\",\"filename\":\"/a\"",
         "GenericError", "not both"},
        {"\"filename\":\"/a\"", "GenericError", "'id'"},
        {"\"id\":\"ide-5632\",\"filename\":\"/a\",\"read-only-mode\":"
         "\"read-write\"",
         "GenericError", "read-only"},
    };
    struct host *h = *state;
    int fd = disc("disc", O_WRONLY);
    unsigned before;
    char cmd[400];
    struct client c;

    hello(&c, h);
    send_fd(&c, "{", 1, &fd, 1);
    say(&c, "\"execute\":\"add-fd\"}");
    expect_part(&c, "\"fdset-id\":0");
    before = open_fds();
    /* it may be written, not read */
    say(&c, "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"id\":"
            "\"ide-5632\",\"filename\":\"/dev/fdset/0\"}}");
    expect_part(&c, "open for reading");
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        const char *got;

        snprintf(cmd, sizeof(cmd),
                 "{\"execute\":\"blockdev-change-medium\",\"arguments\":{%s}}",
                 row[i].args);
        say(&c, cmd);
        got = hear(&c);
        if (!strstr(got, row[i].class) || !strstr(got, row[i].word))
            fail_msg("%s: got %s", cmd, got);
        test_free((void *)(uintptr_t)got);
    }
    say(&c, "{\"execute\":\"eject\",\"arguments\":{\"id\":\"floppy0\"}}");
    expect_part(&c, "\"DeviceNotFound\",\"desc\":\"Device 'floppy0' not found");
    assert_int_equal(open_fds(), before);
    assert_string_equal(h->medium, "");
    hang_up(&c);
    close(fd);
}

/* Many descriptors, by many commands: all but those in sets are closed. */
static void test_fd_flood(void **state)
{
    struct host *h = *state;
    int fd = disc("x", O_RDONLY);
    unsigned before = open_fds(), refused = 0;
    struct client c;

    open_up(&c, h);
    for (unsigned i = 0; i < 100; i++) {
        const char *got;
        int three[3] = {fd, fd, fd};

        send_fd(&c, "{", 1, three, 3);
        say(&c, "\"execute\":\"add-fd\"}");
        got = hear(&c);
        refused += strstr(got, "GenericError") != NULL;
        test_free((void *)(uintptr_t)got);
        assert_true(open_fds() <= before + 2 + FDSET_FDS);
    }
    assert_int_equal(refused, 100 - FDSET_FDS);
    say(&c, "{\"execute\":\"add-fd\",\"arguments\":{\"fdset-id\":"
            "9223372036854775807}}");
    expect_part(&c, "GenericError");
    hang_up(&c);
    assert_int_equal(open_fds(), before);
    close(fd);
}

/* xentop: no id, no end of line, an answer at once. */
static void test_xenstat(void **state)
{
    struct host *h = *state;
    const char *got;
    struct client c;

    strcpy(h->medium, "/srv/a.iso");
    dial(&c, h);
    expect_part(&c, HELLO);
    say(&c, "{ \"execute\": \"qmp_capabilities\" }");
    expect(&c, "{\"return\":{}}");
    say(&c, "{ \"execute\": \"query-blockstats\" }");
    got = hear(&c);
    assert_non_null(strstr(got, "{\"device\":\"ide0-hd0\",\"qdev\":\"ide0-hd0\""
                                ",\"stats\":{\"rd_bytes\":512,\"wr_bytes\":1024"
                                ",\"rd_operations\":2,\"wr_operations\":1,"));
    assert_non_null(strstr(got, "{\"device\":\"ide-5632\",\"qdev\":\"ide-5632\""
                                ",\"stats\":{\"rd_bytes\":4096,"));
    test_free((void *)(uintptr_t)got);
    say(&c, "{ \"execute\": \"query-block\" }");
    got = hear(&c);
    assert_non_null(strstr(got, "\"device\":\"ide-5632\""));
    assert_non_null(strstr(got, "\"inserted\":{\"file\":\"/srv/a.iso\","));
    assert_non_null(strstr(got, "\"tray_open\":false"));
    test_free((void *)(uintptr_t)got);
    h->medium[0] = 0;
    say(&c, "{ \"execute\": \"query-block\" }");
    got = hear(&c);
    assert_null(strstr(got, "a.iso"));
    assert_non_null(strstr(got, "\"tray_open\":true,\"io-status\":\"ok\"}"));
    test_free((void *)(uintptr_t)got);
    hang_up(&c);
}

/* xl vcpu-set: which there are, what they are, those to come. */
static void test_vcpu_set(void **state)
{
    struct host *h = *state;
    const char *got;
    struct client c;

    hello(&c, h);
    say(&c, "{\"execute\":\"query-cpus-fast\",\"id\":1}\r\n");
    got = hear(&c);
    assert_null(strstr(got, "\"cpu-index\":1,"));
    test_free((void *)(uintptr_t)got);
    say(&c, "{\"execute\":\"query-hotpluggable-cpus\",\"id\":2}\r\n");
    expect_part(&c, "{\"return\":[{\"type\":\"xen-x86_64-cpu\","
                    "\"vcpus-count\":1,\"props\":{\"socket-id\":3,"
                    "\"core-id\":0,\"thread-id\":0},\"qom-path\":");
    say(&c, "{\"execute\":\"device_add\",\"id\":3,\"arguments\":{\"id\":"
            "\"cpu-1\",\"driver\":\"xen-x86_64-cpu\",\"socket-id\":1,"
            "\"core-id\":0,\"thread-id\":0}}\r\n");
    expect(&c, OK(3));
    assert_int_equal(h->cpus, 0xf);
    say(&c, "{\"execute\":\"device_del\",\"id\":4,\"arguments\":{\"id\":"
            "\"cpu-2\"}}");
    expect(&c, OK(4));
    say(&c, "{\"execute\":\"cpu-add\",\"id\":5,\"arguments\":{\"id\":2}}");
    expect(&c, OK(5));
    assert_int_equal(h->cpus, 0xf);
    say(&c, "{\"execute\":\"query-cpus\",\"id\":6}");
    expect_part(&c, "{\"CPU\":1,\"current\":false,\"halted\":false,");
    hang_up(&c);
}

static void test_bad_devices(void **state)
{
    static const struct {
        const char *cmd, *class, *word;
    } row[] = {
        {"device_add\",\"arguments\":{\"driver\":\"xen-pci-passthrough\","
         "\"id\":\"pci-pt-01_00.0\",\"hostaddr\":\"0000:01:00.0\","
         "\"permissive\":true}",
         "GenericError", "PCI passthrough is not served"},
        {"device_add\",\"arguments\":{\"driver\":\"piix3-usb-uhci\",\"id\":"
         "\"xenusb-0\"}",
         "GenericError", "there is no USB"},
        {"device_add\",\"arguments\":{\"driver\":\"nec-usb-xhci\",\"id\":"
         "\"xenusb-0\",\"p2\":\"4\"}",
         "GenericError", "there is no USB"},
        {"device_add\",\"arguments\":{\"driver\":\"usb-host\",\"bus\":"
         "\"xenusb-0.0\"}",
         "GenericError", "there is no USB"},
        {"device_add\",\"arguments\":{\"driver\":\"e1000\"}", "GenericError",
         "e1000"},
        {"device_add\",\"arguments\":{\"driver\":\"xen-x86_64-cpu\","
         "\"socket-id\":1,\"core-id\":0}",
         "GenericError", "thread-id"},
        {"device_add\",\"arguments\":{\"driver\":\"xen-x86_64-cpu\","
         "\"socket-id\":9223372036854775807,\"core-id\":0,\"thread-id\":0}",
         "GenericError", "maxvcpus="},
        {"device_add\",\"arguments\":{\"driver\":\"xen-x86_64-cpu\","
         "\"socket-id\":\"1\",\"core-id\":0,\"thread-id\":0}",
         "GenericError", "integer"},
        {"device_add\",\"arguments\":{\"id\":\"x\"}", "GenericError", "driver"},
        {"cpu-add\",\"arguments\":{\"id\":-1}", "GenericError", "maxvcpus="},
        {"cpu-add\",\"arguments\":{\"id\":4}", "GenericError", "0 to 3"},
        {"device_del\",\"arguments\":{\"id\":\"pci-pt-01_00.0\"}",
         "DeviceNotFound", "pci-pt"},
        {"device_del\",\"arguments\":{\"id\":\"cpu-1x\"}", "DeviceNotFound",
         "cpu-1x"},
        {"device_del\",\"arguments\":{\"id\":\"cpu- 1\"}", "DeviceNotFound",
         "cpu- 1"},
        {"nbd-server-start\"", "CommandNotFound", "nbd"},
        {"xen-colo-do-checkpoint\"", "CommandNotFound", "colo"},
        {"xen-load-devices-state\",\"arguments\":{\"filename\":\"/a\"}",
         "CommandNotFound", "load"},
        {"query-spice\"", "CommandNotFound", "spice"},
    };
    struct host *h = *state;
    struct client c;
    char cmd[400];

    open_up(&c, h);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        const char *got;

        snprintf(cmd, sizeof(cmd), "{\"execute\":\"%s}", row[i].cmd);
        say(&c, cmd);
        got = hear(&c);
        if (!strstr(got, row[i].class) || !strstr(got, row[i].word))
            fail_msg("%s: got %s", cmd, got);
        test_free((void *)(uintptr_t)got);
    }
    assert_int_equal(h->cpus, 0xd);
    hang_up(&c);
}

static void test_pci(void **state)
{
    struct host *h = *state;
    struct client c;

    h->ctx.uuid = "11111111-2222-3333-4444-555555555555";
    open_up(&c, h);
    say(&c, "{\"execute\":\"query-pci\"}");
    expect(&c,
           "{\"return\":[{\"bus\":0,\"devices\":[{\"bus\":0,\"slot\":1,"
           "\"function\":1,\"qdev_id\":\"\",\"class_info\":{\"class\":257,"
           "\"desc\":\"IDE controller\"},\"id\":{\"vendor\":32902,\"device\":"
           "28688,\"subsystem-vendor\":0,\"subsystem\":0},\"irq_pin\":0,"
           "\"regions\":[{\"bar\":4,\"type\":\"io\",\"address\":49408,\"size\":"
           "16}]},{\"bus\":0,\"slot\":4,\"function\":0,\"qdev_id\":\"nic0\","
           "\"class_info\":{\"class\":512,\"desc\":\"Ethernet controller\"},"
           "\"id\":{\"vendor\":4332,\"device\":33081,\"subsystem-vendor\":0,"
           "\"subsystem\":0},\"irq\":11,\"irq_pin\":1,\"regions\":[{\"bar\":1,"
           "\"type\":\"memory\",\"address\":49408,\"size\":16,\"prefetch\":"
           "false,\"mem_type_64\":false}]}]}]}");
    say(&c, "{\"execute\":\"query-uuid\"}");
    expect(&c, "{\"return\":{\"UUID\":\"11111111-2222-3333-4444-555555555555\""
               "}}");
    hang_up(&c);
}

/* Types one line and wants that answer. */
static void type(struct client *c, const char *line, const char *want)
{
    char cmd[3200];

    snprintf(cmd, sizeof(cmd),
             "{\"execute\":\"human-monitor-command\",\"arguments\":{"
             "\"command-line\":\"%s\"}}",
             line);
    say(c, cmd);
    if (want[0] == '*') {
        expect_part(c, want + 1);
        return;
    }
    snprintf(cmd, sizeof(cmd), "{\"return\":\"%s\"}", want);
    expect(c, cmd);
}

static void test_monitor(void **state)
{
    static const struct {
        const char *line, *want; /* * before a part of it */
    } row[] = {
        {"info status", "VM status: running\\r\\n"},
        {"  info   status  ", "VM status: running\\r\\n"},
        {"stop", ""},
        {"info status", "VM status: paused\\r\\n"},
        {"c", ""},
        {"info block",
         "*ide-5632: [not inserted]\\r\\n    Attached to:      ide-5632"},
        {"change ide-5632 /etc/hostname raw", ""},
        {"info block", "*ide-5632: /etc/hostname (raw, read-only)\\r\\n"},
        {"eject -f ide-5632", ""},
        {"eject nothing", "Error: Device 'nothing' not found\\r\\n"},
        {"change ide-5632 /etc/hostname qcow2", "*Error: format 'qcow2'"},
        {"change vnc password geheim", ""},
        {"change vnc :1", "*Error: where VNC listens"},
        {"info chardev", "*libxl-cmd: filename=unix:"},
        {"info cpus", "*CPU #3: thread_id="},
        {"info name", ""},
        {"info network", "*nic0: index=0,type=nic,model=rtl8139,macaddr="
                         "00:16:3e:01:02:00,link="},
        {"info pci", "*Bus  0, device   4, function 0:\\r\\n    Ethernet "
                     "controller: PCI device 10ec:8139\\r\\n"},
        {"info version", "7.2.0hvmd " HVMD_VERSION "\\r\\n"},
        {"info vnc", "*Server: 127.0.0.1:5901\\r\\n"},
        {"info blockstats", "*ide0-hd0: rd_bytes=512 wr_bytes=1024"},
        {"info uuid", "unknown\\r\\n"},
        {"info", "*info block  -- show drives"},
        {"info registers", "unknown command: 'info registers'\\r\\n"},
        {"help", "*sendkey keys [hold_ms] -- press keys"},
        {"help info", "*info vnc"},
        {"? eject", "eject [-f] drive -- take the medium out (-f: without "
                    "asking the guest)\\r\\n"},
        {"frob x y", "unknown command: 'frob x y'\\r\\n"},
        {"info stat\\u0001us", "unknown command: 'info stat\\\\x01us'\\r\\n"},
        {"", ""},
        {"eject", "*eject [-f] drive"},
        {"stop now", "*stop|s"},
        {"a b c d e f g h", "too many words\\r\\n"},
        {"set_link nic0 on", ""},
        {"set_link nic0 up", "set_link: say on or off\\r\\n"},
        {"set_link nic9 on", "Error: Device 'nic9' not found\\r\\n"},
        {"screendump \\\"/tmp/a b.ppm\\\"", ""},
        {"screendump x", "Error: the command failed\\r\\n"},
        {"system_reset", ""},
        {"system_powerdown",
         "Error: the command is not available here\\r\\n"}, /* in the rig */
        {"sendkey ctrl-alt-delete", ""},
    };
    struct host *h = *state;
    struct client c;
    static const uint8_t cad[] = {0x1d, 0x38, 0xd3};

    open_up(&c, h);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        type(&c, row[i].line, row[i].want);
    assert_int_equal(h->nkeys, 3);
    assert_memory_equal(h->keys, cad, 3);
    assert_int_equal(h->hold_ms, 100);
    assert_string_equal(h->password, "geheim");
    assert_string_equal(h->dump, "/tmp/a b.ppm");
    assert_true(h->link);
    assert_int_equal(h->resets, 1);
    type(&c, "sendkey 0x1e 50", "");
    assert_int_equal(h->keys[0], 0x1e);
    assert_int_equal(h->hold_ms, 50);
    type(&c, "sendkey a-frob", "Error: unknown key: 'frob'\\r\\n");
    type(&c, "sendkey a-", "Error: unknown key: ''\\r\\n");
    type(&c, "sendkey a -1", "*sendkey: hold keys for");
    type(&c, "sendkey a 99999999999999999999", "*sendkey: hold keys for");
    type(&c, "sendkey a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a",
         "Error: more than 16 keys at once\\r\\n");
    hang_up(&c);
}

static void test_long_line(void **state)
{
    char *line = test_malloc(6000), cmd[200];
    struct client c;

    open_up(&c, *state);
    for (size_t len = 4096; len <= 4097; len++) {
        memset(line, 'x', len);
        line[len] = 0;
        snprintf(cmd, sizeof(cmd),
                 "{\"execute\":\"human-monitor-command\",\"arguments\":{"
                 "\"command-line\":\"");
        say(&c, cmd);
        say(&c, line);
        say(&c, "\"}}");
        expect_part(&c, len == 4096 ? "unknown command: 'xxx" : "longer than");
    }
    test_free(line);
    hang_up(&c);
}

/* Lines of words that fit and that do not: each gets an answer. */
static void test_noise(void **state)
{
    static const char *const word[] = {
        "eject",    "change",   "info", "block", "pci",      "sendkey",
        "ctrl-alt", "-f",       "raw",  "stop",  "ide-5632", "vnc",
        "help",     "set_link", "nic0", "on",    "\\\"",     "\\\"a b",
        "/a\\t/b",  "0x",       "-",    "%s%n",  "\\u00e4",  "c",
        "info",     "status",   "",     "  "};
    const unsigned words = sizeof(word) / sizeof(word[0]);
    struct host *h = *state;
    uint32_t seed = 1;
    struct client c;

    open_up(&c, h);
    for (unsigned i = 0; i < 3000; i++) {
        char cmd[600] = "{\"execute\":\"human-monitor-command\",\"arguments\":"
                        "{\"command-line\":\"";

        for (unsigned n = seed >> 8 & 7; n; n--) {
            seed = seed * 1664525 + 1013904223;
            strcat(cmd, word[(seed >> 16) % words]);
            strcat(cmd, " ");
        }
        seed = seed * 1664525 + 1013904223;
        strcat(cmd, "\"}}");
        say(&c, cmd);
        expect_part(&c, "{\"return\":\"");
    }
    hang_up(&c);
}

/* CVE-2015-8619: sendkey of a name that is longer than its buffer. */
static void test_cve_2015_8619_long_sendkey(void **state)
{
    struct host *h = *state;
    char line[3000];
    struct client c;

    open_up(&c, h);
    for (size_t len = 1; len < 2000; len += len / 2 + 1) {
        size_t at = (size_t)snprintf(line, sizeof(line), "sendkey ");

        memset(line + at, 'q', len);
        line[at + len] = 0;
        if (len == 1)
            type(&c, line, "");
        else
            type(&c, line, "*Error: ");
        line[at + len / 2] = '-';
        if (len > 3)
            type(&c, line, "*Error: ");
    }
    hang_up(&c);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(test_libxl_cd_insert),
        T(test_libxl_cd_eject),
        T(test_xenopsd),
        T(test_bad_media),
        T(test_fd_flood),
        T(test_xenstat),
        T(test_vcpu_set),
        T(test_bad_devices),
        T(test_pci),
        T(test_monitor),
        T(test_long_line),
        T(test_noise),
        T(test_cve_2015_8619_long_sendkey),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
