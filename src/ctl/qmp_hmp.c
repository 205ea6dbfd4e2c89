/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * human-monitor-command: what people type behind "xl qemu-monitor-command".
 * One table of commands; the answer is text, that of a failure too, as from
 * the human monitor that QEMU has.
 */
#include "hmp.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_MS     100
#define HOLD_MAX_MS 10000

void hmp_say(struct hmp *h, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (len < 0)
        return;
    if ((size_t)len >= sizeof(line))
        len = sizeof(line) - 1;
    if ((size_t)len > HMP_TEXT_BYTES - h->len)
        return;
    /* Names may come in any bytes; what goes out is ASCII. */
    for (int i = 0; i < len; i++)
        if (!isprint((unsigned char)line[i]) && !strchr("\r\n", line[i]))
            line[i] = '?';
    memcpy(h->text + h->len, line, (size_t)len);
    h->len += (size_t)len;
}

/* The end of a command that is one operation: its sentence, or nothing. */
static void outcome(struct hmp *h, int rc)
{
    char text[1024];

    if (rc >= 0)
        return;
    log_escape(text, sizeof(text), h->call->err.text,
               strlen(h->call->err.text));
    hmp_say(h, "Error: %s\r\n", text[0] ? text : "the command failed");
}

static void absent(struct hmp *h)
{
    hmp_say(h, "Error: the command is not available here\r\n");
}

static void act(struct hmp *h, int (*op)(void *, struct err *))
{
    if (op)
        outcome(h, op(h->ctx->opaque, &h->call->err));
    else
        absent(h);
}

static void do_cont(struct hmp *h)
{
    act(h, h->ctx->ops->cont);
}

static void do_stop(struct hmp *h)
{
    act(h, h->ctx->ops->stop);
}

static void do_powerdown(struct hmp *h)
{
    act(h, h->ctx->ops->powerdown);
}

static void do_reset(struct hmp *h)
{
    act(h, h->ctx->ops->reset);
}

static void do_wakeup(struct hmp *h)
{
    act(h, h->ctx->ops->wakeup);
}

static void do_eject(struct hmp *h)
{
    bool force = !strcmp(h->arg[0], "-f");
    const char *drive = force ? h->arg[1] : h->arg[0];

    if (!h->ctx->ops->eject)
        absent(h);
    else if (!drive || (!force && h->arg[1]))
        hmp_say(h, "eject: give one drive\r\n");
    else
        outcome(h, qmp_do_eject(h->call, drive, force));
}

static void do_change(struct hmp *h)
{
    const struct qmp_ops *ops = h->ctx->ops;
    bool vnc = !strcmp(h->arg[0], "vnc");

    if (vnc ? !ops->vnc_password : !ops->change_medium)
        absent(h);
    else if (vnc && strcmp(h->arg[1], "password"))
        hmp_say(h, "Error: where VNC listens cannot be changed; only "
                   "'password' can\r\n");
    else if (vnc)
        outcome(h, ops->vnc_password(h->ctx->opaque, h->arg[2] ? h->arg[2] : "",
                                     &h->call->err));
    else
        outcome(h,
                qmp_do_change(h->call, h->arg[0], h->arg[1], h->arg[2], false));
}

static void do_set_link(struct hmp *h)
{
    const struct qmp_ops *ops = h->ctx->ops;
    bool up = !strcmp(h->arg[1], "on");
    int rc;

    if (!up && strcmp(h->arg[1], "off")) {
        hmp_say(h, "set_link: say on or off\r\n");
        return;
    }
    if (!ops->set_link) {
        absent(h);
        return;
    }
    rc = ops->set_link(h->ctx->opaque, h->arg[0], up, &h->call->err);
    if (rc == -ENODEV)
        err_set(&h->call->err, rc, "Device '%.60s' not found", h->arg[0]);
    outcome(h, rc);
}

static void do_screendump(struct hmp *h)
{
    const struct qmp_ops *ops = h->ctx->ops;

    if (ops->screendump)
        outcome(h, ops->screendump(h->ctx->opaque, h->arg[0], &h->call->err));
    else
        absent(h);
}

static void do_sendkey(struct hmp *h)
{
    const struct qmp_ops *ops = h->ctx->ops;
    uint8_t code[HMP_KEYS];
    unsigned long hold = HOLD_MS;
    char *end;
    int n;

    if (!ops->send_keys) {
        absent(h);
        return;
    }
    if (h->arg[1]) {
        hold = strtoul(h->arg[1], &end, 10);
        if (!isdigit((unsigned char)h->arg[1][0]) || *end ||
            hold > HOLD_MAX_MS) {
            hmp_say(h, "sendkey: hold keys for 0 to %u ms\r\n", HOLD_MAX_MS);
            return;
        }
    }
    n = hmp_keys(h->arg[0], code, &h->call->err);
    if (n > 0)
        n = ops->send_keys(h->ctx->opaque, code, (unsigned)n, (unsigned)hold,
                           &h->call->err);
    outcome(h, n);
}

static void do_help(struct hmp *h);

static void do_info(struct hmp *h)
{
    if (!h->arg[0])
        hmp_info_help(h);
    else if (!hmp_info(h, h->arg[0]))
        hmp_say(h, "unknown command: '%s'\r\n", h->line);
}

static const struct hmp_cmd {
    const char *name, *alias;
    unsigned least, most; /* arguments */
    const char *params, *help;
    void (*run)(struct hmp *);
} cmds[] = {
    {"change", NULL, 2, 3, "drive file [format]",
     "put another medium into a drive", do_change},
    {"cont", "c", 0, 0, "", "go on after stop", do_cont},
    {"eject", NULL, 1, 2, "[-f] drive",
     "take the medium out (-f: without asking the guest)", do_eject},
    {"help", "?", 0, 1, "[command]", "show the help", do_help},
    {"info", NULL, 0, 1, "[subject]", "show what there is", do_info},
    {"screendump", NULL, 1, 1, "file", "write the screen as PPM",
     do_screendump},
    {"sendkey", NULL, 1, 2, "keys [hold_ms]",
     "press keys, such as ctrl-alt-delete", do_sendkey},
    {"set_link", NULL, 2, 2, "name on|off", "plug a network cable in or out",
     do_set_link},
    {"stop", "s", 0, 0, "", "serve the guest no more", do_stop},
    {"system_powerdown", NULL, 0, 0, "", "press the power button",
     do_powerdown},
    {"system_reset", NULL, 0, 0, "", "reboot the domain", do_reset},
    {"system_wakeup", NULL, 0, 0, "", "wake the guest from ACPI S3", do_wakeup},
};

#define CMDS (sizeof(cmds) / sizeof(cmds[0]))

static void usage(struct hmp *h, const struct hmp_cmd *c)
{
    hmp_say(h, "%s%s%s %s -- %s\r\n", c->name, c->alias ? "|" : "",
            c->alias ? c->alias : "", c->params, c->help);
}

static void do_help(struct hmp *h)
{
    const char *only = h->arg[0];

    if (only && !strcmp(only, "info")) {
        hmp_info_help(h);
        return;
    }
    for (size_t i = 0; i < CMDS; i++)
        if (!only || !strcmp(only, cmds[i].name))
            usage(h, &cmds[i]);
}

/* Words, in double quotes if they hold spaces; too many: false. */
static bool split(struct hmp *h, char *s)
{
    for (h->nargs = 0;; h->nargs++) {
        s += strspn(s, " \t\r\n");
        if (!*s)
            return true;
        if (h->nargs == HMP_ARGS)
            return false;
        if (*s == '"') {
            h->arg[h->nargs] = ++s;
            s += strcspn(s, "\"");
        } else {
            h->arg[h->nargs] = s;
            s += strcspn(s, " \t\r\n");
        }
        if (*s)
            *s++ = 0;
    }
}

static void obey(struct hmp *h, const char *name)
{
    for (size_t i = 0; i < CMDS; i++) {
        const struct hmp_cmd *c = &cmds[i];

        if (strcmp(name, c->name) && (!c->alias || strcmp(name, c->alias)))
            continue;
        if (h->nargs < c->least || h->nargs > c->most)
            usage(h, c);
        else
            c->run(h);
        return;
    }
    hmp_say(h, "unknown command: '%s'\r\n", h->line);
}

static void hear(struct hmp *h, char *words)
{
    const char *name;

    if (!split(h, words)) {
        hmp_say(h, "too many words\r\n");
        return;
    }
    if (!h->nargs)
        return;
    name = h->arg[0];
    h->nargs--;
    memmove(h->arg, h->arg + 1, sizeof(h->arg) - sizeof(h->arg[0]));
    h->arg[h->nargs] = NULL;
    obey(h, name);
}

struct json_object *qmp_human(struct qmp_call *call)
{
    const char *line = arg_str(call, "command-line");
    struct hmp h = {.call = call, .ctx = call->ctx};
    struct json_object *ret = NULL;
    char *words;

    if (strlen(line) > HMP_LINE_MAX) {
        err_set(&call->err, -E2BIG, "'command-line' is longer than %u bytes",
                HMP_LINE_MAX);
        return NULL;
    }
    h.text = malloc(HMP_TEXT_BYTES);
    words = strdup(line);
    if (h.text && words) {
        log_escape(h.line, sizeof(h.line), line, strlen(line));
        hear(&h, words);
        call->text = true; /* of a command put off */
        if (!call->later)
            ret = json_object_new_string_len(h.text, (int)h.len);
    }
    free(words);
    free(h.text);
    return ret;
}
