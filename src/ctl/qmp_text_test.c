/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The framing of QMP: what comes out must not depend on how the bytes came,
 * whatever they are.
 */
#include "qmp_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUT 4096

static uint32_t rnd(uint32_t *s) /* xorshift */
{
    *s ^= *s << 13;
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

static void note(char out[OUT], const char *what)
{
    size_t at = strlen(out);

    snprintf(out + at, OUT - at, "%s\n", what);
}

/* Feeds in in pieces of at most piece bytes (0: random) and says what came. */
static void feed(const char *in, size_t len, size_t piece, uint32_t *seed,
                 char out[OUT])
{
    struct json_object *obj = NULL;
    size_t n, used, at = 0, stuck = 0;
    struct qmp_text t;
    char *copy;

    out[0] = 0;
    assert_int_equal(qmp_text_init(&t, QMP_IN_MAX), 0);
    while (at < len) {
        n = piece ? piece : 1 + rnd(seed) % 7;
        if (n > len - at)
            n = len - at;
        copy = malloc(n); /* so that a sanitizer sees the end */
        assert_non_null(copy);
        memcpy(copy, in + at, n);
        switch (qmp_text_feed(&t, copy, n, &used, &obj)) {
        case QMP_MORE:
            assert_int_equal(used, n);
            break;
        case QMP_OBJECT:
            assert_true(json_object_is_type(obj, json_type_object));
            note(out,
                 json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN));
            json_object_put(obj);
            break;
        case QMP_SYNTAX:
            note(out, "syntax");
            break;
        case QMP_TOO_LONG:
            fail();
        }
        free(copy);
        assert_true(used <= n);
        stuck = used ? 0 : stuck + 1;
        assert_true(stuck < 2); /* an error may take nothing, once */
        at += used;
    }
    qmp_text_free(&t);
}

static const char *const seeds[] = {
    "{\"execute\":\"qmp_capabilities\",\"id\":2020372736}\r\n{\"execute\":"
    "\"query-status\",\"id\":2020372737}\r\n",
    "{ \"execute\": \"qmp_capabilities\" }{ \"execute\": \"query-block\" }",
    "{\"a\":[1,-2.5e3,true,false,null,{\"b\":{}}],\"c\":\"\\u00e4\\ud83d\\ude00"
    "\\\"\\\\/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}\n{}\n",
    "x\n{}{]\n{\"n\":0}{\"n\":[[[[[[]]]]]]}",
};

static void test_pieces(void **state)
{
    char whole[OUT], split[OUT], in[512];
    uint32_t seed = 0x9e3779b9;
    unsigned round, i, k;
    size_t len;

    for (round = 0; round < 4000; round++) {
        i = round % (sizeof(seeds) / sizeof(seeds[0]));
        len = strlen(seeds[i]);
        memcpy(in, seeds[i], len);
        for (k = round < 4 ? 0 : 1 + rnd(&seed) % 4; k; k--) {
            static const char put[] = "{}[]\",:\\ue0-+.1 tfn/\n\r\xc3\x80\xf4";
            uint32_t r = rnd(&seed);
            size_t at = r % len;

            if (r & 0x10000)
                in[at] = put[(r >> 20) % sizeof(put)]; /* NUL too */
            else if (r & 0x20000)
                in[at] = (char)(r >> 24);
            else if (len > 2) {
                memmove(in + at, in + at + 1, len - at - 1);
                len--;
            }
        }
        feed(in, len, len, &seed, whole);
        feed(in, len, 1, &seed, split);
        if (strcmp(whole, split))
            fail_msg("round %u: whole: %s bytes: %s", round, whole, split);
        feed(in, len, 0, &seed, split);
        if (strcmp(whole, split))
            fail_msg("round %u: whole: %s pieces: %s", round, whole, split);
    }
}

static void test_known(void **state)
{
    char out[OUT];
    uint32_t seed = 1;

    feed(seeds[0], strlen(seeds[0]), 1, &seed, out);
    assert_string_equal(out, "{\"execute\":\"qmp_capabilities\",\"id\":"
                             "2020372736}\n{\"execute\":\"query-status\","
                             "\"id\":2020372737}\n");
    feed(seeds[3], strlen(seeds[3]), 3, &seed, out);
    assert_string_equal(out, "syntax\n{}\nsyntax\n{\"n\":0}\n"
                             "{\"n\":[[[[[[]]]]]]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
