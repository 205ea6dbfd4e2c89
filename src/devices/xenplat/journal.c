/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unplug journal: what is kept, and one log line for each event. */
#include "priv.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

#define CLOSE_GAP(column, i, kept)                                             \
    memmove(&(column)[i], &(column)[(i) + 1],                                  \
            ((kept) - (i)-1u) * sizeof((column)[0]))

/* The oldest that took nothing, else the oldest. */
static void make_room(struct xenplat_regs *r)
{
    unsigned i = 0;

    while (i < r->kept && r->ev_went[i])
        i++;
    if (i == r->kept)
        i = 0;
    CLOSE_GAP(r->ev_wall_ns, i, r->kept);
    CLOSE_GAP(r->ev_build, i, r->kept);
    CLOSE_GAP(r->ev_product, i, r->kept);
    CLOSE_GAP(r->ev_value, i, r->kept);
    CLOSE_GAP(r->ev_via, i, r->kept);
    CLOSE_GAP(r->ev_went, i, r->kept);
    CLOSE_GAP(r->ev_ignored, i, r->kept);
    r->kept--;
}

static void who_text(const struct xenplat_regs *r, char *buf, size_t len)
{
    const char *name = xenplat_product_name(r->product);

    if (name)
        snprintf(buf, len, "%s drivers, build %u", name, r->build);
    else if (r->product || r->build)
        snprintf(buf, len, "drivers of product %u, build %u", r->product,
                 r->build);
    else
        snprintf(buf, len, "drivers without a name");
}

static void when_text(uint64_t wall_ns, char *buf, size_t len)
{
    time_t t = (time_t)(wall_ns / NS_PER_S);
    struct tm tm;

    if (!gmtime_r(&t, &tm) || !strftime(buf, len, "%Y-%m-%d %H:%M:%SZ", &tm))
        snprintf(buf, len, "?");
}

/* Each disk and card goes once: a guest cannot fill the log with that. */
static void say(struct xenplat *xp, const struct xenplat_event *ev)
{
    struct log *log = xp->dev.env.log;
    struct log_bucket *bucket = &xp->dev.bucket[LOG_UNPLUG];
    const char *via = xenplat_via_name(ev->via);
    char when[24], who[64], went[32];

    when_text(ev->wall_ns, when, sizeof(when));
    who_text(&xp->regs, who, sizeof(who));
    xenplat_went_text(ev->went, went, sizeof(went));
    if (ev->via == XENPLAT_VIA_REFUSED)
        bucket_log(log, bucket, "xenplat", "%s %s: told not to load, %s", when,
                   who,
                   ev->ignored ? "by the rescue switch"
                               : "for xenstore has them on its blacklist");
    else if (ev->ignored)
        bucket_log(log, bucket, "xenplat",
                   "%s %s: unplug %#x by %s ignored, the rescue switch is on",
                   when, who, ev->port_value, via);
    else if (ev->went)
        log_from(log, "xenplat", "%s %s: unplug %#x by %s takes %s", when, who,
                 ev->port_value, via, went);
    else
        bucket_log(log, bucket, "xenplat", "%s %s: unplug %#x by %s takes %s",
                   when, who, ev->port_value, via, went);
}

void xenplat_record(struct xenplat *xp, struct xenplat_event *ev)
{
    struct xenplat_regs *r = &xp->regs;
    unsigned n;

    ev->wall_ns = wall_ns();
    ev->product = r->product;
    ev->build = r->build;
    if (r->kept == XENPLAT_EVENTS)
        make_room(r);
    n = r->kept++;
    r->ev_wall_ns[n] = ev->wall_ns;
    r->ev_build[n] = ev->build;
    r->ev_product[n] = ev->product;
    r->ev_value[n] = ev->port_value;
    r->ev_via[n] = ev->via;
    r->ev_went[n] = ev->went;
    r->ev_ignored[n] = ev->ignored;
    r->events++;
    say(xp, ev);
}

unsigned xenplat_journal(const struct dev *dev, struct xenplat_event *out,
                         unsigned max)
{
    const struct xenplat_regs *r = &((const struct xenplat *)dev)->regs;
    unsigned n = r->kept < max ? r->kept : max;
    unsigned from = r->kept - n;

    for (unsigned i = 0; i < n; i++)
        out[i] = (struct xenplat_event){.wall_ns = r->ev_wall_ns[from + i],
                                        .build = r->ev_build[from + i],
                                        .product = r->ev_product[from + i],
                                        .port_value = r->ev_value[from + i],
                                        .via = r->ev_via[from + i],
                                        .went = r->ev_went[from + i],
                                        .ignored = r->ev_ignored[from + i]};
    return n;
}

uint64_t xenplat_events(const struct dev *dev)
{
    return ((const struct xenplat *)dev)->regs.events;
}

const char *xenplat_product_name(uint16_t product)
{
    switch (product) {
    case 1:
        return "xensource-windows";
    case 2:
        return "gplpv-windows";
    case 3:
        return "linux";
    case 4:
        return "xenserver-windows-v7.0+";
    case 5:
        return "xenserver-windows-v7.2+";
    case 0xffff:
        return "experimental";
    default:
        return NULL;
    }
}

const char *xenplat_via_name(uint8_t via)
{
    static const char name[XENPLAT_VIAS][9] = {"port", "bar0-all", "bar0-one",
                                               "refused"};

    return via < XENPLAT_VIAS ? name[via] : "unknown";
}

void xenplat_went_text(uint8_t went, char *buf, size_t len)
{
    int n = snprintf(buf, len, "%s%s%s%s%s", went & 1 ? " hda" : "",
                     went & 2 ? " hdb" : "", went & 4 ? " hdc" : "",
                     went & 8 ? " hdd" : "",
                     went & XENPLAT_WENT_NICS ? " nics" : "");

    if (n <= 0 || len < 2)
        snprintf(buf, len, "nothing");
    else
        memmove(buf, buf + 1, strlen(buf)); /* the first blank */
}
