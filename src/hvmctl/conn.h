/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection to the control socket of one hvmd (src/ctl/ctl_sock.h). What
 * it answers is not trusted: a guest may have taken it over. Answers are
 * bounded in size, depth and time. Errors: -errno with a sentence in err.
 */
#ifndef HVMCTL_CONN_H
#define HVMCTL_CONN_H

#include <hvmd/err.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONN_ANSWER_MAX (2u << 20) /* bytes */
#define CONN_DEPTH_MAX  32

struct conn {
    int fd; /* -1: closed */
    char *buf;
    size_t len, cap;
    unsigned skip; /* replies to come that nobody waits for */
};

void conn_init(struct conn *);
/*
 * -ECONNREFUSED, -ENOENT: there is no hvmd. Does not wait; opens the dialogue,
 * so that a command may follow at once.
 */
int conn_open(struct conn *, const char *path, struct err *);
void conn_close(struct conn *);

/* Sends one command. args (owned) may be NULL; fd -1: none goes with it. */
int conn_send(struct conn *, const char *command, struct json_object *args,
              int fd, struct err *);
/*
 * The object in "return", the caller's; NULL: err says why. After anything but
 * an error message of hvmd's own the connection is closed.
 */
struct json_object *conn_reply(struct conn *, uint64_t deadline_ns,
                               struct err *);

uint64_t mono_ns(void); /* CLOCK_MONOTONIC */

/* Members; 0, false or "" when absent or of another type. */
uint64_t get_count(struct json_object *, const char *key);
bool get_bool(struct json_object *, const char *key);
/* Printable ASCII, others escaped; always terminated. */
void get_text(struct json_object *, const char *key, char *buf, size_t len);
struct json_object *get_object(struct json_object *, const char *key);
/* NULL unless it is an array. */
struct json_object *get_array(struct json_object *, const char *key);

#endif
