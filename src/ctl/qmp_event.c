/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: the table of their names, and one line of JSON for each. */
#include "qmp_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const names[] = {
    [QMP_EV_SHUTDOWN] = "SHUTDOWN",
    [QMP_EV_RESET] = "RESET",
    [QMP_EV_STOP] = "STOP",
    [QMP_EV_RESUME] = "RESUME",
    [QMP_EV_POWERDOWN] = "POWERDOWN",
    [QMP_EV_SUSPEND] = "SUSPEND",
    [QMP_EV_WAKEUP] = "WAKEUP",
    [QMP_EV_TRAY_MOVED] = "DEVICE_TRAY_MOVED",
    [QMP_EV_VNC_CONNECTED] = "VNC_CONNECTED",
    [QMP_EV_VNC_INITIALIZED] = "VNC_INITIALIZED",
    [QMP_EV_VNC_DISCONNECTED] = "VNC_DISCONNECTED",
};

struct json_object *qmp_query_events(struct qmp_call *call)
{
    struct json_object *list = json_object_new_array(), *o;

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        o = json_object_new_object();
        put_str(o, "name", names[i]);
        json_object_array_add(list, o);
    }
    return list;
}

const char *qmp_event_name(unsigned i)
{
    return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}

const char *qmp_plain(char *buf, size_t len, const char *s)
{
    size_t n = 0;

    for (; *s && n + 1 < len; s++) {
        bool fits = *s >= ' ' && *s < 0x7f && *s != '"' && *s != '\\';

        buf[n++] = fits ? *s : '?';
    }
    buf[n] = 0;
    return buf;
}

void qmp_event(struct qmp_ctx *ctx, enum qmp_event_id id, const char *data, ...)
{
    char text[1024], line[1280];
    struct timespec t;
    va_list ap;
    int len;

    va_start(ap, data);
    len = vsnprintf(text, sizeof(text), data, ap);
    va_end(ap);
    if (len < 0 || (size_t)len >= sizeof(text)) { /* half is no JSON */
        ctx->events_lost++;
        return;
    }
    clock_gettime(CLOCK_REALTIME, &t);
    len = snprintf(line, sizeof(line),
                   "{\"timestamp\":{\"seconds\":%llu,\"microseconds\":%lu},"
                   "\"event\":\"%s\"%s%s%s}\r\n",
                   (unsigned long long)t.tv_sec,
                   (unsigned long)t.tv_nsec / 1000, names[id],
                   text[0] ? ",\"data\":{" : "", text, text[0] ? "}" : "");
    qmp_tell_all(ctx, line, (size_t)len);
}
