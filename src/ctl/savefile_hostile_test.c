/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile saved state (rule R14): each byte flipped, each truncation, each
 * field at its extremes, records that are wrong as a whole. Refused with a
 * sentence that names the field; or taken, and then the machine lives on.
 */
#include "savefile_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct victim {
    struct rig *r; /* has taken what was valid so far */
    struct prng p;
    unsigned taken, refused;
};

static struct rig *new_machine(void)
{
    struct rig *r = rig_new();

    rig_start(r);
    return r;
}

/* A stream of a machine with a transfer on each channel. */
static struct stream busy_stream(void)
{
    struct rig *r = new_machine();
    struct stream s;

    rig_busy(r);
    rig_out(r, 0x1f6, 1, 0xe0);
    rig_out(r, 0x1f2, 1, 8);
    rig_out(r, 0x1f7, 1, 0x30);
    for (unsigned i = 0; i < 20; i++)
        rig_out(r, 0x1f0, 2, 0x1234);
    rig_out(r, 0x176, 1, 0xa0);
    rig_out(r, 0x177, 1, 0xa1);
    s = stream_of(r);
    rig_free(r);
    return s;
}

/* Unplugged is for good: a machine that lost something is of no more use. */
static bool is_whole(const struct rig *r)
{
    const struct machine_conf *c = machine_conf(r->m);

    return c->disk[0].blk && c->disk[1].blk && c->nic[0].net;
}

/* Taken: some accesses, and what it became must be saved and taken again. */
static void live_on(struct victim *v)
{
    static const struct savefile_info none = {HV_GFN_NONE};
    struct err e;

    v->taken++;
    machine_pause(v->r->m, false);
    for (unsigned i = 0; i < 12; i++)
        storm_step(v->r, &v->p);
    machine_pause(v->r->m, true);
    rig_drain(v->r);
    assert_int_equal(savefile_write(v->r->m, &none, -1, &e), -EBADF);
    if (v->taken % 16 == 0) {
        struct stream s = stream_of(v->r);
        struct savefile *sf = stream_read(s.p, s.n, &e);

        if (!sf)
            fail_msg("not taken back: %s", e.text);
        savefile_free(sf);
        free(s.p);
    }
    if (is_whole(v->r))
        return;
    rig_free(v->r);
    v->r = new_machine();
}

/* Refused with a sentence, or a life with it. True: taken. */
static bool try(struct victim *v, const uint8_t *p, size_t n, struct err *e)
{
    struct savefile *sf = stream_read(p, n, e);
    bool taken = false;

    if (sf) {
        machine_pause(v->r->m, true);
        rig_drain(v->r);
        taken = savefile_apply(sf, v->r->m, e) == 0;
        savefile_free(sf);
    }
    if (taken) {
        live_on(v);
    } else {
        v->refused++;
        if (!strstr(e->text, "state of ") && !strstr(e->text, "saved state"))
            fail_msg("'%s'", e->text);
    }
    return taken;
}

static void each_byte_flipped(void **state)
{
    struct stream s = busy_stream();
    struct victim v = {.r = new_machine(), .p = {7}};
    struct err e;

    for (size_t i = 0; i < s.n; i++) {
        uint8_t was = s.p[i];

        s.p[i] ^= (uint8_t)(1u << i % 8);
        assert_null(stream_read(s.p, s.n, &e)); /* the checksum */
        assert_true(strlen(e.text) > 20);
        s.p[i] = was ^ (i & 1 ? 0xff : (uint8_t)(1u << (i / 2) % 8));
        stream_seal(s.p, s.n);
        try(&v, s.p, s.n, &e);
        s.p[i] = was;
        stream_seal(s.p, s.n);
    }
    print_message("%u taken, %u refused\n", v.taken, v.refused);
    assert_true(v.taken > s.n / 4 && v.refused > s.n / 16);
    free(s.p);
    rig_free(v.r);
}

static void each_truncation(void **state)
{
    struct stream s = busy_stream();
    uint8_t *p = malloc(s.n + 8);
    struct err e;

    assert_non_null(p);
    for (size_t n = 0; n < s.n; n++) {
        memcpy(p, s.p, n);
        assert_null(stream_read(p, n, &e));
        assert_true(strlen(e.text) > 20);
        if (n < 20) /* has no checksum */
            continue;
        stream_seal(p, n);
        assert_null(stream_read(p, n, &e));
        assert_true(strlen(e.text) > 20);
        assert_true(n >= SAVEFILE_HEADER ||
                    strstr(e.text, "within the header"));
    }
    memcpy(p, s.p, s.n);
    memset(p + s.n, 0, 8);
    assert_null(stream_read(p, s.n + 8, &e));
    stream_seal(p, s.n + 8);
    assert_null(stream_read(p, s.n + 8, &e));
    assert_non_null(strstr(e.text, "8 bytes after its last record"));
    free(p);
    free(s.p);
}

static void put_le(uint8_t *p, unsigned width, uint64_t v)
{
    for (unsigned i = 0; i < width; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* One element of a field, at p in the stream, with each extreme value. */
static void one_element(struct victim *v, struct stream s,
                        const struct savefile_record *rec,
                        const struct field *f, uint8_t *p)
{
    uint64_t all = FIELD_ALL(f->width);
    const uint64_t values[] = {0, f->max, f->max + 1, all, all >> 1, 1};
    uint8_t was[8];
    struct err e;

    memcpy(was, p, f->width);
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint64_t val = values[i] & all;
        bool taken;

        put_le(p, f->width, val);
        stream_seal(s.p, s.n);
        taken = try(v, s.p, s.n, &e);
        if (val <= f->max)
            continue;
        assert_false(taken);
        if (!strstr(e.text, f->name) || !strstr(e.text, rec->desc->name))
            fail_msg("%s of %s is not named: %s", f->name, rec->desc->name,
                     e.text);
    }
    memcpy(p, was, f->width);
    stream_seal(s.p, s.n);
}

static void each_field_at_its_extremes(void **state)
{
    struct stream s = busy_stream();
    struct victim v = {.r = new_machine(), .p = {11}};
    struct err e;
    struct savefile *sf = stream_read(s.p, s.n, &e);
    size_t at = SAVEFILE_HEADER;
    unsigned fields = 0;

    assert_non_null(sf);
    for (unsigned i = 0; i < sf->n; i++) {
        const struct savefile_record *rec = &sf->rec[i];

        at += SAVEFILE_RECORD;
        for (const struct field *f = rec->desc->fields; f->name; f++) {
            uint32_t n = state_live(f, rec->state);

            if (n > 0)
                one_element(&v, s, rec, f, s.p + at);
            if (n > 1)
                one_element(&v, s, rec, f, s.p + at + (n - 1) * f->width);
            at += (size_t)n * f->width;
            fields++;
        }
    }
    assert_int_equal(at, s.n);
    print_message("%u fields, %u taken, %u refused\n", fields, v.taken,
                  v.refused);
    assert_true(fields > 400);
    savefile_free(sf);
    free(s.p);
    rig_free(v.r);
}

/* All fields at once by chance; most of it is refused. */
static void noise(void **state)
{
    struct stream s = busy_stream();
    struct victim v = {.r = new_machine(), .p = {13}};
    uint8_t *p = malloc(s.n);
    struct err e;

    assert_non_null(p);
    for (unsigned i = 0; i < 400; i++) {
        memcpy(p, s.p, s.n);
        for (unsigned k = below(&v.p, 12); k > 0; k--)
            p[SAVEFILE_HEADER + below(&v.p, (unsigned)s.n - SAVEFILE_HEADER)] =
                (uint8_t)value(&v.p);
        stream_seal(p, s.n);
        try(&v, p, s.n, &e);
    }
    assert_true(v.taken > 20 && v.refused > 20);
    free(p);
    free(s.p);
    rig_free(v.r);
}

#define SECOND (SAVEFILE_HEADER + SAVEFILE_RECORD + 72u) /* record 1 */

/* What is wrong with the header or with the records as a whole. */
static void wrong_as_a_whole(void **state)
{
    static const struct {
        uint32_t at;
        uint8_t val;
        const char *why;
    } rows[] = {
        {0, 'h', "field magic"},
        {8, 2, "field version is 2, this hvmd knows 1"},
        {20, 0, "field records is 0"},
        {20, 66, "field records is 66"},
        {20, 40, "record 13 is cut off"},
        {20, 12, "bytes after its last record"},
        {24, 0x1b, "field writer"},
        {47, 'x', "field writer"},
        {SECOND, 'I', "is of I440fx 0, which this hvmd does not know"},
        {SECOND + 8, 'x', "field name of record 1"},
        {SECOND + 15, 'x', "record 1"},
        {SECOND + 16, 1, "is of i440fx 1, which this hvmd does not know"},
        {SECOND + 18, 0, "version 0, but this hvmd knows 1 to 1"},
        {SECOND + 18, 9, "version 9, but this hvmd knows 1 to 1"},
        {SECOND + 20, 7, "ends within field"},
        {SECOND + 20, 0x0a, "1 bytes after its last field"},
        {SECOND + 23, 9, "field length of i440fx 0"},
        {SAVEFILE_HEADER, 'x', "is of xachine 0"},
    };
    struct stream s = busy_stream();
    struct err e;

    assert_string_equal((char *)s.p + SECOND, "i440fx");
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t was = s.p[rows[i].at];

        s.p[rows[i].at] = rows[i].val;
        if (rows[i].at == SECOND + 20 && rows[i].val == 0x0a)
            s.p[rows[i].at] = (uint8_t)(was + 1);
        stream_seal(s.p, s.n);
        assert_null(stream_read(s.p, s.n, &e));
        if (!strstr(e.text, rows[i].why))
            fail_msg("row %u: %s", i, e.text);
        s.p[rows[i].at] = was;
    }
    free(s.p);
}

/* One record twice, one lacking, the first in another place. */
static void records_out_of_order(void **state)
{
    struct stream s = busy_stream();
    uint8_t *p = malloc(s.n + 4096);
    size_t one = SAVEFILE_RECORD + 264;
    struct err e;

    assert_non_null(p);
    memcpy(p, s.p, s.n);
    memcpy(p + s.n, s.p + SECOND, one);
    p[20]++;
    stream_seal(p, s.n + one);
    assert_null(stream_read(p, s.n + one, &e));
    assert_non_null(strstr(e.text, "i440fx 0 comes twice"));

    memcpy(p, s.p, SECOND);
    memcpy(p + SECOND, s.p + SECOND + one, s.n - SECOND - one);
    p[20]--;
    stream_seal(p, s.n - one);
    assert_null(stream_read(p, s.n - one, &e));
    assert_non_null(strstr(e.text, "it lacks i440fx"));

    memcpy(p, s.p, s.n);
    memcpy(p + SAVEFILE_HEADER, s.p + SECOND, one);
    memcpy(p + SAVEFILE_HEADER + one, s.p + SAVEFILE_HEADER,
           SECOND - SAVEFILE_HEADER);
    stream_seal(p, s.n);
    assert_null(stream_read(p, s.n, &e));
    assert_non_null(strstr(e.text, "only the first one is the machine's"));
    free(p);
    free(s.p);
}

static void of_others(void **state)
{
    static uint8_t big[SAVEFILE_MOST + 2];
    struct err e;

    memcpy(big, "QEVM\0\0\0\3", 8);
    assert_null(stream_read(big, 4096, &e));
    assert_non_null(strstr(e.text, "qemu-xen's"));
    assert_null(stream_read(big, 0, &e));
    assert_non_null(strstr(e.text, "not hvmd's"));
    assert_null(stream_read(big, sizeof(big), &e));
    assert_non_null(strstr(e.text, "more than 65536 bytes"));
    assert_null(savefile_read(-1, &e));
    assert_non_null(strstr(e.text, "read: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_flipped),
        cmocka_unit_test(each_truncation),
        cmocka_unit_test(each_field_at_its_extremes),
        cmocka_unit_test(noise),
        cmocka_unit_test(wrong_as_a_whole),
        cmocka_unit_test(records_out_of_order),
        cmocka_unit_test(of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
