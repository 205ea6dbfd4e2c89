/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rigs that stay from one input to the next. That they come back as new is
 * looked at after every input where there is no fuzzing engine, else after
 * some.
 */
#include "keep.h"
#include "steps.h"

#define RIGS 64u

#ifdef FUZZ_ENGINE
#define LOOK_EVERY 1024u
#define RARE       256u
#define UNMADE     1024u
#else
#define LOOK_EVERY 1u
#define RARE       1u
#define UNMADE     32u
#endif

struct kept {
    unsigned key;
    struct steps *s; /* NULL: none yet */
    void (*build)(struct steps *, unsigned key);
    struct keep keep;
    unsigned used;
};

static void make(struct kept *k)
{
    struct bench *b;

    keep_record(&k->keep);
    k->s = calloc(1, sizeof(*k->s));
    MUST(k->s);
    k->build(k->s, k->key);
    k->s->placed = k->s->ndevs && k->s->map->place;
    if (k->s->placed)
        k->s->map->place(k->s);
    b = k->s->b;
    keep_wet(&k->keep, b->ram, b->ram_wet);
    keep_wet(&k->keep, b->vram, b->vram_wet);
    k->s->kept = k;
    keep_current(NULL); /* these need not come back */
    if (k->s->ndevs)
        steps_spare(k->s);
    keep_current(&k->keep);
    keep_image(&k->keep);
}

static void unmake(struct kept *k)
{
    void *ctx = k->s->ctx;

    keep_current(NULL);
    steps_spare_free(k->s);
    keep_current(&k->keep);
    if (k->s->map->unmake)
        k->s->map->unmake(k->s);
    steps_end(k->s);
    free(ctx);
    free(k->s);
    k->s = NULL;
    MUST(keep_end(&k->keep));
}

struct steps *steps_kept(struct bytes in, unsigned key,
                         void (*build)(struct steps *, unsigned key))
{
    static struct kept rigs[RIGS]; /* the engine's call has no context */
    struct kept *k = rigs;
    size_t sum = in.left;

    while (k < rigs + RIGS && k->s && k->key != key)
        k++;
    if (k == rigs + RIGS)
        unmake(k = &rigs[key % RIGS]);
    if (!k->s) {
        k->key = key;
        k->build = build;
        make(k);
    }
    keep_current(&k->keep);
    k->s->in = in;
    if (in.left)
        sum += in.p[0] + in.p[in.left / 2] + in.p[in.left - 1];
    k->s->unmade = in.left && sum % UNMADE == 0;
    k->s->rare = sum % RARE == 1 % RARE;
    return k->s;
}

/* Some inputs, always the same, end with all devices gone: these are looked
 * at as the guest left them. A new rig at once: an engine that counts memory
 * would search for leaks after each input that left some more. */
void steps_back(struct steps *s)
{
    struct kept *k = s->kept;

    steps_quiet(s);
    if (s->unmade || k->keep.more) {
        unmake(k);
        make(k);
    } else {
        keep_back(&k->keep);
        if (k->used++ % LOOK_EVERY == 0)
            MUST(keep_same(&k->keep));
    }
    keep_current(NULL);
}
