/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"
#include "top.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_MAX_WIDTH 32u
#define WIDE           100u

#define BOLD    "\033[1m"
#define REVERSE "\033[7m"
#define GREEN   "\033[32m"
#define RED     "\033[31m"
#define DIM     "\033[2m"
#define PLAIN   "\033[0m"

enum col_id {
    COL_DOM,
    COL_NAME,
    COL_STATE,
    COL_CPU,
    COL_PSS,
    COL_PRIV,
    COL_IOREQ,
    COL_BUF,
    COL_KIND, /* six of them */
    COL_DISK_RD = COL_KIND + FIG_KINDS,
    COL_DISK_WR,
    COL_NET_RX,
    COL_NET_TX,
    COL_VIEW,
    COLS,
};

/* rank: in which order they are given room */
static const struct col {
    const char *title;
    unsigned width, rank;
    bool left;
} cols[COLS] = {
    [COL_DOM] = {"DOM", 5, 0, false},
    [COL_NAME] = {"NAME", 10, 1, true},
    [COL_STATE] = {"STATE", 9, 2, true},
    [COL_CPU] = {"CPU%", 5, 3, false},
    [COL_PSS] = {"PSS", 5, 4, false},
    [COL_PRIV] = {"PRIV", 5, 12, false},
    [COL_IOREQ] = {"IOREQ/s", 7, 5, false},
    [COL_BUF] = {"BUF/s", 5, 11, false},
    [COL_KIND + PIO_RD] = {"PIO-RD", 6, 6, false},
    [COL_KIND + PIO_WR] = {"PIO-WR", 6, 7, false},
    [COL_KIND + MMIO_RD] = {"MMIO-RD", 7, 8, false},
    [COL_KIND + MMIO_WR] = {"MMIO-WR", 7, 9, false},
    [COL_KIND + CFG_RD] = {"CFG-RD", 6, 15, false},
    [COL_KIND + CFG_WR] = {"CFG-WR", 6, 16, false},
    [COL_DISK_RD] = {"DSK-RD", 6, 10, false},
    [COL_DISK_WR] = {"DSK-WR", 6, 10, false},
    [COL_NET_RX] = {"NET-RX", 6, 13, false},
    [COL_NET_TX] = {"NET-TX", 6, 13, false},
    [COL_VIEW] = {"VIEWERS", 7, 14, false},
};

struct layout {
    bool shown[COLS];
    unsigned width[COLS];
};

/* One line: a cell for each column, and how it looks. */
struct row {
    char cell[COLS][64];
    const char *style;
};

/* Wide screens have names and "stepped aside" in full. */
static unsigned wanted(const struct view *v, unsigned c, unsigned longest_name)
{
    if (v->width >= WIDE && c == COL_STATE)
        return 13;
    if (v->width < WIDE || c != COL_NAME || longest_name < cols[c].width)
        return cols[c].width;
    return longest_name < NAME_MAX_WIDTH ? longest_name : NAME_MAX_WIDTH;
}

static struct layout lay_out(const struct view *v, unsigned longest_name)
{
    struct layout l;
    unsigned used = 0, spare, more;

    memset(&l, 0, sizeof(l));
    for (unsigned rank = 0; rank < COLS; rank++)
        for (unsigned c = 0; c < COLS; c++) {
            unsigned width = wanted(v, c, longest_name);
            unsigned need = width + (used ? 1 : 0);

            if (cols[c].rank != rank || used + need > v->width)
                continue;
            l.shown[c] = true;
            l.width[c] = width;
            used += need;
        }
    spare = v->width - used;
    if (longest_name > NAME_MAX_WIDTH)
        longest_name = NAME_MAX_WIDTH;
    if (l.shown[COL_NAME] && longest_name > l.width[COL_NAME]) {
        more = longest_name - l.width[COL_NAME];
        l.width[COL_NAME] += more < spare ? more : spare;
    }
    return l;
}

static void print_row(FILE *f, const struct layout *l, const struct row *r,
                      bool colour)
{
    bool first = true;
    unsigned last = 0;

    for (unsigned c = 0; c < COLS; c++)
        if (l->shown[c] && r->cell[c][0])
            last = c;
    if (colour && r->style)
        fputs(r->style, f);
    for (unsigned c = 0; c <= last; c++) {
        if (!l->shown[c])
            continue;
        if (!first)
            fputc(' ', f);
        first = false;
        if (!cols[c].left)
            fprintf(f, "%*.*s", (int)l->width[c], (int)l->width[c], r->cell[c]);
        else if (c == last)
            fprintf(f, "%.*s", (int)l->width[c], r->cell[c]);
        else
            fprintf(f, "%-*.*s", (int)l->width[c], (int)l->width[c],
                    r->cell[c]);
    }
    if (colour && r->style)
        fputs(PLAIN, f);
    fputc('\n', f);
}

static uint64_t since(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static void put(struct row *r, unsigned col, const char *text)
{
    snprintf(r->cell[col], sizeof(r->cell[col]), "%.63s", text);
}

static void put_rate(struct row *r, unsigned col, uint64_t delta, uint64_t ns)
{
    char text[TEXT_NUM];

    text_rate(delta, ns, text);
    put(r, col, text);
}

static void put_bytes(struct row *r, unsigned col, uint64_t v)
{
    char text[TEXT_NUM];

    text_bytes(v, text);
    put(r, col, text);
}

static uint64_t per_second(uint64_t delta, uint64_t ns)
{
    double rate = ns ? (double)delta * 1e9 / (double)ns : 0;

    return rate < 1e19 ? (uint64_t)rate : UINT64_MAX;
}

static uint64_t dev_hits(const struct dom *d, unsigned i, unsigned kind)
{
    if (i >= d->before.ndevs ||
        strcmp(d->before.dev[i].name, d->now.dev[i].name) != 0)
        return 0;
    return since(d->now.dev[i].hits[kind], d->before.dev[i].hits[kind]);
}

static uint64_t dev_total(const struct dom *d, unsigned i)
{
    uint64_t n = 0;

    for (unsigned k = 0; k < FIG_KINDS; k++)
        n += dev_hits(d, i, k);
    return n;
}

struct moved {
    uint64_t rd, wr;
};

static struct moved disk_bytes(const struct figures *f)
{
    struct moved m = {0, 0};

    for (unsigned i = 0; i < f->ndisks; i++) {
        m.rd += f->disk[i].rd_bytes;
        m.wr += f->disk[i].wr_bytes;
    }
    return m;
}

static struct moved nic_bytes(const struct figures *f)
{
    struct moved m = {0, 0};

    for (unsigned i = 0; i < f->nnics; i++) {
        m.rd += f->nic[i].rx_bytes;
        m.wr += f->nic[i].tx_bytes;
    }
    return m;
}

static void put_rates(struct row *r, const struct dom *d)
{
    const struct figures *now = &d->now, *old = &d->before;
    uint64_t ns = now->uptime_ns - old->uptime_ns;
    struct moved a = disk_bytes(now), b = disk_bytes(old);

    snprintf(r->cell[COL_CPU], sizeof(r->cell[0]), "%.1f",
             (double)since(now->cpu_ns, old->cpu_ns) * 100 / (double)ns);
    put_rate(r, COL_IOREQ, since(now->ioreqs, old->ioreqs), ns);
    put_rate(r, COL_BUF, since(now->buffered, old->buffered), ns);
    for (unsigned k = 0; k < FIG_KINDS; k++) {
        uint64_t n = 0;

        for (unsigned i = 0; i < now->ndevs; i++)
            n += dev_hits(d, i, k);
        put_rate(r, COL_KIND + k, n, ns);
    }
    put_bytes(r, COL_DISK_RD, per_second(since(a.rd, b.rd), ns));
    put_bytes(r, COL_DISK_WR, per_second(since(a.wr, b.wr), ns));
    a = nic_bytes(now);
    b = nic_bytes(old);
    put_bytes(r, COL_NET_RX, per_second(since(a.rd, b.rd), ns));
    put_bytes(r, COL_NET_TX, per_second(since(a.wr, b.wr), ns));
}

static void dom_row(struct row *r, const struct dom *d, const struct layout *l)
{
    const struct figures *f = &d->now;
    const char *state = d->answers ? figures_state(f) : "not answering";

    memset(r, 0, sizeof(*r));
    snprintf(r->cell[COL_DOM], sizeof(r->cell[0]), "%u", d->domid);
    put(r, COL_NAME, f->name);
    if (strlen(state) > l->width[COL_STATE])
        state = d->answers ? "aside" : "no answer";
    put(r, COL_STATE, state);
    r->style = !d->answers ? RED : f->aside ? GREEN : BOLD;
    if (!d->answers)
        return;
    if (f->has_memory) {
        put_bytes(r, COL_PSS, f->pss_bytes);
        put_bytes(r, COL_PRIV, f->private_dirty_bytes);
    }
    snprintf(r->cell[COL_VIEW], sizeof(r->cell[0]), "%u", f->viewers);
    if (d->has_before)
        put_rates(r, d);
}

/* In the columns of the domain: all it did under IOREQ/s, then by kind. */
static void dev_row(struct row *r, const struct dom *d, unsigned i)
{
    uint64_t ns = d->now.uptime_ns - d->before.uptime_ns;

    memset(r, 0, sizeof(*r));
    snprintf(r->cell[COL_NAME], sizeof(r->cell[0]), "  %s", d->now.dev[i].name);
    put_rate(r, COL_IOREQ, dev_total(d, i), ns);
    for (unsigned k = 0; k < FIG_KINDS; k++)
        if (dev_hits(d, i, k))
            put_rate(r, COL_KIND + k, dev_hits(d, i, k), ns);
    r->style = DIM;
}

/* The busiest device behind the one given last; FIG_DEVS: none. */
static unsigned busiest(const struct dom *d, const bool *done)
{
    unsigned best = FIG_DEVS;

    for (unsigned i = 0; i < d->now.ndevs; i++)
        if (!done[i] && dev_total(d, i) &&
            (best == FIG_DEVS || dev_total(d, i) > dev_total(d, best)))
            best = i;
    return best;
}

static unsigned print_devices(FILE *f, const struct dom *d,
                              const struct layout *l, const struct view *v,
                              unsigned most)
{
    bool done[FIG_DEVS] = {false};
    unsigned n, i;
    struct row r;

    for (n = 0; n < most; n++) {
        i = busiest(d, done);
        if (i == FIG_DEVS)
            break;
        done[i] = true;
        dev_row(&r, d, i);
        print_row(f, l, &r, v->colour);
    }
    return n;
}

static void print_head(FILE *f, const struct host *h, const struct view *v,
                       const struct layout *l)
{
    static const char keys[] = "   q quit, d devices";
    time_t t = time(NULL);
    unsigned aside = 0;
    char line[256], clock[16] = "";
    struct row r;
    struct tm tm;
    int n;

    for (unsigned i = 0; i < h->n; i++)
        aside += h->dom[i]->answers && h->dom[i]->now.aside;
    if (localtime_r(&t, &tm))
        strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
    n = snprintf(line, sizeof(line),
                 "hvmctl top  %s  %u hvmd%s, %u stepped aside", clock, h->n,
                 h->n == 1 ? "" : "s", aside);
    if (v->height && (unsigned)n + sizeof(keys) <= v->width + 1)
        snprintf(line + n, sizeof(line) - (size_t)n, "%s", keys);
    fprintf(f, "%.*s\n", (int)v->width, line);
    memset(&r, 0, sizeof(r));
    for (unsigned c = 0; c < COLS; c++)
        put(&r, c, cols[c].title);
    r.style = REVERSE;
    print_row(f, l, &r, v->colour);
}

/* Rows for devices, when all domains have theirs. */
static unsigned spare_rows(const struct host *h, const struct view *v,
                           unsigned room)
{
    if (!v->devices)
        return 0;
    if (!v->height)
        return UINT32_MAX;
    return room > h->n ? room - h->n : 0;
}

void view_print(FILE *f, const struct host *h, const struct view *v)
{
    unsigned longest = 0, room = v->height > 2 ? v->height - 2 : 0, spare, n;
    struct layout l;
    struct row r;

    for (unsigned i = 0; i < h->n; i++)
        if (strlen(h->dom[i]->now.name) > longest)
            longest = (unsigned)strlen(h->dom[i]->now.name);
    l = lay_out(v, longest);
    print_head(f, h, v, &l);
    spare = spare_rows(h, v, room);
    n = v->height && h->n > room ? (room ? room - 1 : 0) : h->n;
    for (unsigned i = 0; i < n; i++) {
        const struct dom *d = h->dom[i];

        dom_row(&r, d, &l);
        print_row(f, &l, &r, v->colour);
        if (d->answers && d->has_before)
            spare -= print_devices(f, d, &l, v, spare);
    }
    if (n < h->n && room)
        fprintf(f, "%.*s\n", (int)v->width,
                "... and more domains than lines; see hvmctl list");
}
