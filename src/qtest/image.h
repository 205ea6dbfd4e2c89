/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks of a qtest machine: a raw file, a file whose writes are dropped at the
 * end, or zeros without a file. Requests end inside submit, but for what a
 * fault rule or a breakpoint says. Loop thread only.
 */
#ifndef HVMD_QTEST_IMAGE_H
#define HVMD_QTEST_IMAGE_H

#include <hvmd/block.h>
#include <hvmd/timer.h>

#define IMAGE_RULES 16

/* When a rule is looked at. */
enum image_event {
    IMAGE_EV_NONE, /* at every request */
    IMAGE_EV_READ,
    IMAGE_EV_WRITE,
    IMAGE_EV_FLUSH_OS,
    IMAGE_EV_FLUSH_DISK,
    IMAGE_EV_OTHER, /* one that never comes here */
};

struct image_rule {
    enum image_event event;
    bool set_state;
    unsigned state; /* 0: any */
    unsigned new_state;
    unsigned ops; /* bits of enum blk_op */
    int err;      /* errno, 0: none */
    uint64_t delay_ns;
    bool once, spent;
};

enum image_policy { IMAGE_REPORT, IMAGE_STOP, IMAGE_IGNORE, IMAGE_ENOSPC };

/* What holds a request up. */
enum image_hold { HOLD_NOT, HOLD_BREAK, HOLD_STOP, HOLD_DELAY };

struct image {
    struct blk blk; /* first */
    int fd;         /* -1: zeros */
    uint8_t *map;   /* writes stay in memory */
    uint64_t file_bytes;
    bool ignore_discard;
    struct image_rule rule[IMAGE_RULES];
    unsigned nrules, state;
    enum image_policy werror, rerror;
    /* "break EVENT TAG": what waits for "resume TAG" */
    enum image_event break_at;
    char tag[32]; /* "": no breakpoint */
    struct image_held {
        struct blk_req *req;
        enum image_hold why;
        int err;
        char tag[32];
    } held;             /* one request at a time: a channel has no more */
    struct timer delay; /* real time */
    bool timed;         /* it has a clock */
    void (*stopped)(void *ctx); /* a fault stopped the machine; may be NULL */
    void *ctx;
};

struct image_conf {
    const char *path;    /* NULL: zeros */
    uint64_t size_bytes; /* of zeros */
    bool read_only, snapshot;
    struct clock *clock; /* for delays; NULL: there are none */
};

struct image *image_new(const struct image_conf *, struct err *);
/* The rules of a blkdebug file: [inject-error] and [set-state]. */
int image_rules_file(struct image *, const char *path, struct err *);
/* One key of the newest rule; section 1: it begins another. */
int image_rule_begin(struct image *, bool set_state, struct err *);
int image_rule_key(struct image *, const char *key, const char *val,
                   struct err *);
/* -errno with the sentence: no such event. */
int image_break(struct image *, const char *event, const char *tag,
                struct err *);
int image_resume(struct image *, const char *tag, struct err *);
/* What a fault had stopped is tried again. */
void image_cont(struct image *);

#endif
