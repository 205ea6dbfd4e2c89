/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's screen, keyboard and mouse for people elsewhere: owns the VNC
 * socket and, while at least one viewer is connected, the process hvmd-vnc,
 * which alone speaks their protocol (rule R16). With no viewer there is no
 * process, timer, shared memory or look at the screen.
 *
 * Pixels are drawn by the display into a memfd that hvmd-vnc maps read-only;
 * at most VNC_RECTS damaged rectangles wait to be told. Sizes are pixels,
 * times are ns of the loop's host clock. Loop thread only; nothing blocks but
 * console_screendump() on the file it writes. Errors: 0 or -errno, with a
 * sentence for the administrator where a struct err is taken.
 */
#ifndef HVMD_VNC_CONSOLE_H
#define HVMD_VNC_CONSOLE_H

#include <hvmd/display.h>
#include <hvmd/err.h>
#include <hvmd/log.h>
#include <hvmd/loop.h>

struct console;

/* A viewer's address, numeric; both "" for one on a unix socket. */
struct console_peer {
    char host[64];
    char service[8];
};

enum console_event {
    CONSOLE_CONNECTED,
    CONSOLE_READY, /* logged in */
    CONSOLE_DISCONNECTED,
};

struct console_conf {
    const char *listen; /* -vnc; NULL or "none": no viewers, only dumps */
    const char *keymap; /* -k; NULL: en-us */
    const char *name;   /* the guest's, shown by viewers */
    /* Told of viewers; may be NULL. Nothing of the console is called inside. */
    void (*event)(void *ctx, enum console_event, const struct console_peer *);
    void *ctx;
};

/*
 * Opens the sockets and finds hvmd-vnc. display and input may be NULL (a
 * black screen, nobody to take keys); all arguments but conf outlive it.
 */
struct console *console_new(struct loop *, struct display *, struct input *,
                            const struct console_conf *, struct log *,
                            struct err *);
/* Ends hvmd-vnc, removes a unix socket. NULL is fine. */
void console_free(struct console *);

/* Whether -k knows name (NULL: none given); else one sentence. */
int console_keymap_check(const char *name, struct err *);

/* For query-vnc: is anything listening, where (numeric), how guarded. */
bool console_enabled(const struct console *);
const char *console_host(const struct console *);    /* or socket path */
const char *console_service(const struct console *); /* port; unix: "" */
const char *console_auth(const struct console *);    /* "none" or "vnc" */
unsigned console_clients(const struct console *);
/* CPU time of all hvmd-vnc so far; never less than last time. */
uint64_t console_cpu_ns(struct console *);
/* Of viewer n that is connected; NULL: there are no more. */
const struct console_peer *console_client(const struct console *, unsigned n);

/*
 * The password from now on, of new log-ins; NULL or "": nobody gets in.
 * -EINVAL: the sockets were opened without password=on.
 */
int console_set_password(struct console *, const char *);

/* Keys and buttons that viewers hold are let go. */
void console_release(struct console *);

/*
 * The whole screen, freshly drawn, as PPM (P6); viewers are not needed.
 * -EINVAL: that is no regular file, and could make us wait for a reader.
 */
int console_screendump(struct console *, const char *path, struct err *);
int console_screendump_fd(struct console *, int fd, struct err *);

#endif
