/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dialogues of libxl and xenstat as they were seen on the wire. */
#include "qmp_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void test_greeting(void **state)
{
    struct client c;
    struct stat st;

    assert_int_equal(stat(((struct host *)*state)->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    dial(&c, *state);
    expect(&c, HELLO "\"package\":\"hvmd " HVMD_VERSION
                     "\"},\"capabilities\":[]}}");
    hang_up(&c);
}

/* libxl 4.17 at start: a connection for each command, ids from 0x786c7100. */
static void test_libxl(void **state)
{
    static const struct {
        const char *cmd, *reply;
    } row[] = {
        {"{\"execute\":\"query-status\",\"id\":2020372737}\r\n",
         "{\"return\":{\"running\":true,\"singlestep\":false,"
         "\"status\":\"running\"},\"id\":2020372737}"},
        {"{\"execute\":\"query-vnc\",\"id\":2020372737}\r\n",
         "{\"return\":{\"enabled\":true,\"host\":\"127.0.0.1\","
         "\"service\":\"5901\",\"family\":\"ipv4\",\"auth\":\"vnc\","
         "\"clients\":[]},\"id\":2020372737}"},
        {"{\"execute\":\"change-vnc-password\",\"id\":2020372737,"
         "\"arguments\":{\"password\":\"s3cret\"}}\r\n",
         "{\"return\":{},\"id\":2020372737}"},
        {"{\"execute\":\"cont\",\"id\":2020372737}\r\n",
         "{\"return\":{},\"id\":2020372737}"},
        {"{\"execute\":\"query-replay\",\"id\":2020372737}\r\n",
         "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"there is no "
         "command 'query-replay'\"},\"id\":2020372737}"},
    };
    struct host *h = *state;
    struct client c;
    size_t i;

    for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        dial(&c, h);
        expect_part(&c, HELLO);
        say(&c, "{\"execute\":\"qmp_capabilities\",\"id\":2020372736}\r\n");
        expect(&c, "{\"return\":{},\"id\":2020372736}");
        say(&c, row[i].cmd);
        expect(&c, row[i].reply);
        quiet(&c);
        hang_up(&c);
    }
    assert_string_equal(h->password, "s3cret");
    assert_int_equal(h->conts, 1);
}

static void test_chardev(void **state)
{
    struct host *h = *state;
    struct chr serial = {.label = "serial0", .filename = "pty:/dev/pts/7"};
    char want[512];
    struct client c;

    h->ctx.chr[0] = &serial;
    h->ctx.nchrs = 1;
    open_up(&c, h);
    say(&c, "{\"execute\":\"query-chardev\"}");
    snprintf(want, sizeof(want),
             "{\"return\":[{\"frontend-open\":true,\"filename\":\"unix:%s,"
             "server=on\",\"label\":\"libxl-cmd\"},{\"frontend-open\":true,"
             "\"filename\":\"pty:/dev/pts/7\",\"label\":\"serial0\"}]}",
             h->path);
    expect(&c, want);
    hang_up(&c);
}

static void test_fds(void **state)
{
    struct host *h = *state;
    int p[2], many[16];
    unsigned i, before;
    struct client c;
    char byte = 0;

    assert_int_equal(pipe(p), 0);
    open_up(&c, h);
    before = open_fds();
    send_fd(&c, "{", 1, &p[1], 1);
    turn(h, 300);
    say(&c, "\"execute\":\"take\"");
    turn(h, 300);
    say(&c, "}");
    expect(&c, "{\"return\":1}");
    assert_int_equal(h->seen_fds, 1);
    assert_true(fcntl(h->took, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(h->took, "z", 1), 1);
    assert_int_equal(read(p[0], &byte, 1), 1);
    assert_int_equal(byte, 'z');
    close(h->took);
    h->took = -1;
    /* bound to the next command only, and closed if that does not care */
    send_fd(&c, "{", 1, &p[1], 1);
    say(&c, "\"execute\":\"query-status\"}{\"execute\":\"take\"}");
    expect_part(&c, "running");
    expect(&c, "{\"return\":0}");
    assert_int_equal(open_fds(), before);
    /* more than a command may carry */
    for (i = 0; i < 16; i++)
        many[i] = p[1];
    send_fd(&c, "{", 1, many, 16);
    send_fd(&c, "\"", 1, many, 5);
    say(&c, "execute\":\"query-status\"}");
    expect_part(&c, "running");
    assert_int_equal(open_fds(), before);
    /* with half a command, then gone */
    send_fd(&c, "{", 1, many, 3);
    hang_up(&c);
    assert_int_equal(open_fds(), before - 2);
    close(p[0]);
    close(p[1]);
}

static void test_negotiation(void **state)
{
    struct client c;

    dial(&c, *state);
    expect_part(&c, HELLO);
    say(&c, "{\"execute\":\"query-status\",\"id\":1}");
    expect_part(&c, "\"class\":\"CommandNotFound\"");
    say(&c, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":["
            "\"oob\"]}}");
    expect_part(&c, "GenericError");
    say(&c, "{\"execute\":\"query-status\"}");
    expect_part(&c, "CommandNotFound");
    say(&c, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}");
    expect(&c, "{\"return\":{}}");
    say(&c, "{\"execute\":\"qmp_capabilities\"}");
    expect_part(&c, "CommandNotFound");
    hang_up(&c);
    /* a new client starts anew */
    dial(&c, *state);
    expect_part(&c, HELLO);
    say(&c, "{\"execute\":\"query-status\",\"id\":1}");
    expect_part(&c, "CommandNotFound");
    hang_up(&c);
}

static void test_split(void **state)
{
    static const char cmd[] =
        "  \r\n{\"execute\" : \"change-vnc-password\", \"arguments\":"
        "{\"password\":\"\xc3\xa4\xe2\x82\xac\\u00e4}{\\\"\"},\"id\":\"}\"}";
    struct host *h = *state;
    struct client c;
    size_t i;

    open_up(&c, h);
    for (i = 0; i < sizeof(cmd) - 1; i++) { /* byte by byte */
        say_n(&c, cmd + i, 1);
        turn(h, 50);
    }
    expect(&c, "{\"return\":{},\"id\":\"}\"}");
    assert_string_equal(h->password, "\xc3\xa4\xe2\x82\xac\xc3\xa4}{\"");
    /* many in one packet, answered in order */
    say(&c, "{\"execute\":\"stop\",\"id\":1}{\"execute\":\"cont\",\"id\":2}\n\n"
            "{\"execute\":\"stop\",\"id\":3} {\"execute\":\"x\",\"id\":4}");
    expect(&c, "{\"return\":{},\"id\":1}");
    expect(&c, "{\"return\":{},\"id\":2}");
    expect(&c, "{\"return\":{},\"id\":3}");
    expect_part(&c, "\"id\":4}");
    assert_int_equal(h->stops, 2);
    /* half closed: what was asked is answered */
    say(&c, "{\"execute\":\"cont\",\"id\":5}{\"execute\":\"query-sta");
    shutdown(c.fd, SHUT_WR);
    expect(&c, "{\"return\":{},\"id\":5}");
    closed(&c);
    hang_up(&c);
}

static void test_ids(void **state)
{
    static const char *const id[] = {
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775807",
        "18446744073709551614",
        "1.5",
        "0.1",
        "1e3",
        "\"\"",
        "\"a/b\\\\\\\"\\u0000\\n\"",
        "\"\xf0\x9f\x98\x80\"",
        "true",
        "false",
        "null",
        "[]",
        "[1,[2,{\"a\":null}]]",
        "{}",
        "{\"error\":{\"x\":1},\"return\":[]}",
    };
    char cmd[256], want[256];
    struct client c;
    size_t i;

    open_up(&c, *state);
    for (i = 0; i < sizeof(id) / sizeof(id[0]); i++) {
        snprintf(cmd, sizeof(cmd), "{\"id\":%s,\"execute\":\"cont\"}", id[i]);
        snprintf(want, sizeof(want), "{\"return\":{},\"id\":%s}", id[i]);
        say(&c, cmd);
        expect(&c, want);
        snprintf(cmd, sizeof(cmd), "{\"execute\":\"nope\",\"id\":%s}", id[i]);
        snprintf(want, sizeof(want), ",\"id\":%s}", id[i]);
        say(&c, cmd);
        expect_part(&c, want);
    }
    say(&c, "{\"execute\":\"cont\",\"id\":[NaN]}\n");
    expect_part(&c, "GenericError");
    say(&c, "{\"execute\":\"cont\",\"id\":-Infinity}\n");
    expect_part(&c, "GenericError");
    /* a number that cannot be kept is refused, never changed */
    say(&c, "{\"execute\":\"cont\",\"id\":99999999999999999999999}\n");
    expect_part(&c, "GenericError");
    say(&c, "{\"execute\":\"cont\",\"id\":-99999999999999999999999}\n");
    expect_part(&c, "GenericError");
    say(&c, "{\"execute\":\"cont\"}");
    expect(&c, "{\"return\":{}}");
    hang_up(&c);
}

static void test_arguments(void **state)
{
    static const struct {
        const char *cmd, *word;
    } bad[] = {
        {"{\"execute\":\"change-vnc-password\"}", "'password'"},
        {"{\"execute\":\"change-vnc-password\",\"arguments\":{}}", "missing"},
        {"{\"execute\":\"change-vnc-password\",\"arguments\":{\"password\":1}}",
         "must be a string"},
        {"{\"execute\":\"change-vnc-password\",\"arguments\":{\"password\":"
         "null}}",
         "must be a string"},
        {"{\"execute\":\"change-vnc-password\",\"arguments\":{\"password\":"
         "\"a\\u0000b\"}}",
         "without NUL"},
        {"{\"execute\":\"change-vnc-password\",\"arguments\":{\"password\":"
         "\"a\",\"target\":\"b\"}}",
         "no argument 'target'"},
        {"{\"execute\":\"cont\",\"arguments\":{\"x\":1}}", "no argument 'x'"},
        {"{\"execute\":\"cont\",\"arguments\":{\"\":1}}", "no argument ''"},
        {"{\"execute\":\"cont\",\"arguments\":[]}", "'arguments'"},
        {"{\"execute\":\"cont\",\"arguments\":null}", "'arguments'"},
        {"{\"execute\":7}", "'execute'"},
        {"{\"execute\":null}", "'execute'"},
        {"{\"execute\":\"cont\\u0000x\"}", "'execute'"},
        {"{}", "'execute'"},
        {"{\"exec-oob\":\"cont\"}", "exec-oob"},
        {"{\"execute\":\"cont\",\"extra\":1}", "extra"},
        {"{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"/x\","
         "\"format\":\"png\"}}",
         "png"},
        {"{\"execute\":\"much\",\"arguments\":{\"len\":1.0}}", "integer"},
        {"{\"execute\":\"much\",\"arguments\":{\"len\":true}}", "integer"},
        {"{\"execute\":\"types\",\"arguments\":{\"b\":0}}", "boolean"},
        {"{\"execute\":\"types\",\"arguments\":{\"a\":{}}}", "array"},
        {"{\"execute\":\"types\",\"arguments\":{\"o\":[]}}", "object"},
        {"{\"execute\":\"query-command-line-options\",\"arguments\":"
         "{\"option\":\"run-with\"}}",
         "run-with"},
    };
    struct host *h = *state;
    struct client c;
    size_t i;

    open_up(&c, h);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *got;

        say(&c, bad[i].cmd);
        got = hear(&c);
        if (!strstr(got, "\"GenericError\"") || !strstr(got, bad[i].word))
            fail_msg("%s: got %s", bad[i].cmd, got);
        test_free((void *)(uintptr_t)got);
    }
    assert_int_equal(h->conts, 0);
    assert_string_equal(h->password, "");
    say(&c, "{\"execute\":\"types\",\"arguments\":{\"s\":\"\",\"b\":false,"
            "\"a\":[],\"o\":{}}}");
    expect(&c, "{\"return\":0}");
    /* commands main has not wired, and one that fails */
    say(&c, "{\"execute\":\"system_wakeup\"}");
    expect_part(&c, "CommandNotFound");
    h->fail = true;
    say(&c, "{\"execute\":\"cont\",\"id\":9}");
    expect(&c, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no \\\"way"
               "\\\"\\\\x0d\\\\x0a\\\\xff\"},\"id\":9}");
    hang_up(&c);
}

static void test_screendump(void **state)
{
    struct host *h = *state;
    struct client c;

    open_up(&c, h);
    say(&c, "{\"execute\":\"screendump\",\"arguments\":{\"filename\":"
            "\"/tmp/a.ppm\"}}");
    expect(&c, "{\"return\":{}}");
    assert_string_equal(h->dump, "/tmp/a.ppm");
    say(&c, "{\"execute\":\"screendump\",\"arguments\":{\"format\":\"ppm\","
            "\"filename\":\"/tmp/b.ppm\"}}");
    expect(&c, "{\"return\":{}}");
    assert_string_equal(h->dump, "/tmp/b.ppm");
    say(&c, "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"b\"}}");
    expect_part(&c, "could not be written");
    hang_up(&c);
}

static void test_net(void **state)
{
    struct host *h = *state;
    const char *got;
    struct client c;

    open_up(&c, h);
    say(&c, "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"nic0\","
            "\"up\":true}}");
    expect(&c, "{\"return\":{}}");
    assert_true(h->link);
    say(&c, "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"nic0\","
            "\"up\":false}}");
    expect(&c, "{\"return\":{}}");
    assert_false(h->link);
    say(&c, "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"nic7\","
            "\"up\":true}}");
    expect_part(&c, "\"DeviceNotFound\",\"desc\":\"there is no network card "
                    "'nic7'");
    say(&c, "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"nic0\"}}");
    expect_part(&c, "'up'");
    say(&c, "{\"execute\":\"query-rx-filter\"}");
    got = hear(&c);
    assert_non_null(strstr(got, "\"main-mac\":\"00:16:3e:01:02:00\""));
    assert_non_null(strstr(got, "\"main-mac\":\"00:16:3e:01:02:01\""));
    assert_non_null(strstr(got, "\"multicast\":\"none\""));
    test_free((void *)(uintptr_t)got);
    say(&c, "{\"execute\":\"query-rx-filter\",\"arguments\":{\"name\":"
            "\"nic1\"}}");
    got = hear(&c);
    assert_null(strstr(got, "nic0"));
    assert_non_null(strstr(got, "\"multicast\":\"normal\""));
    assert_non_null(strstr(got, "\"multicast-hash\":\"0x0000000000000001\""));
    test_free((void *)(uintptr_t)got);
    say(&c, "{\"execute\":\"query-rx-filter\",\"arguments\":{\"name\":"
            "\"x\"}}");
    expect_part(&c, "DeviceNotFound");
    hang_up(&c);
}

/* A command line may name a card in any bytes; JSON is not of any. */
static void test_card_of_a_name_that_is_not_utf8(void **state)
{
    static const char *const say_it[] = {
        "{\"execute\":\"query-rx-filter\"}",
        "{\"execute\":\"human-monitor-command\",\"arguments\":{"
        "\"command-line\":\"info network\"}}"};
    struct host *h = *state;
    struct client c;

    open_up(&c, h);
    for (unsigned i = 0; i < 2; i++) {
        const char *got, *s;

        say(&c, say_it[i]);
        got = hear(&c);
        assert_non_null(strstr(got, "00:16:3e:01:02:02"));
        for (s = got; *s; s++)
            assert_in_range(*s, ' ', '~');
        test_free((void *)(uintptr_t)got);
    }
    hang_up(&c);
}

static void test_queries(void **state)
{
    struct host *h = *state;
    const char *got;
    struct client c;
    char word[64];
    unsigned i;

    open_up(&c, h);
    say(&c, "{\"execute\":\"query-cpus-fast\"}");
    got = hear(&c);
    assert_non_null(strstr(got, "\"cpu-index\":0,"));
    assert_null(strstr(got, "\"cpu-index\":1,")); /* offline */
    assert_non_null(strstr(got, "\"cpu-index\":3,"));
    assert_null(strstr(got, "\"cpu-index\":4,"));
    test_free((void *)(uintptr_t)got);
    say(&c, "{\"execute\":\"query-commands\"}");
    got = hear(&c);
    for (i = 0; qmp_command_name(i); i++) {
        snprintf(word, sizeof(word), "{\"name\":\"%s\"}", qmp_command_name(i));
        assert_non_null(strstr(got, word));
    }
    test_free((void *)(uintptr_t)got);
    say(&c, "{\"execute\":\"query-version\"}");
    expect(&c, "{\"return\":{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7},"
               "\"package\":\"hvmd " HVMD_VERSION "\"}}");
    /* the probe of libxl 4.20 */
    say(&c, "{\"execute\":\"query-command-line-options\"}");
    got = hear(&c);
    assert_non_null(strstr(got, "{\"option\":\"drive\",\"parameters\":[{"
                                "\"name\":\"file\","));
    assert_null(strstr(got, "run-with"));
    test_free((void *)(uintptr_t)got);
    h->status = QMP_PRELAUNCH;
    say(&c, "{\"execute\":\"query-status\"}");
    expect_part(&c, "\"running\":false,\"singlestep\":false,\"status\":"
                    "\"prelaunch\"");
    say(&c, "{\"execute\":\"system_reset\"}");
    expect(&c, "{\"return\":{}}");
    assert_int_equal(h->resets, 1);
    say(&c, "{\"execute\":\"quit\",\"id\":1}");
    expect(&c, "{\"return\":{},\"id\":1}");
    assert_int_equal(h->quits, 1);
    hang_up(&c);
}

static void test_one_at_a_time(void **state)
{
    struct client a, b;

    open_up(&a, *state);
    dial(&b, *state);
    say(&b, "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"stop\"}");
    quiet(&b);
    say(&a, "{\"execute\":\"cont\"}");
    expect(&a, "{\"return\":{}}");
    hang_up(&a);
    expect_part(&b, HELLO);
    expect(&b, "{\"return\":{}}");
    expect(&b, "{\"return\":{}}");
    hang_up(&b);
}

static void test_listen(void **state)
{
    struct host *h = *state;
    struct qmp_listen l = {.label = "b", .path = h->path, .fd = -1};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char file[64], longer[200];
    struct qmp *second, *q;
    struct client c;
    struct err e;
    int fd;

    /* the next model of the domain replaces a socket; the old one, ending
     * late, leaves it alone */
    second = qmp_new(h->loop, &l, &h->ctx, &e);
    assert_non_null(second);
    qmp_free(h->q);
    h->q = second;
    open_up(&c, h);
    hang_up(&c);

    snprintf(file, sizeof(file), "%s/file", h->dir);
    fd = open(file, O_CREAT | O_RDWR, 0600);
    l.path = file;
    assert_null(qmp_new(h->loop, &l, &h->ctx, &e));
    assert_non_null(strstr(e.text, file));
    assert_int_equal(access(file, F_OK), 0);
    unlink(file);
    l.path = "/nonexistent/folder/socket";
    assert_null(qmp_new(h->loop, &l, &h->ctx, &e));
    assert_non_null(strstr(e.text, "No such file"));
    memset(longer, 'p', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    l.path = longer;
    assert_null(qmp_new(h->loop, &l, &h->ctx, &e));
    assert_non_null(strstr(e.text, "longer than"));

    /* by descriptor: must listen */
    l.path = NULL;
    l.fd = fd;
    assert_null(qmp_new(h->loop, &l, &h->ctx, &e));
    assert_non_null(strstr(e.text, "not a listening"));
    l.fd = 250; /* closed */
    assert_null(qmp_new(h->loop, &l, &h->ctx, &e));
    l.fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/fd", h->dir);
    assert_int_equal(bind(l.fd, (void *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(l.fd, 1), 0);
    q = qmp_new(h->loop, &l, &h->ctx, &e);
    assert_non_null(q);
    snprintf(file, sizeof(file), "%s", h->path);
    snprintf(h->path, sizeof(h->path), "%s/fd", h->dir);
    open_up(&c, h);
    hang_up(&c);
    qmp_free(q);
    /* not ours to remove */
    assert_int_equal(unlink(h->path), 0);
    snprintf(h->path, sizeof(h->path), "%s", file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_greeting),    T(test_libxl),
        T(test_chardev),     T(test_fds),
        T(test_negotiation), T(test_split),
        T(test_ids),         T(test_arguments),
        T(test_screendump),  T(test_net),
        T(test_queries),     T(test_one_at_a_time),
        T(test_listen),      T(test_card_of_a_name_that_is_not_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
