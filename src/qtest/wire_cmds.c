/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the qtest protocol. */
#include "code.h"
#include "wire_priv.h"

#include <stdlib.h>
#include <string.h>

#define CLOCK_MOST ((uint64_t)INT64_MAX)
#define PIECE      65536u

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
    wire_say(w, "FAIL there is no port above 0xffff");
    return false;
}

static bool span_of(struct wire *w, uint64_t len)
{
    if (len <= w->span_most)
        return true;
    wire_say(w, "FAIL more than %u bytes in one command", w->span_most);
    return false;
}

static void do_endianness(struct wire *w, struct cmd *c)
{
    wire_say(w, "OK little");
}

static void do_out(struct wire *w, struct cmd *c)
{
    unsigned size = width_of(c->word[0]);
    uint32_t ones = UINT32_MAX >> (32 - 8 * size);

    if (!port_of(w, c->num[1]))
        return;
    board_out(w->b, (uint16_t)c->num[1], size, (uint32_t)c->num[2] & ones);
    wire_ok(w);
}

static void do_in(struct wire *w, struct cmd *c)
{
    if (!port_of(w, c->num[1]))
        return;
    wire_ok_hex(w, board_in(w->b, (uint16_t)c->num[1], width_of(c->word[0])),
                4);
}

static void do_writen(struct wire *w, struct cmd *c)
{
    board_store(w->b, c->num[1], width_of(c->word[0]), c->num[2]);
    wire_ok(w);
}

static void do_readn(struct wire *w, struct cmd *c)
{
    wire_ok_hex(w, board_load(w->b, c->num[1], width_of(c->word[0])), 16);
}

static void do_read(struct wire *w, struct cmd *c)
{
    size_t len = (size_t)c->num[2];
    uint8_t *bytes;
    char *at;

    if (!span_of(w, c->num[2]))
        return;
    if (!len) {
        wire_say(w, "FAIL nothing to read");
        return;
    }
    bytes = malloc(len);
    if (bytes)
        board_read(w->b, c->num[1], bytes, len);
    board_settle(w->b);
    at = bytes ? wire_reply_room(w, 2 * len + 6) : NULL;
    if (at) {
        memcpy(at, "OK 0x", 5);
        hex_encode(at + 5, bytes, len);
        at[5 + 2 * len] = '\n';
        w->out_len += 2 * len + 6;
    } else {
        wire_say(w, "FAIL out of memory");
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
    wire_ok(w);
}

static void do_write(struct wire *w, struct cmd *c)
{
    char *text = c->word[3];
    size_t got;

    if (!span_of(w, c->num[2]))
        return;
    if (text[0] != '0' || (text[1] | 0x20) != 'x') {
        wire_say(w, "FAIL the data of write begins with 0x");
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
        wire_say(w, "FAIL the data is no base64");
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
    at = bytes ? wire_reply_room(w, chars + 4) : NULL;
    if (at) {
        memcpy(at, "OK ", 3);
        b64_encode(at + 3, bytes, len);
        at[3 + chars] = '\n';
        w->out_len += chars + 4;
    } else {
        wire_say(w, "FAIL out of memory");
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
    wire_ok(w);
}

static void clock_to(struct wire *w, uint64_t now_ns)
{
    if (board_clock_to(w->b, now_ns))
        wire_say(w, "FAIL timers without end");
    else
        wire_say(w, "OK %llu", (unsigned long long)w->b->bench->now_ns);
}

static void do_clock_step(struct wire *w, struct cmd *c)
{
    struct bench *k = w->b->bench;
    uint64_t next = clock_next(&k->clock);

    if (c->words == 1 && next == TIMER_NEVER)
        wire_say(w, "FAIL no timer is set");
    else if (c->words == 1)
        clock_to(w, next > k->now_ns ? next : k->now_ns);
    else if (c->num[1] > CLOCK_MOST - k->now_ns)
        wire_say(w, "FAIL the clock does not go so far");
    else
        clock_to(w, k->now_ns + c->num[1]);
}

static void do_clock_set(struct wire *w, struct cmd *c)
{
    if (c->num[1] < w->b->bench->now_ns)
        wire_say(w, "FAIL the clock does not go back");
    else if (c->num[1] > CLOCK_MOST)
        wire_say(w, "FAIL the clock does not go so far");
    else
        clock_to(w, c->num[1]);
}

static bool ioapic(struct wire *w, const struct cmd *c)
{
    if (!strcmp(c->word[1], "ioapic"))
        return true;
    wire_say(w, "FAIL Unknown device '%.60s': only ioapic can be watched",
             c->word[1]);
    return false;
}

static void do_intercept_in(struct wire *w, struct cmd *c)
{
    if (!ioapic(w, c))
        return;
    w->irqs = true;
    wire_ok(w);
}

/* Nothing comes out of it here. */
static void do_intercept_out(struct wire *w, struct cmd *c)
{
    if (ioapic(w, c))
        wire_ok(w);
}

static void do_set_irq_in(struct wire *w, struct cmd *c)
{
    struct hv *hv = &w->b->bench->hv;

    if (!ioapic(w, c))
        return;
    if (c->num[3] > 15) {
        wire_say(w, "FAIL there are inputs 0 to 15");
        return;
    }
    hv->ops->isa_irq(hv, (unsigned)c->num[3], c->num[4] != 0);
    wire_ok(w);
}

static void do_other_machines(struct wire *w, struct cmd *c)
{
    wire_say(w, "FAIL %s is for other machines", c->word[0]);
}

const struct wire_row wire_rows[] = {
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
    {NULL},
};
