/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keyval.h"
#include "wire_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *grow(char *p, size_t *room, size_t want)
{
    size_t to = *room ? *room : 4096;
    char *q;

    if (want <= *room)
        return p;
    while (to < want)
        to *= 2;
    q = realloc(p, to);
    if (q)
        *room = to;
    return q;
}

/* n more bytes of answer; NULL: no memory, the answer is lost. */
char *wire_reply_room(struct wire *w, size_t n)
{
    char *out = grow(w->out, &w->out_room, w->out_len + n);

    if (!out)
        return NULL;
    w->out = out;
    return out + w->out_len;
}

static void put(struct wire *w, const char *text, size_t len)
{
    char *at = wire_reply_room(w, len);

    if (!at)
        return;
    memcpy(at, text, len);
    w->out_len += len;
}

/* Interrupts of what was put off come before the answer. */
void wire_say(struct wire *w, const char *fmt, ...)
{
    char line[160];
    va_list ap;
    int len;

    board_settle(w->b);
    va_start(ap, fmt);
    len = vsnprintf(line, sizeof(line) - 1, fmt, ap);
    va_end(ap);
    if (len < 0)
        return;
    if ((size_t)len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    line[len++] = '\n';
    put(w, line, (size_t)len);
}

void wire_ok(struct wire *w)
{
    board_settle(w->b);
    put(w, "OK\n", 3);
}

/* A number is what most answers are: no printf() for it. */
void wire_ok_hex(struct wire *w, uint64_t v, unsigned least)
{
    char line[32] = "OK 0x";
    unsigned digits = least, n = 5;

    while (digits < 16 && v >> (4 * digits))
        digits++;
    while (digits--)
        line[n++] = "0123456789abcdef"[v >> (4 * digits) & 15];
    line[n++] = '\n';
    board_settle(w->b);
    put(w, line, n);
}

static void on_gsi(void *ctx, unsigned gsi, bool level)
{
    struct wire *w = ctx;
    char line[32];
    int len;

    if (!w->irqs)
        return;
    len = snprintf(line, sizeof(line), "IRQ %s %u\n", level ? "raise" : "lower",
                   gsi);
    put(w, line, (size_t)len);
    if (!w->obeying && w->ready)
        w->ready(w->ctx);
}

static void split(struct cmd *c, char *line)
{
    for (c->words = 0; c->words < WIRE_WORDS; line++) {
        c->word[c->words++] = line;
        line = strchr(line, ' ');
        if (!line || c->words == WIRE_WORDS)
            return;
        *line = 0;
    }
}

static bool fits(struct wire *w, struct cmd *c, const struct wire_row *r)
{
    bool must = true;
    unsigned i = 1;

    for (const char *a = r->args; *a; a++) {
        if (*a == '?') {
            must = false;
            continue;
        }
        if (i >= c->words) {
            if (must)
                wire_say(w, "FAIL %s needs more words", r->name);
            return !must;
        }
        if (*a == 'n' && !keyval_number(c->word[i], &c->num[i])) {
            wire_say(w, "FAIL %s: '%.60s' is no number", r->name, c->word[i]);
            return false;
        }
        i++;
    }
    return true; /* more words are nothing: people put remarks there */
}

static void obey(struct wire *w, char *line)
{
    struct cmd c = {.words = 0};

    split(&c, line);
    for (const struct wire_row *r = wire_rows; r->name; r++) {
        if (strcmp(r->name, c.word[0]))
            continue;
        if (fits(w, &c, r))
            r->run(w, &c);
        return;
    }
    wire_say(w, "FAIL Unknown command '%.80s'", c.word[0]);
}

void wire_init(struct wire *w, struct board *b)
{
    *w = (struct wire){.b = b, .span_most = WIRE_SPAN_MOST};
    b->gsi = on_gsi;
    b->gsi_ctx = w;
}

void wire_free(struct wire *w)
{
    free(w->in);
    free(w->out);
}

char *wire_room(struct wire *w, size_t n, size_t *room)
{
    char *in = grow(w->in, &w->in_room, w->in_len + n);

    if (!in)
        return NULL;
    w->in = in;
    *room = w->in_room - w->in_len;
    return in + w->in_len;
}

static void one_line(struct wire *w, char *line, size_t len)
{
    bool skip = w->skip;

    w->skip = false;
    /* pasted reproducers have blanks at the end, and ends of other systems */
    while (len && (line[len - 1] == '\r' || line[len - 1] == ' '))
        len--;
    line[len] = 0;
    if (skip)
        wire_say(w, "FAIL a line of more than %u bytes", WIRE_LINE_MOST);
    else if (len) /* and empty lines */
        obey(w, line);
}

void wire_took(struct wire *w, size_t n)
{
    size_t from = 0;
    char *end;

    w->in_len += n;
    w->obeying = true;
    while ((end = memchr(w->in + w->seen, '\n', w->in_len - w->seen))) {
        size_t at = (size_t)(end - w->in);

        one_line(w, w->in + from, at - from);
        from = w->seen = at + 1;
    }
    w->obeying = false;
    memmove(w->in, w->in + from, w->in_len - from);
    w->in_len -= from;
    w->seen = w->in_len;
    if (w->in_len > WIRE_LINE_MOST) {
        w->skip = true;
        w->in_len = w->seen = 0;
    }
}

void wire_end(struct wire *w)
{
    size_t room, len = w->in_len;

    if (!len && !w->skip)
        return;
    if (!wire_room(w, 1, &room))
        return;
    w->obeying = true;
    one_line(w, w->in, len);
    w->obeying = false;
    w->in_len = w->seen = 0;
}
