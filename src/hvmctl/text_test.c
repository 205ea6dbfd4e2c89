/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <hvmd/timer.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define EXPECT(call, want)                                                     \
    do {                                                                       \
        call;                                                                  \
        assert_string_equal(out, want);                                        \
    } while (0)

static void test_json(void **state)
{
    static const struct {
        const char *in, *out;
    } t[] = {{"{ \"a\": 1 }", "{ \"a\": 1 }\n"},
             {"\x7f", "\\u007f\n"},
             {"\xc2\x9b", "\\u009b\n"},
             {"\xe2\x82\xac.", "\\u20ac.\n"},
             {"\xf0\x9f\x98\x80", "\\ud83d\\ude00\n"},
             {"\xf4\x8f\xbf\xbf", "\\udbff\\udfff\n"},
             {"\x9b"
              "a",
              "\\ufffda\n"},
             {"\xe2\x82", "\\ufffd\\ufffd\n"},
             {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd\n"},
             {"\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd\n"},
             {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd\n"},
             {"\xff", "\\ufffd\n"}};

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char *got = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&got, &len);

        assert_non_null(f);
        text_json(t[i].in, f);
        fclose(f);
        assert_string_equal(got, t[i].out);
        free(got);
    }
}

static void test_numbers(void **state)
{
    char out[TEXT_NUM];

    EXPECT(text_count(0, out), "0");
    EXPECT(text_count(999, out), "999");
    EXPECT(text_count(1000, out), "1.0k");
    EXPECT(text_count(1999, out), "1.9k");
    EXPECT(text_count(9999, out), "9.9k");
    EXPECT(text_count(10000, out), "10k");
    EXPECT(text_count(999999, out), "999k");
    EXPECT(text_count(1000000, out), "1.0M");
    EXPECT(text_count(UINT64_MAX, out), "18E");
    EXPECT(text_bytes(1023, out), "1023");
    EXPECT(text_bytes(1024, out), "1.0K");
    EXPECT(text_bytes(6553600, out), "6.2M");
    EXPECT(text_bytes(UINT64_C(10) << 30, out), "10G");
    EXPECT(text_bytes(UINT64_C(1023) << 30, out), "1023G");
    EXPECT(text_bytes(UINT64_MAX, out), "15E");
}

/* Nothing takes more columns than top has for it. */
static void test_width(void **state)
{
    char out[TEXT_NUM];

    for (unsigned bit = 0; bit < 64; bit++)
        for (int by = -1; by <= 1; by++) {
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)(int64_t)by;

            text_count(v, out);
            assert_true(strlen(out) <= 5);
            text_bytes(v, out);
            assert_true(strlen(out) <= 5);
            text_rate(v, NS_PER_S, out);
            assert_true(strlen(out) <= 5);
            text_rate(v, 1, out);
            assert_true(strlen(out) <= 5);
        }
}

static void test_rates(void **state)
{
    char out[TEXT_NUM];

    EXPECT(text_rate(0, 0, out), "0");
    EXPECT(text_rate(5, 0, out), "0.0");
    EXPECT(text_rate(5, 10 * NS_PER_S, out), "0.5");
    EXPECT(text_rate(99, 10 * NS_PER_S, out), "9.9");
    EXPECT(text_rate(100, 10 * NS_PER_S, out), "10");
    EXPECT(text_rate(12340, NS_PER_S, out), "12k");
    EXPECT(text_rate(UINT64_MAX, 1, out), "-");
}

static void test_times(void **state)
{
    char out[TEXT_NUM];

    EXPECT(text_span(59 * NS_PER_S, out), "59s");
    EXPECT(text_span(185 * NS_PER_S, out), "3m05s");
    EXPECT(text_span(7380 * NS_PER_S, out), "2h03m");
    EXPECT(text_span(446400 * NS_PER_S, out), "5d04h");
    EXPECT(text_seconds(0, out), "0.000s");
    EXPECT(text_seconds(9999 * NS_PER_MS, out), "9.999s");
    EXPECT(text_seconds(10000 * NS_PER_MS, out), "10.0s");
    EXPECT(text_seconds(1000 * NS_PER_S, out), "1000s");
    setenv("TZ", "UTC", 1);
    tzset();
    EXPECT(text_time(0, out), "-");
    EXPECT(text_time(UINT64_C(1700000000) * NS_PER_S, out),
           "2023-11-14 22:13:20");
    EXPECT(text_time(UINT64_MAX, out), "2554-07-21 23:34:33");
}

static void test_table(void **state)
{
    static const char *const titles[] = {">N", "NAME", "WHAT", NULL};
    static const char begin[] = "   N  NAME     WHAT\n"
                                "   7  longest  x y\n"
                                "   7  a        x y\n";
    struct table t;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    assert_non_null(f);
    table_init(&t, titles);
    for (unsigned i = 0; i < 40; i++) { /* grows */
        table_count(&t, i == 39 ? 1234 : 7);
        table_add(&t, "%s", i ? "a" : "longest");
        table_add(&t, "%s", "x y");
    }
    table_add(&t, "a row that is not whole");
    table_print(&t, f);
    fclose(f);
    assert_int_equal(strncmp(text, begin, sizeof(begin) - 1), 0);
    assert_string_equal(text + len - 20, "\n1.2k  a        x y\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_width),
        cmocka_unit_test(test_rates),   cmocka_unit_test(test_times),
        cmocka_unit_test(test_table),   cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
