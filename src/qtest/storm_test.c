/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random reproducers through the text protocol, each on a machine of its own:
 * one answer to each line, and nothing that a sanitizer has to say.
 *   qtest_storm [FIRST [COUNT]]   runs them
 *   qtest_storm --print N         prints the lines of one for hvmd-qtest's
 *                                 stdin, and its options to stderr
 */
#include "args.h"
#include "storm_gen.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned answers(const struct wire *w)
{
    const char *p = w->out, *end = w->out + w->out_len;
    unsigned n = 0;

    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));

        if (!eol)
            return UINT32_MAX;
        n += strncmp(p, "IRQ ", 4) != 0;
        p = eol + 1;
    }
    return n;
}

static void feed(struct wire *w, const struct storm *s)
{
    size_t at = 0, room;

    while (at < s->len) {
        size_t n = 1 + (at * 7919 + s->len) % 1000; /* any chunks */
        char *to = wire_room(w, n + 1, &room);

        if (n > s->len - at)
            n = s->len - at;
        memcpy(to, s->text + at, n);
        wire_took(w, n);
        at += n;
    }
}

static bool one(struct storm *s, unsigned number)
{
    struct err e = {.text = ""};
    struct board *b = NULL;
    struct args a;
    struct wire w;
    bool good = false;

    storm_make(s, number);
    if (!args_parse(&a, s->nargs, (char **)s->arg, NULL, &e))
        b = board_new(&a.board, &e);
    memset(a.board.image, 0, sizeof(a.board.image));
    if (b) {
        wire_init(&w, b);
        feed(&w, s);
        good = answers(&w) == s->lines && w.in_len == 0 &&
               (!machine_idle(b->m) || b->bench->pins == 0);
        wire_free(&w);
    }
    board_free(b);
    args_free(&a);
    if (!good)
        printf("sequence %u: %s\n", number, e.text[0] ? e.text : "answers");
    return good;
}

int main(int argc, char **argv)
{
    static struct storm s;
    unsigned first = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 0;
    unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 500;
    unsigned bad = 0;

    if (argc == 3 && !strcmp(argv[1], "--print")) {
        storm_make(&s, count);
        fwrite(s.text, 1, s.len, stdout);
        for (int i = 1; i < s.nargs; i++)
            fprintf(stderr, "%s ", s.arg[i]);
        return 0;
    }
    for (unsigned i = first; i - first < count; i++) {
        printf("%u\r", i); /* who dies there is known */
        fflush(stdout);
        bad += !one(&s, i);
    }
    printf("%u sequences, %u bad\n", count, bad);
    return bad != 0;
}
