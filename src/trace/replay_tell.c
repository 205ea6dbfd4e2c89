/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace as text in the words of the fuzz targets' steps (src/bench/steps.h):
 * one text makes seeds for every target, each takes what is in its windows.
 */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <xen/hvm/ioreq.h>

#define HEX_MOST 240u /* bytes of a line */

static void hex(const uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        printf("%02x", p[i]);
}

static void tell_read(const struct trace_rec *t)
{
    uint32_t n = t->len < HEX_MOST ? t->len : HEX_MOST;

    if (!n)
        return;
    printf("write %#llx ", (unsigned long long)t->addr & 0xffffff);
    hex(t->bytes, n);
    putchar('\n');
}

static void tell_io(const struct trace_rec *t)
{
    static const char *const word[][2] = {
        {"out", "in"}, {"write", "read"}, {"cfgout", "cfgin"}};
    const char *size = t->size == 1   ? "b"
                       : t->size == 2 ? "w"
                       : t->size == 4 ? "l"
                                      : "q";
    bool in = t->flags & TRACE_IN;
    unsigned long long addr = t->addr;

    if (t->type > IOREQ_TYPE_PCI_CONFIG ||
        (t->type == IOREQ_TYPE_PCI_CONFIG && t->addr >> 32 > 0xff))
        return;
    if (t->type == IOREQ_TYPE_PCI_CONFIG)
        addr = (t->addr >> 32) << 8 | (t->addr & 0xff);
    if (t->flags & TRACE_PTR && t->type != IOREQ_TYPE_PCI_CONFIG)
        printf("%s%s %#llx %u %u\n", t->type == IOREQ_TYPE_PIO ? "rep" : "copy",
               in ? "in" : "out", addr, t->size, t->count);
    else if (in)
        printf("%s%s %#llx\n", word[t->type][1], size, addr);
    else
        printf("%s%s %#llx %#llx\n", word[t->type][0], size, addr,
               (unsigned long long)t->data);
}

int trace_tell(struct trace *t, uint64_t each)
{
    uint64_t at = 0, ns = 0;
    struct trace_rec r;
    bool fresh = true;
    int rc;

    while ((rc = trace_next(t, &r)) > 0) {
        if (fresh)
            printf("seed trace-%llu\n", (unsigned long long)(at / each));
        fresh = false;
        ns += r.dt_ns;
        if (r.kind == TRACE_READ)
            tell_read(&r);
        if (r.kind != TRACE_IO)
            continue;
        if (ns >= NS_PER_US)
            printf("clock %llu\n", (unsigned long long)ns);
        tell_io(&r);
        ns = 0;
        fresh = ++at % each == 0;
    }
    return rc;
}
