/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile guest and administrator at the Xen platform device. */
#include "../../bench/steps.h"
#include "xenplat.h"

#include <string.h>

#define XP  PCI_DEVFN(2, 0)
#define BAR 0xc000u
#define MEM 0xf2000000u

static const struct steps_window windows[] = {
    {IO_PIO, 0x10, 16},
    {IO_PIO, BAR, 16},
    {IO_PCI, XP << 8, 256},
    {IO_MMIO, MEM, 0x01000000},
};

struct host {
    struct machine_head head;
    unsigned disks, nics;
    bool listed;
};

static unsigned unplug_disks(struct machine *m, bool keep_first)
{
    struct host *h = (struct host *)m;
    unsigned went = h->disks & (keep_first ? ~1u : ~0u);

    h->disks &= ~went;
    return went;
}

static unsigned unplug_nics(struct machine *m)
{
    struct host *h = (struct host *)m;
    unsigned n = h->nics;

    h->nics = 0;
    return n;
}

static bool blacklisted(struct machine *m, const char *product, uint32_t build)
{
    return ((struct host *)m)->listed && product && build;
}

/* 0: the rescue switch; 1: the blacklist; 2: a look at the journal. */
static void own(struct steps *s, unsigned n, unsigned a)
{
    struct host *h = s->ctx;
    struct dev *xp = s->dev[0];
    struct xenplat_event e[XENPLAT_EVENTS];
    char text[64];

    if (n == 0) {
        xenplat_ignore_next(xp, a & 1);
        MUST(xenplat_ignoring(xp) == (a & 1));
        MUST(xenplat_unplug_mask(xp) <= XENPLAT_WENT_ALL);
    } else if (n == 1) {
        h->listed = a & 1;
    } else {
        unsigned got = xenplat_journal(xp, e, a + 1);

        MUST(got <= a + 1 && got <= xenplat_events(xp));
        for (unsigned i = 0; i < got; i++) {
            MUST(e[i].went <= XENPLAT_WENT_ALL && e[i].via < XENPLAT_VIAS);
            xenplat_went_text(e[i].went, text, 1 + a % sizeof(text));
            MUST(strlen(text) < sizeof(text) && xenplat_via_name(e[i].via));
        }
    }
}

static void place(struct steps *s)
{
    steps_cfg(s, XP, PCI_BAR0, 4, BAR);
    steps_cfg(s, XP, PCI_BAR0 + 4, 4, MEM);
    steps_cfg(s, XP, PCI_COMMAND, 2, 3);
}

const struct steps_map fuzz_map = {
    STEPS_WINDOWS(windows),
    .own = own,
    .place = place,
};

static void build(struct steps *s, unsigned key)
{
    struct host *host = calloc(1, sizeof(*host));

    *host = (struct host){.head = {.unplug_disks = unplug_disks,
                                   .unplug_nics = unplug_nics,
                                   .blacklisted = blacklisted},
                          .disks = 15,
                          .nics = 2};
    s->ctx = host;
    steps_begin(s, &fuzz_map, NULL, 0, 4096);
    s->b->env.machine = (struct machine *)host;
    steps_add(s, &xenplat_ops, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct steps *s = steps_kept((struct bytes){data, len}, 0, build);

    steps_run(s, NULL);
    if (len && data[0] == 0xff)
        steps_refused(s, &xenplat_ops, NULL);
    steps_back(s);
    return 0;
}
