/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes to JSON objects. xenstat ends its commands with nothing at all
 * and libxl sends a command's first byte alone, so an object ends at its
 * closing brace and may come in any pieces.
 */
#include "qmp_impl.h"

#include <errno.h>
#include <string.h>

int qmp_text_init(struct qmp_text *t, size_t max)
{
    memset(t, 0, sizeof(*t));
    t->max = max;
    t->tok = json_tokener_new_ex(QMP_DEPTH_MAX);
    if (!t->tok)
        return -ENOMEM;
    json_tokener_set_flags(t->tok, JSON_TOKENER_STRICT |
                                       JSON_TOKENER_ALLOW_TRAILING_CHARS);
    return 0;
}

void qmp_text_free(struct qmp_text *t)
{
    if (t->tok)
        json_tokener_free(t->tok);
    t->tok = NULL;
}

/* RFC 8259, section 6; those up to NUM_MORE cannot end a number. */
enum {
    NO_NUMBER,
    NUM_MINUS,
    NUM_DOT,
    NUM_E,
    NUM_E_SIGN,
    NUM_MORE = NUM_E_SIGN,
    NUM_ZERO,
    NUM_INT,
    NUM_FRACTION,
    NUM_E_DIGITS,
};

static void restart(struct qmp_text *t, bool skip)
{
    json_tokener_reset(t->tok);
    t->bytes = 0;
    t->begun = false;
    t->skip = skip;
    t->more = 0;
    t->quoted = t->escaped = false;
    t->num = NO_NUMBER;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * RFC 3629, table 3-7 of Unicode; kept over chunks, which json-c's own check
 * is not. NUL would end json-c's scan early.
 */
static bool utf8_ok(struct qmp_text *t, uint8_t c)
{
    if (t->more) {
        if (c < t->lo || c > t->hi)
            return false;
        t->more--;
        t->lo = 0x80;
        t->hi = 0xbf;
        return true;
    }
    if (c < 0x80)
        return c != 0;
    t->lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    t->hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (c >= 0xc2 && c <= 0xdf)
        t->more = 1;
    else if (c >= 0xe0 && c <= 0xef)
        t->more = 2;
    else if (c >= 0xf0 && c <= 0xf4)
        t->more = 3;
    else
        return false;
    return true;
}

static uint8_t digit_after(uint8_t num, char c)
{
    switch (num) {
    case NO_NUMBER:
    case NUM_MINUS:
        return c == '0' ? NUM_ZERO : NUM_INT;
    case NUM_DOT:
        return NUM_FRACTION;
    case NUM_E:
    case NUM_E_SIGN:
        return NUM_E_DIGITS;
    case NUM_ZERO:
        return NO_NUMBER;
    default:
        return num;
    }
}

/* json-c passes over some bad numbers when they come in pieces. */
static bool number_ok(struct qmp_text *t, char c)
{
    uint8_t was = t->num;

    t->num = NO_NUMBER;
    if (c >= '0' && c <= '9')
        t->num = digit_after(was, c);
    else if (c == '-' && was == NO_NUMBER)
        t->num = NUM_MINUS;
    else if ((c == '-' || c == '+') && was == NUM_E)
        t->num = NUM_E_SIGN;
    else if (c == '.' && (was == NUM_ZERO || was == NUM_INT))
        t->num = NUM_DOT;
    else if ((c == 'e' || c == 'E') && was > NUM_MORE && was != NUM_E_DIGITS)
        t->num = NUM_E;
    else if (was == NO_NUMBER || blank(c) || strchr(",]}", c))
        return was == NO_NUMBER || was > NUM_MORE;
    return t->num != NO_NUMBER;
}

static bool byte_ok(struct qmp_text *t, uint8_t c)
{
    if (!utf8_ok(t, c))
        return false;
    if (!t->quoted) {
        t->quoted = c == '"';
        return number_ok(t, (char)c);
    }
    if (t->escaped)
        t->escaped = false;
    else if (c == '\\')
        t->escaped = true;
    else
        t->quoted = c != '"';
    return true;
}

/* What follows an error in its line is of no use. */
static size_t skip_line(struct qmp_text *t, const char *buf, size_t len)
{
    const char *nl = memchr(buf, '\n', len);

    t->bytes += nl ? (size_t)(nl - buf) : len;
    if (!nl)
        return len;
    restart(t, false);
    return (size_t)(nl - buf) + 1;
}

enum qmp_got qmp_text_feed(struct qmp_text *t, const char *buf, size_t len,
                           size_t *used, struct json_object **obj)
{
    size_t at = 0, end;

    if (t->skip) {
        at = skip_line(t, buf, len);
        if (t->skip && t->bytes > t->max) {
            *used = at;
            return QMP_TOO_LONG;
        }
    }
    while (!t->begun && at < len && blank(buf[at]))
        at++;
    *used = at;
    if (at == len)
        return QMP_MORE;
    if (!t->begun && buf[at] != '{') {
        restart(t, true);
        return QMP_SYNTAX;
    }
    t->begun = true;
    if (len - at > t->max - t->bytes)
        len = at + (t->max - t->bytes);
    for (end = at; end < len && byte_ok(t, (uint8_t)buf[end]); end++)
        ;
    *obj = json_tokener_parse_ex(t->tok, buf + at, (int)(end - at));
    if (*obj) {
        *used = at + json_tokener_get_parse_end(t->tok);
        restart(t, false);
        return QMP_OBJECT;
    }
    if (json_tokener_get_error(t->tok) != json_tokener_continue) {
        *used = at + json_tokener_get_parse_end(t->tok);
        restart(t, true);
        return QMP_SYNTAX;
    }
    if (end < len) { /* not JSON, or not UTF-8 */
        *used = end;
        restart(t, true);
        return QMP_SYNTAX;
    }
    t->bytes += end - at;
    *used = end;
    if (t->bytes < t->max)
        return QMP_MORE;
    restart(t, true);
    return QMP_TOO_LONG;
}
