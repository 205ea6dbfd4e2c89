/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input as a trace, its first bytes put right so that the rest is reached.
 * Each record is written again as it was read; the whole is done to a machine.
 */
#include "../bench/fuzz.h"
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES   12u /* magic, version, length of the rest */
#define ELEMENTS     4096u
#define VIDEO_MIB    4u
#define RECORD_BYTES (TRACE_REC_MAX + TRACE_BYTES_MAX)

static void mend_start(uint8_t *p)
{
    static const struct machine_conf none;
    uint8_t head[TRACE_HEAD_MAX];

    trace_put_head(head, &none);
    memcpy(p, head, HEAD_BYTES - 2);
}

static size_t body(const struct trace_rec *rec)
{
    return rec->kind == TRACE_READ ? rec->len : 0;
}

static void write_again(const struct trace *t)
{
    static uint8_t first[RECORD_BYTES], second[TRACE_REC_MAX];
    struct trace from = *t;
    struct trace_rec rec, again;

    while (trace_next(&from, &rec) > 0) {
        struct trace to = {.data = first};
        size_t len = trace_put(first, &rec);

        MUST(len <= TRACE_REC_MAX);
        if (body(&rec))
            memcpy(first + len, rec.bytes, body(&rec));
        to.len = len + body(&rec);
        MUST(trace_next(&to, &again) == 1 && to.at == to.len);
        MUST(trace_put(second, &again) == len && !memcmp(first, second, len));
        MUST(!body(&rec) || !memcmp(again.bytes, rec.bytes, body(&rec)));
    }
}

static void answer(const struct replay_counts *n)
{
    fuzz_answer_num(n->requests);
    fuzz_answer_num(n->compared);
    fuzz_answer_num(n->differ);
    fuzz_answer_num(n->unread);
    fuzz_answer_num(n->other_blk);
    fuzz_answer_num((uint64_t)(int64_t)n->end);
    for (unsigned i = 0; i < n->nplaces; i++) {
        fuzz_answer_num(n->place[i].addr);
        fuzz_answer_num(n->place[i].now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const int no_image[MACHINE_DISKS] = {-1, -1, -1, -1};
    uint8_t *p = malloc(len + 1);
    struct err e = {.text = ""};
    struct replay *r = NULL;
    struct trace t;

    if (!p)
        abort();
    memcpy(p, data, len);
    if (len >= HEAD_BYTES)
        mend_start(p);
    if (!trace_open(&t, p, len, &e)) {
        write_again(&t);
        if (t.head.conf.vgamem_mib <= VIDEO_MIB)
            r = replay_new(p, len, no_image, &e);
    }
    if (r) {
        while (replay_run(r, 1) && replay_counts(r)->elements < ELEMENTS)
            ;
        answer(replay_counts(r));
        replay_free(r);
    } else {
        fuzz_answer(e.text, strlen(e.text));
    }
    free(p);
    return 0;
}
