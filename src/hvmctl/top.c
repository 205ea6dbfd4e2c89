/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top: the live view; plain text when nobody looks at a terminal. */
#include "top.h"
#include "cmds.h"

#include <errno.h>
#include <hvmd/timer.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define KEYS_NS     (500 * NS_PER_MS) /* for answers, when keys must work too */
#define WIDTH_PLAIN 132u              /* when piped and $COLUMNS is not set */
#define WIDTH_MIN   20u
#define WIDTH_MAX   1000u

/* xterm's alternate screen; cursor off; home; erase to the right, below */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME  "\033[H"
#define ERASE "\033[K"
#define BELOW "\033[J"

struct top {
    struct host host;
    struct view view;
    bool screen; /* stdout is a terminal */
    bool keys;   /* stdin is one */
    int signals;
    struct termios saved;
};

static int write_all(const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(STDOUT_FILENO, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

static void enter(struct top *t)
{
    struct termios raw;

    if (t->keys && !tcgetattr(STDIN_FILENO, &t->saved)) {
        raw = t->saved;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    if (t->screen)
        write_all(ENTER, sizeof(ENTER) - 1);
}

static void leave(struct top *t)
{
    if (t->screen)
        write_all(LEAVE, sizeof(LEAVE) - 1);
    if (t->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &t->saved);
}

static void measure(struct top *t)
{
    const char *columns = getenv("COLUMNS");
    unsigned long w = columns ? strtoul(columns, NULL, 10) : 0;
    struct winsize ws;

    t->view.height = 0;
    if (t->screen && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_col) {
        w = ws.ws_col;
        t->view.height = ws.ws_row;
    } else if (t->screen) {
        w = w ? w : 80;
        t->view.height = 24;
    }
    if (!w)
        w = WIDTH_PLAIN;
    t->view.width = w < WIDTH_MIN   ? WIDTH_MIN
                    : w > WIDTH_MAX ? WIDTH_MAX
                                    : (unsigned)w;
}

/* A frame goes out in one piece, over the last one: no flicker. */
static void frame_lines(FILE *f, const char *text)
{
    const char *end;

    fputs(HOME, f);
    for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        fwrite(text, 1, (size_t)(end - text), f);
        fputs(ERASE, f);
        if (end[1]) /* one behind the last line would scroll */
            fputc('\n', f);
    }
    fputs(BELOW, f);
}

static int draw(struct top *t)
{
    char *text = NULL, *out = NULL;
    size_t len = 0, out_len = 0;
    FILE *f = open_memstream(&text, &len);
    int rc = -ENOMEM;

    measure(t);
    if (f) {
        view_print(f, &t->host, &t->view);
        if (fclose(f) == 0)
            rc = 0;
    }
    if (!rc && t->screen) {
        rc = -ENOMEM;
        f = open_memstream(&out, &out_len);
        if (f) {
            frame_lines(f, text);
            rc = fclose(f) == 0 ? write_all(out, out_len) : -ENOMEM;
        }
    } else if (!rc) {
        rc = write_all(text, len);
    }
    free(text);
    free(out);
    return rc;
}

/* True: to end. */
static bool take_signal(struct top *t)
{
    struct signalfd_siginfo si;

    if (read(t->signals, &si, sizeof(si)) != sizeof(si))
        return false;
    if (si.ssi_signo == SIGWINCH)
        return false;
    if (si.ssi_signo != SIGTSTP)
        return true;
    leave(t);
    raise(SIGSTOP);
    enter(t);
    return false;
}

static bool take_key(struct top *t)
{
    char key;
    ssize_t n = read(STDIN_FILENO, &key, 1);

    if (n <= 0)
        t->keys = n < 0 && errno == EINTR; /* the terminal has gone */
    else if (key == 'd')
        t->view.devices = !t->view.devices;
    return n > 0 && (key == 'q' || key == 'Q');
}

/* Until the next round, drawing anew what a key or a resize changes. */
static bool wait_round(struct top *t, uint64_t until_ns)
{
    struct pollfd p[2] = {{.fd = t->signals, .events = POLLIN},
                          {.fd = STDIN_FILENO, .events = POLLIN}};
    struct timespec left;
    uint64_t now;

    while ((now = mono_ns()) < until_ns) {
        left.tv_sec = (time_t)((until_ns - now) / NS_PER_S);
        left.tv_nsec = (long)((until_ns - now) % NS_PER_S);
        if (ppoll(p, t->keys ? 2 : 1, &left, NULL) <= 0)
            continue;
        if ((p[0].revents && take_signal(t)) ||
            (t->keys && p[1].revents && take_key(t)))
            return true;
        if (t->screen && draw(t))
            return true;
    }
    return false;
}

static int look(struct top *t, struct err *e)
{
    return host_look(&t->host, t->keys ? KEYS_NS : ANSWER_NS, e);
}

static int rounds(struct top *t, const struct args *a, struct err *e)
{
    uint64_t delay_ns = (uint64_t)(a->delay_s * 1e9);
    unsigned most = a->rounds, n = 0;
    uint64_t next_ns = mono_ns();
    int rc = look(t, e);

    if (!most && !t->screen)
        most = 1;
    if (!rc && t->screen)
        rc = draw(t);
    while (!rc) {
        next_ns += delay_ns;
        if (next_ns < mono_ns()) /* late: no round is made up for */
            next_ns = mono_ns();
        if (wait_round(t, next_ns))
            return 0;
        rc = look(t, e);
        if (!rc && n && !t->screen)
            rc = write_all("\n", 1);
        if (!rc)
            rc = draw(t);
        if (++n == most)
            return rc;
    }
    return rc;
}

int cmd_top(const struct args *a, struct err *e)
{
    struct top t = {.screen = isatty(STDOUT_FILENO) == 1,
                    .view = {.devices = true, .delay_s = a->delay_s}};
    sigset_t set, old;
    int rc;

    t.keys = t.screen && isatty(STDIN_FILENO) == 1;
    t.view.colour = t.screen && !getenv("NO_COLOR");
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, &old);
    t.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (t.signals < 0)
        return err_set(e, -errno, "signalfd: %s", strerror(errno));
    host_init(&t.host, a->dir);
    enter(&t);
    rc = rounds(&t, a, e);
    leave(&t);
    host_free(&t.host);
    close(t.signals);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return rc;
}
