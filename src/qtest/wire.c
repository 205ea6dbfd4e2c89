/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include "code.h"
#include "keyval.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS      6u
#define SPAN_MOST  (256u << 20) /* bytes of memory in one command */
#define CLOCK_MOST ((uint64_t)INT64_MAX)
#define PIECE      65536u

struct cmd {
    char *word[WORDS]; /* the command's name first; the last has the rest */
    unsigned words;
    uint64_t num[WORDS]; /* those that the row calls numbers */
};

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
static char *reply_room(struct wire *w, size_t n)
{
    char *out = grow(w->out, &w->out_room, w->out_len + n);

    if (!out)
        return NULL;
    w->out = out;
    return out + w->out_len;
}

static void put(struct wire *w, const char *text, size_t len)
{
    char *at = reply_room(w, len);

    if (!at)
        return;
    memcpy(at, text, len);
    w->out_len += len;
}

/* Interrupts of what was put off come before the answer. */
static void __attribute__((format(printf, 2, 3)))
say(struct wire *w, const char *fmt, ...)
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

static void ok(struct wire *w)
{
    board_settle(w->b);
    put(w, "OK\n", 3);
}

/* A number is what most answers are: no printf() for it. */
static void ok_hex(struct wire *w, uint64_t v, unsigned least)
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

/* The width that the last letter of a command means. */
static unsigned width_of(const char *name)
{
    switch (name[strlen(name) - 1]) {
    case 'b':
        return 1;
    case 'w':
        return 2;
    case 'l':
        return 4;
    default:
        return 8;
    }
}

static bool port_of(struct wire *w, uint64_t n)
{
    if (n <= 0xffff)
        return true;
    say(w, "FAIL there is no port above 0xffff");
    return false;
}

static bool span_of(struct wire *w, uint64_t len)
{
    if (len <= SPAN_MOST)
        return true;
    say(w, "FAIL more than %u bytes in one command", SPAN_MOST);
    return false;
}

static void do_endianness(struct wire *w, struct cmd *c)
{
    say(w, "OK little");
}

static void do_out(struct wire *w, struct cmd *c)
{
    unsigned size = width_of(c->word[0]);
    uint32_t ones = UINT32_MAX >> (32 - 8 * size);

    if (!port_of(w, c->num[1]))
        return;
    board_out(w->b, (uint16_t)c->num[1], size, (uint32_t)c->num[2] & ones);
    ok(w);
}

static void do_in(struct wire *w, struct cmd *c)
{
    if (!port_of(w, c->num[1]))
        return;
    ok_hex(w, board_in(w->b, (uint16_t)c->num[1], width_of(c->word[0])), 4);
}

static void do_writen(struct wire *w, struct cmd *c)
{
    board_store(w->b, c->num[1], width_of(c->word[0]), c->num[2]);
    ok(w);
}

static void do_readn(struct wire *w, struct cmd *c)
{
    ok_hex(w, board_load(w->b, c->num[1], width_of(c->word[0])), 16);
}

static void do_read(struct wire *w, struct cmd *c)
{
    size_t len = (size_t)c->num[2];
    uint8_t *bytes;
    char *at;

    if (!span_of(w, c->num[2]))
        return;
    if (!len) {
        say(w, "FAIL nothing to read");
        return;
    }
    bytes = malloc(len);
    if (bytes)
        board_read(w->b, c->num[1], bytes, len);
    board_settle(w->b);
    at = bytes ? reply_room(w, 2 * len + 6) : NULL;
    if (at) {
        memcpy(at, "OK 0x", 5);
        hex_encode(at + 5, bytes, len);
        at[5 + 2 * len] = '\n';
        w->out_len += 2 * len + 6;
    } else {
        say(w, "FAIL out of memory");
    }
    free(bytes);
}

static void zeros(struct wire *w, uint64_t gpa, uint64_t len)
{
    static const uint8_t none[PIECE];

    while (len) {
        size_t n = len < PIECE ? (size_t)len : PIECE;

        board_write(w->b, gpa, none, n);
        gpa += n;
        len -= n;
    }
}

/* bytes of the line itself hold what was decoded */
static void store(struct wire *w, const struct cmd *c, const void *bytes,
                  size_t got)
{
    board_write(w->b, c->num[1], bytes, got);
    zeros(w, c->num[1] + got, c->num[2] - got);
    ok(w);
}

static void do_write(struct wire *w, struct cmd *c)
{
    char *text = c->word[3];
    size_t got;

    if (!span_of(w, c->num[2]))
        return;
    if (text[0] != '0' || (text[1] | 0x20) != 'x') {
        say(w, "FAIL the data of write begins with 0x");
        return;
    }
    got = hex_decode((uint8_t *)text, (size_t)c->num[2], text + 2);
    store(w, c, text, got);
}

static void do_b64write(struct wire *w, struct cmd *c)
{
    char *text = c->word[3];
    size_t got;

    if (!span_of(w, c->num[2]))
        return;
    got = b64_decode((uint8_t *)text, (size_t)c->num[2], text);
    if (got == SIZE_MAX)
        say(w, "FAIL the data is no base64");
    else
        store(w, c, text, got);
}

static void do_b64read(struct wire *w, struct cmd *c)
{
    size_t len = (size_t)c->num[2], chars;
    uint8_t *bytes;
    char *at;

    if (!span_of(w, c->num[2]))
        return;
    chars = B64_CHARS(len);
    bytes = malloc(len ? len : 1);
    if (bytes)
        board_read(w->b, c->num[1], bytes, len);
    board_settle(w->b);
    at = bytes ? reply_room(w, chars + 4) : NULL;
    if (at) {
        memcpy(at, "OK ", 3);
        b64_encode(at + 3, bytes, len);
        at[3 + chars] = '\n';
        w->out_len += chars + 4;
    } else {
        say(w, "FAIL out of memory");
    }
    free(bytes);
}

static void do_memset(struct wire *w, struct cmd *c)
{
    uint64_t gpa = c->num[1], len = c->num[2];
    uint8_t piece[4096];

    if (!span_of(w, len))
        return;
    memset(piece, (int)(c->num[3] & 0xff), sizeof(piece));
    while (len) {
        size_t n = len < sizeof(piece) ? (size_t)len : sizeof(piece);

        board_write(w->b, gpa, piece, n);
        gpa += n;
        len -= n;
    }
    ok(w);
}

static void clock_to(struct wire *w, uint64_t now_ns)
{
    if (board_clock_to(w->b, now_ns))
        say(w, "FAIL timers without end");
    else
        say(w, "OK %llu", (unsigned long long)w->b->bench->now_ns);
}

static void do_clock_step(struct wire *w, struct cmd *c)
{
    struct bench *k = w->b->bench;
    uint64_t next = clock_next(&k->clock);

    if (c->words == 1 && next == TIMER_NEVER)
        say(w, "FAIL no timer is set");
    else if (c->words == 1)
        clock_to(w, next > k->now_ns ? next : k->now_ns);
    else if (c->num[1] > CLOCK_MOST - k->now_ns)
        say(w, "FAIL the clock does not go so far");
    else
        clock_to(w, k->now_ns + c->num[1]);
}

static void do_clock_set(struct wire *w, struct cmd *c)
{
    if (c->num[1] < w->b->bench->now_ns)
        say(w, "FAIL the clock does not go back");
    else if (c->num[1] > CLOCK_MOST)
        say(w, "FAIL the clock does not go so far");
    else
        clock_to(w, c->num[1]);
}

static bool ioapic(struct wire *w, const struct cmd *c)
{
    if (!strcmp(c->word[1], "ioapic"))
        return true;
    say(w, "FAIL Unknown device '%.60s': only ioapic can be watched",
        c->word[1]);
    return false;
}

static void do_intercept_in(struct wire *w, struct cmd *c)
{
    if (!ioapic(w, c))
        return;
    w->irqs = true;
    ok(w);
}

/* Nothing comes out of it here. */
static void do_intercept_out(struct wire *w, struct cmd *c)
{
    if (ioapic(w, c))
        ok(w);
}

static void do_set_irq_in(struct wire *w, struct cmd *c)
{
    struct hv *hv = &w->b->bench->hv;

    if (!ioapic(w, c))
        return;
    if (c->num[3] > 15) {
        say(w, "FAIL there are inputs 0 to 15");
        return;
    }
    hv->ops->isa_irq(hv, (unsigned)c->num[3], c->num[4] != 0);
    ok(w);
}

static void do_other_machines(struct wire *w, struct cmd *c)
{
    say(w, "FAIL %s is for other machines", c->word[0]);
}

/* args: one letter a word: n number, w word, ? before those that may lack */
static const struct row {
    const char *name, *args;
    void (*run)(struct wire *, struct cmd *);
} rows[] = {
    {"outb", "nn", do_out},
    {"outw", "nn", do_out},
    {"outl", "nn", do_out},
    {"inb", "n", do_in},
    {"inw", "n", do_in},
    {"inl", "n", do_in},
    {"readb", "n", do_readn},
    {"readw", "n", do_readn},
    {"readl", "n", do_readn},
    {"readq", "n", do_readn},
    {"writeb", "nn", do_writen},
    {"writew", "nn", do_writen},
    {"writel", "nn", do_writen},
    {"writeq", "nn", do_writen},
    {"read", "nn", do_read},
    {"write", "nnw", do_write},
    {"memset", "nnn", do_memset},
    {"b64read", "nn", do_b64read},
    {"b64write", "nnw", do_b64write},
    {"clock_step", "?n", do_clock_step},
    {"clock_set", "n", do_clock_set},
    {"irq_intercept_in", "w", do_intercept_in},
    {"irq_intercept_out", "w?w", do_intercept_out},
    {"set_irq_in", "wwnn", do_set_irq_in},
    {"endianness", "", do_endianness},
    {"module_load", "?wwwww", do_other_machines},
    {"rtas", "?wwwww", do_other_machines},
    {"csr", "?wwwww", do_other_machines},
};

static void split(struct cmd *c, char *line)
{
    for (c->words = 0; c->words < WORDS; line++) {
        c->word[c->words++] = line;
        line = strchr(line, ' ');
        if (!line || c->words == WORDS)
            return;
        *line = 0;
    }
}

static bool fits(struct wire *w, struct cmd *c, const struct row *r)
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
                say(w, "FAIL %s needs more words", r->name);
            return !must;
        }
        if (*a == 'n' && !keyval_number(c->word[i], &c->num[i])) {
            say(w, "FAIL %s: '%.60s' is no number", r->name, c->word[i]);
            return false;
        }
        i++;
    }
    if (i >= c->words)
        return true;
    say(w, "FAIL %s takes fewer words", r->name);
    return false;
}

static void obey(struct wire *w, char *line)
{
    struct cmd c = {.words = 0};

    split(&c, line);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, c.word[0]))
            continue;
        if (fits(w, &c, &rows[i]))
            rows[i].run(w, &c);
        return;
    }
    say(w, "FAIL Unknown command '%.80s'", c.word[0]);
}

void wire_init(struct wire *w, struct board *b)
{
    *w = (struct wire){.b = b};
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
    line[len] = 0;
    if (len && line[len - 1] == '\r')
        line[--len] = 0;
    if (skip)
        say(w, "FAIL a line of more than %u bytes", WIRE_LINE_MOST);
    else if (len) /* pasted reproducers have empty lines */
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
