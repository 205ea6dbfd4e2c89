/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that save and restore all devices. */
#include "steps_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void steps_quiesce(struct steps *s)
{
    s->seam->pause(s, true);
    for (unsigned u = 0; u < STEPS_BLKS; u++)
        if (s->blk[u])
            s->blk[u]->ops->drain(s->blk[u]);
    for (unsigned i = 0; i < s->ndevs; i++)
        MUST(!s->dev[i]->ops->idle || s->dev[i]->ops->idle(s->dev[i]));
}

/* Memory that ends where n bytes do, a sanitizer's edge behind it. */
static uint8_t *spare(struct steps *s, unsigned which, size_t n)
{
    size_t all = (n + 15) & ~(size_t)15;

    MUST(all <= s->spare_bytes);
    return s->spare[which] + s->spare_bytes - all;
}

/* A restore that ends what was under way is one that lost it. */
static void saved_again(struct steps *s, struct dev *d, const uint8_t *buf,
                        size_t n)
{
    const struct state_desc *desc = d->ops->state;
    uint8_t *again = spare(s, 1, state_bytes(desc));
    size_t m = state_save(desc, d, again);

    if (m != n || memcmp(again, buf, n))
        fprintf(stderr, "%s is not what was saved\n", desc->name);
    MUST(m == n && !memcmp(again, buf, n));
}

/* What a guest can reach must be what a restore takes. */
static void save_one(struct steps *s, struct dev *d, unsigned changes)
{
    const struct state_desc *desc = d->ops->state;
    struct err e = {""};
    uint8_t *buf, *state;
    size_t n;
    int rc;

    if (!desc)
        return;
    if (desc->settle)
        desc->settle(d);
    buf = spare(s, 0, state_bytes(desc));
    state = spare(s, 1, desc->size);
    n = state_save(desc, d, buf);
    MUST(!s->saved_most || n <= s->saved_most);
    for (unsigned i = 0; i < changes; i++) {
        size_t at = take(&s->in, 2) % n;

        buf[at] = take8(&s->in);
    }
    rc = state_decode(desc, desc->version, buf, n, state, &e);
    if (!rc)
        state_put(desc, d, state);
    else if (!changes)
        fprintf(stderr, "%s\n", e.text);
    MUST(!rc || (changes && e.text[0]));
    if (!changes && s->rare && s->still)
        saved_again(s, d, buf, n);
}

void steps_spare(struct steps *s)
{
    for (unsigned i = 0; i < s->ndevs; i++) {
        const struct state_desc *desc = s->dev[i]->ops->state;
        size_t n = desc ? state_bytes(desc) : 0;

        if (desc && n < desc->size)
            n = desc->size;
        n = (n + 15) & ~(size_t)15;
        if (n > s->spare_bytes)
            s->spare_bytes = n;
    }
    for (unsigned i = 0; i < 2; i++) {
        s->spare[i] = malloc(s->spare_bytes);
        MUST(s->spare[i]);
    }
}

void steps_spare_free(struct steps *s)
{
    free(s->spare[0]);
    free(s->spare[1]);
    s->spare[0] = s->spare[1] = NULL;
    s->spare_bytes = 0;
}

void steps_save(struct steps *s, unsigned changes)
{
    unsigned most = s->map->saves ? s->map->saves : STEPS_SAVES;
    bool once = !s->spare[0];

    if (s->saves++ >= most && !s->rare) {
        for (unsigned i = 0; i < s->ndevs * changes; i++)
            take(&s->in, s->dev[i / changes]->ops->state ? 3 : 0);
        return;
    }
    if (once)
        steps_spare(s);
    steps_quiesce(s);
    for (unsigned i = 0; i < s->ndevs; i++)
        save_one(s, s->dev[i], changes);
    s->seam->pause(s, s->paused);
    if (once)
        steps_spare_free(s);
}
