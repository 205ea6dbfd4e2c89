/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the QMP server: calls, the command table, the JSON text. */
#ifndef HVMD_QMP_IMPL_H
#define HVMD_QMP_IMPL_H

#include "qmp.h"

#include <hvmd/loop.h>
#include <json-c/json.h>
#include <string.h>

#define QMP_FDS_MAX    8
#define QMP_IN_MAX     (1u << 20) /* bytes of one command */
#define QMP_OUT_MAX    (1u << 20) /* of one reply: libxl takes no more */
#define QMP_DEPTH_MAX  32
#define QMP_ERRORS_MAX 16 /* syntax errors in a row */
#define QMP_STALL_NS   (10 * NS_PER_S)
#define QMP_READ_BYTES 4096u
/* Events that a client has not read; the next ones are lost to it. */
#define QMP_EVENTS_BYTES 4096u

enum qmp_class {
    QMP_GENERIC,
    QMP_NOT_FOUND, /* CommandNotFound */
    QMP_DEVICE_NOT_ACTIVE,
    QMP_DEVICE_NOT_FOUND,
};

/* One command being carried out. */
struct qmp_call {
    struct qmp *qmp;
    struct qmp_ctx *ctx;
    struct json_object *args; /* never NULL */
    int *fds;                 /* passed with it; what is taken is set to -1 */
    unsigned nfds;
    enum qmp_class class; /* of the error */
    struct err err;
    bool quit; /* call ops->quit once the reply is out */
    /* The reply comes by qmp_finish(token): as an object, or as text. */
    uint64_t token;
    bool later, text;
};

struct qmp_cmd {
    const char *name;
    /*
     * Arguments: "name:type" separated by commas; type s string, i integer,
     * b boolean, a array, o object; a ? after it: may be left out. "*" at the
     * end: others too, of any type.
     */
    const char *args;
    /* A new object for "return", or NULL with call->err set. */
    struct json_object *(*run)(struct qmp_call *);
};

extern const struct qmp_cmd qmp_commands[];

/* What fills replies. */
static inline void put_str(struct json_object *o, const char *key,
                           const char *s)
{
    char text[1024];

    log_escape(text, sizeof(text), s, strlen(s));
    json_object_object_add(o, key, json_object_new_string(text));
}

static inline void put_int(struct json_object *o, const char *key, int64_t v)
{
    json_object_object_add(o, key, json_object_new_int64(v));
}

static inline void put_bool(struct json_object *o, const char *key, bool v)
{
    json_object_object_add(o, key, json_object_new_boolean(v));
}

/* NULL: not given. */
static inline const char *arg_str(struct qmp_call *call, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(call->args, key, &v)
               ? json_object_get_string(v)
               : NULL;
}

/* A command whose operation main has not given. */
struct json_object *qmp_absent(struct qmp_call *);
/* Nothing, or the error of an operation that failed with rc. */
struct json_object *qmp_result(struct qmp_call *, int rc);
const char *qmp_status_name(enum qmp_status);

/* hvmd's own commands, qmp_hvmd.c */
struct json_object *qmp_query_name(struct qmp_call *);
struct json_object *qmp_query_stats(struct qmp_call *);
struct json_object *qmp_query_unplug(struct qmp_call *);
struct json_object *qmp_ignore_unplug(struct qmp_call *);

/* What a command that was put off answers; e NULL: well. */
struct json_object *qmp_late_reply(const struct err *e, bool text);
/* One line of JSON for every client that has negotiated. */
void qmp_tell_all(struct qmp_ctx *, const char *text, size_t len);

/* The reply to one complete request; NULL: no memory, or call->later. */
struct json_object *qmp_dispatch(struct qmp_call *, bool *negotiated,
                                 struct json_object *request);
struct json_object *qmp_error(enum qmp_class, const char *desc);
struct json_object *qmp_greeting(void);
/* qmp_net.c */
struct json_object *qmp_set_link(struct qmp_call *);
struct json_object *qmp_query_rx_filter(struct qmp_call *);
struct json_object *qmp_version(void);

/* qmp_fdset.c */
struct json_object *qmp_add_fd(struct qmp_call *);
struct json_object *qmp_remove_fd(struct qmp_call *);
struct json_object *qmp_query_fdsets(struct qmp_call *);

/* qmp_save.c */
struct json_object *qmp_dirty_log(struct qmp_call *);
struct json_object *qmp_save_devices(struct qmp_call *);

/* qmp_block.c */
struct json_object *qmp_eject(struct qmp_call *);
struct json_object *qmp_change_medium(struct qmp_call *);
struct json_object *qmp_change(struct qmp_call *);
struct json_object *qmp_query_block(struct qmp_call *);
struct json_object *qmp_query_blockstats(struct qmp_call *);
/* 0, 1 (call->later is set) or -errno with the error in call. */
int qmp_do_eject(struct qmp_call *, const char *drive, bool force);
int qmp_do_change(struct qmp_call *, const char *drive, const char *filename,
                  const char *format, bool force);

/* qmp_cpu.c */
struct json_object *qmp_query_cpus_fast(struct qmp_call *);
struct json_object *qmp_query_cpus(struct qmp_call *);
struct json_object *qmp_query_hotpluggable_cpus(struct qmp_call *);
struct json_object *qmp_cpu_add(struct qmp_call *);
struct json_object *qmp_device_add(struct qmp_call *);
struct json_object *qmp_device_del(struct qmp_call *);
bool qmp_cpu_online(const struct qmp_ctx *, unsigned cpu);

/* qmp_info.c: what there is */
struct json_object *qmp_query_chardev(struct qmp_call *);
struct json_object *qmp_query_vnc(struct qmp_call *);
struct json_object *qmp_query_pci(struct qmp_call *);
struct json_object *qmp_query_uuid(struct qmp_call *);
struct json_object *qmp_query_events(struct qmp_call *);
const char *qmp_pci_class(uint16_t class_code);

/* qmp_hmp.c */
struct json_object *qmp_human(struct qmp_call *);
/* hmp_keys.c: set 1 codes as struct input_ops takes them. */
#define HMP_KEYS 16
/* How many, or -EINVAL, -E2BIG. */
int hmp_keys(const char *names, uint8_t code[HMP_KEYS], struct err *);

/* For query-chardev. */
const char *qmp_label(const struct qmp *);
void qmp_filename(const struct qmp *, char *buf, size_t len);
bool qmp_connected(const struct qmp *);
struct qmp *qmp_next(const struct qmp *);

/* Finds the end of JSON objects in a stream, by chunks. */
struct qmp_text {
    struct json_tokener *tok;
    size_t max;   /* bytes of one object */
    size_t bytes; /* of the present object so far */
    bool begun;   /* its { was seen */
    bool skip;    /* after an error: up to the end of the line */
    uint8_t more; /* UTF-8: continuation bytes to come, and their bounds */
    uint8_t lo, hi;
    bool quoted, escaped; /* in a string, behind a backslash there */
    uint8_t num;          /* where in a number */
};

enum qmp_got { QMP_MORE, QMP_OBJECT, QMP_SYNTAX, QMP_TOO_LONG };

int qmp_text_init(struct qmp_text *, size_t max);
void qmp_text_free(struct qmp_text *);
/*
 * Takes bytes from [buf, buf + len) up to the end of an object or an error and
 * says how many in *used. QMP_OBJECT: *obj is the caller's.
 */
enum qmp_got qmp_text_feed(struct qmp_text *, const char *buf, size_t len,
                           size_t *used, struct json_object **obj);

#endif
