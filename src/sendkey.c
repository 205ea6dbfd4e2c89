/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys that somebody types without a viewer: down at once, up after a while. */
#include "hvmd.h"

#include <errno.h>
#include <string.h>

static void key(struct hvmd *h, uint8_t code, bool down)
{
    struct input *in = machine_input(h->machine);

    if (in)
        in->ops->key(in->dev, code, down);
}

static void let_go(void *ctx)
{
    struct hvmd *h = ctx;

    timer_cancel(&h->sendkey.timer);
    while (h->sendkey.n)
        key(h, h->sendkey.code[--h->sendkey.n], false);
}

int hvmd_send_keys(void *ctx, const uint8_t *code, unsigned n, unsigned hold_ms,
                   struct err *e)
{
    struct hvmd *h = ctx;
    struct sendkey *s = &h->sendkey;

    if (n > sizeof(s->code))
        return err_set(e, -E2BIG, "more than %zu keys at once",
                       sizeof(s->code));
    let_go(h);
    memcpy(s->code, code, n);
    s->n = n;
    for (unsigned i = 0; i < n; i++)
        key(h, code[i], true);
    timer_set(&s->timer, clock_now(loop_clock(h->loop)) + hold_ms * NS_PER_MS);
    return 0;
}

void hvmd_release_keys(struct hvmd *h)
{
    if (h->sendkey.n)
        let_go(h);
}

void hvmd_sendkey_init(struct hvmd *h)
{
    timer_init(&h->sendkey.timer, loop_clock(h->loop), let_go, h);
}

void hvmd_sendkey_end(struct hvmd *h)
{
    if (h->sendkey.timer.clock)
        timer_cancel(&h->sendkey.timer);
}
