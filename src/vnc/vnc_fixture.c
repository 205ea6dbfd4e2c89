/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vnc_test.py drives: a console with a display and an input made up.
 * vnc_fixture LISTEN [KEYMAP [blank]], blank: no display; commands on standard
 * input, a line each: size W H        new mode, filled with pattern 0 pattern X
 * Y W H SEED   pixel = (x * 7919 ^ y * 104729) + seed, 24 bits churn N from now
 * on every look finds all changed, or not leds N | password [P] | dump PATH |
 * clients | quit Events go to standard output, a line each.
 */
#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct console *console;
    struct display display;
    struct input input;
    struct log log;
    struct loop_src in;
    char line[512];
    size_t len;
    uint32_t w, h;
    uint32_t *px;
    struct rect dirty;
    bool resized, watched, churn;
    unsigned looks;
    unsigned events[3];
    char last[64];
};

static void copy(struct fixture *f, uint8_t *to, uint32_t stride, struct rect r)
{
    for (uint32_t y = r.y; y < r.y + r.h; y++)
        memcpy(to + (size_t)y * stride + (size_t)r.x * 4,
               f->px + (size_t)y * f->w + r.x, (size_t)r.w * 4);
}

/* The sink's buffer is remembered for partial draws, as devices do. */
struct target {
    uint8_t *px;
    uint32_t stride;
};

static struct target target;

static void refresh(void *dev, struct sink *sink, bool all)
{
    struct fixture *f = dev;
    struct rect r = f->dirty;

    f->looks++;
    if (f->churn)
        r = (struct rect){0, 0, f->w, f->h};
    if (all || f->resized) {
        target.px = sink->ops->resize(sink->ctx, f->w, f->h, &target.stride);
        if (!target.px)
            return;
        f->resized = false;
        r = (struct rect){0, 0, f->w, f->h};
    }
    if (!r.w)
        return;
    copy(f, target.px, target.stride, r);
    sink->ops->damage(sink->ctx, r);
    f->dirty.w = 0;
}

static void watch(void *dev, bool on)
{
    struct fixture *f = dev;

    f->watched = on;
    printf("watch %d\n", on);
}

static void key(void *dev, uint8_t code, bool down)
{
    printf("key 0x%02x %d\n", code, down);
}

static void rel(void *dev, int32_t dx, int32_t dy, int32_t dz, unsigned b)
{
    printf("rel %d %d %d %u\n", (int)dx, (int)dy, (int)dz, b);
}

static void event(void *ctx, enum console_event e, const struct console_peer *p)
{
    struct fixture *f = ctx;

    f->events[e]++;
    snprintf(f->last, sizeof(f->last), "%s", p->host);
}

static const struct display_ops display_ops = {watch, refresh};
static const struct input_ops input_ops = {key, rel};

static void pattern(struct fixture *f, struct rect r, uint32_t seed)
{
    for (uint32_t y = r.y; y < r.y + r.h; y++)
        for (uint32_t x = r.x; x < r.x + r.w; x++)
            f->px[(size_t)y * f->w + x] =
                ((x * 7919u ^ y * 104729u) + seed) & 0xffffff;
    f->dirty = r;
}

static void size(struct fixture *f, uint32_t w, uint32_t h)
{
    free(f->px);
    f->px = calloc((size_t)w * h, 4);
    f->w = w;
    f->h = h;
    f->resized = true;
    pattern(f, (struct rect){0, 0, w, h}, 0);
}

static void command(struct fixture *f, const char *line)
{
    unsigned a, b, c, d, e;
    char word[256] = "";
    struct err err;

    if (sscanf(line, "size %u %u", &a, &b) == 2) {
        size(f, a, b);
    } else if (sscanf(line, "pattern %u %u %u %u %u", &a, &b, &c, &d, &e) ==
               5) {
        pattern(f, (struct rect){a, b, c, d}, e);
    } else if (sscanf(line, "churn %u", &a) == 1) {
        f->churn = a;
    } else if (sscanf(line, "leds %u", &a) == 1) {
        f->input.leds(f->input.leds_ctx, (uint8_t)a);
    } else if (!strncmp(line, "password", 8)) {
        sscanf(line, "password %255s", word);
        printf("password %d\n", console_set_password(f->console, word));
    } else if (sscanf(line, "dump %255s", word) == 1) {
        printf("dump %d\n", console_screendump(f->console, word, &err));
    } else if (!strcmp(line, "clients")) {
        printf("clients %u\n", console_clients(f->console));
    } else if (!strcmp(line, "cpu")) {
        printf("cpu %llu\n", (unsigned long long)console_cpu_ns(f->console));
    } else if (!strcmp(line, "viewers")) {
        const struct console_peer *p = console_client(f->console, 0);

        printf("viewers %u %u %u %s %s\n", f->events[CONSOLE_CONNECTED],
               f->events[CONSOLE_READY], f->events[CONSOLE_DISCONNECTED],
               f->last[0] ? f->last : "-", p ? p->host : "-");
    } else if (!strcmp(line, "looks")) {
        printf("looks %u\n", f->looks);
    } else if (!strcmp(line, "quit")) {
        loop_stop(f->loop, 0);
    } else {
        printf("what? %s\n", line);
    }
}

static void ready(void *ctx, unsigned events)
{
    struct fixture *f = ctx;
    ssize_t n = read(0, f->line + f->len, sizeof(f->line) - 1 - f->len);
    char *nl;

    if (n <= 0) {
        loop_stop(f->loop, 1);
        return;
    }
    f->len += (size_t)n;
    f->line[f->len] = '\0';
    while ((nl = memchr(f->line, '\n', f->len))) {
        *nl = '\0';
        command(f, f->line);
        f->len -= (size_t)(nl + 1 - f->line);
        memmove(f->line, nl + 1, f->len + 1);
    }
}

int main(int argc, char **argv)
{
    struct fixture f = {0};
    struct console_conf conf = {.listen = argv[1],
                                .keymap = argc > 2 ? argv[2] : NULL,
                                .name = "fixture",
                                .event = event,
                                .ctx = &f};
    struct err e;

    setvbuf(stdout, NULL, _IOLBF, 0);
    f.loop = loop_new();
    log_init_fd(&f.log, 2, loop_clock(f.loop));
    f.display = (struct display){&display_ops, &f};
    f.input = (struct input){.ops = &input_ops, .dev = &f};
    size(&f, 64, 48);
    bool blank = argc > 3;
    f.console = console_new(f.loop, blank ? NULL : &f.display, &f.input, &conf,
                            &f.log, &e);
    if (!f.console) {
        printf("error %s\n", e.text);
        loop_free(f.loop);
        free(f.px);
        return 1;
    }
    printf("listen %s %s %s\n", console_host(f.console),
           console_service(f.console)[0] ? console_service(f.console) : "-",
           console_auth(f.console));
    loop_add(f.loop, &f.in, 0, LOOP_IN, ready, &f);
    int status = loop_run(f.loop);
    console_free(f.console);
    loop_del(f.loop, &f.in);
    loop_free(f.loop);
    free(f.px);
    return status;
}
