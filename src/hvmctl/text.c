/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <hvmd/timer.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* v in units of step with a letter; one decimal below 10. */
static void scale(uint64_t v, unsigned step, const char *letters,
                  char out[TEXT_NUM])
{
    uint64_t unit = 1;
    unsigned i = 0;

    if (v < step) {
        snprintf(out, TEXT_NUM, "%llu", (unsigned long long)v);
        return;
    }
    while (v / unit >= step && letters[i]) {
        unit *= step;
        i++;
    }
    if (v / unit < 10)
        snprintf(out, TEXT_NUM, "%llu.%llu%c", (unsigned long long)(v / unit),
                 (unsigned long long)(v % unit * 10 / unit), letters[i - 1]);
    else
        snprintf(out, TEXT_NUM, "%llu%c", (unsigned long long)(v / unit),
                 letters[i - 1]);
}

void text_count(uint64_t v, char out[TEXT_NUM])
{
    scale(v, 1000, "kMGTPE", out);
}

void text_bytes(uint64_t v, char out[TEXT_NUM])
{
    scale(v, 1024, "KMGTPE", out);
}

void text_rate(uint64_t delta, uint64_t ns, char out[TEXT_NUM])
{
    double rate = ns ? (double)delta * 1e9 / (double)ns : 0;

    if (delta == 0)
        snprintf(out, TEXT_NUM, "0");
    else if (rate < 9.95)
        snprintf(out, TEXT_NUM, "%.1f", rate);
    else if (rate < 1e18)
        text_count((uint64_t)(rate + 0.5), out);
    else
        snprintf(out, TEXT_NUM, "-");
}

void text_span(uint64_t ns, char out[TEXT_NUM])
{
    unsigned long long s = ns / NS_PER_S;

    if (s < 60)
        snprintf(out, TEXT_NUM, "%llus", s);
    else if (s < 3600)
        snprintf(out, TEXT_NUM, "%llum%02llus", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, TEXT_NUM, "%lluh%02llum", s / 3600, s / 60 % 60);
    else
        snprintf(out, TEXT_NUM, "%llud%02lluh", s / 86400, s / 3600 % 24);
}

void text_seconds(uint64_t ns, char out[TEXT_NUM])
{
    unsigned long long ms = ns / NS_PER_MS;

    if (ms < 10000)
        snprintf(out, TEXT_NUM, "%llu.%03llus", ms / 1000, ms % 1000);
    else if (ms < 1000000)
        snprintf(out, TEXT_NUM, "%llu.%llus", ms / 1000, ms % 1000 / 100);
    else
        snprintf(out, TEXT_NUM, "%llus", ms / 1000);
}

void text_time(uint64_t wall_ns, char out[TEXT_NUM])
{
    time_t t = (time_t)(wall_ns / NS_PER_S);
    struct tm tm;

    if (!wall_ns || !localtime_r(&t, &tm) ||
        !strftime(out, TEXT_NUM, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(out, TEXT_NUM, "-");
}

/* The character at p, its bytes in *len; one byte and U+FFFD if it is none. */
static uint32_t utf8_at(const unsigned char *p, unsigned *len)
{
    unsigned more = p[0] < 0xc2   ? 0
                    : p[0] < 0xe0 ? 1
                    : p[0] < 0xf0 ? 2
                    : p[0] < 0xf5 ? 3
                                  : 0;
    uint32_t c = p[0] & (0x3fu >> more);

    *len = 1;
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0xfffd;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (!more || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
        (more == 2 && c < 0x800) || (more == 3 && c < 0x10000))
        return 0xfffd;
    *len = more + 1;
    return c;
}

void text_json(const char *text, FILE *f)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned len = 1;
    uint32_t c;

    for (; *p; p += len) {
        len = 1;
        if (*p < 0x7f) { /* control characters json-c has escaped */
            fputc(*p, f);
            continue;
        }
        c = *p == 0x7f ? 0x7f : utf8_at(p, &len);
        if (c > 0xffff) {
            fprintf(f, "\\u%04x", (unsigned)(0xd7c0 + (c >> 10)));
            c = 0xdc00 + (c & 0x3ff);
        }
        fprintf(f, "\\u%04x", (unsigned)c);
    }
    fputc('\n', f);
}

void table_init(struct table *t, const char *const *titles)
{
    memset(t, 0, sizeof(*t));
    while (titles[t->cols] && t->cols < TABLE_COLS) {
        t->title[t->cols] = titles[t->cols];
        t->cols++;
    }
}

void table_add(struct table *t, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    if (t->n == t->cap) {
        size_t cap = t->cap * 2 + 64;
        char **more = reallocarray(t->cell, cap, sizeof(*more));

        if (!more)
            return;
        t->cell = more;
        t->cap = cap;
    }
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    t->cell[t->n++] = text;
}

void table_count(struct table *t, uint64_t v)
{
    char text[TEXT_NUM];

    text_count(v, text);
    table_add(t, "%s", text);
}

void table_bytes(struct table *t, uint64_t v)
{
    char text[TEXT_NUM];

    text_bytes(v, text);
    table_add(t, "%s", text);
}

static const char *cell(const struct table *t, size_t i)
{
    return t->cell[i] ? t->cell[i] : "?";
}

/* No blanks at the end of a line. */
static void put(FILE *f, const char *text, bool right, size_t width, bool last)
{
    if (right)
        fprintf(f, "%*s", (int)width, text);
    else if (last)
        fputs(text, f);
    else
        fprintf(f, "%-*s", (int)width, text);
    fputs(last ? "\n" : "  ", f);
}

static void print_cells(const struct table *t, size_t whole, FILE *f)
{
    size_t width[TABLE_COLS], i, c;
    bool right[TABLE_COLS];
    const char *title;

    for (c = 0; c < t->cols; c++) {
        right[c] = t->title[c][0] == '>';
        width[c] = strlen(t->title[c]) - right[c];
    }
    for (i = 0; i < whole; i++)
        if (strlen(cell(t, i)) > width[i % t->cols])
            width[i % t->cols] = strlen(cell(t, i));
    for (c = 0; c < t->cols; c++) {
        title = t->title[c] + right[c];
        put(f, title, right[c], width[c], c + 1 == t->cols);
    }
    for (i = 0; i < whole; i++) {
        c = i % t->cols;
        put(f, cell(t, i), right[c], width[c], c + 1 == t->cols);
    }
}

void table_print(struct table *t, FILE *f)
{
    if (t->cols)
        print_cells(t, t->n - t->n % t->cols, f);
    for (size_t i = 0; i < t->n; i++)
        free(t->cell[i]);
    free(t->cell);
    t->cell = NULL;
    t->n = t->cap = 0;
}
