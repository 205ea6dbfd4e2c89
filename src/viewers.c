/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who looks by VNC, as the toolstack is told. */
#include "hvmd.h"

#include <stdio.h>
#include <string.h>

static bool viewer(void *ctx, unsigned n, const char **host,
                   const char **service)
{
    const struct hvmd *h = ctx;
    const struct console_peer *p = console_client(h->console, n);

    if (!p)
        return false;
    *host = p->host;
    *service = p->service;
    return true;
}

void hvmd_vnc_info(void *ctx, struct qmp_vnc *v)
{
    const struct hvmd *h = ctx;

    v->enabled = console_enabled(h->console);
    if (!v->enabled)
        return;
    snprintf(v->host, sizeof(v->host), "%s", console_host(h->console));
    snprintf(v->service, sizeof(v->service), "%s", console_service(h->console));
    v->unix_socket = !v->service[0];
    v->password = strcmp(console_auth(h->console), "none") != 0;
    v->clients = console_clients(h->console);
    v->client = viewer;
}

void hvmd_viewer_event(void *ctx, enum console_event e,
                       const struct console_peer *p)
{
    static const enum qmp_event_id id[] = {
        [CONSOLE_CONNECTED] = QMP_EV_VNC_CONNECTED,
        [CONSOLE_READY] = QMP_EV_VNC_INITIALIZED,
        [CONSOLE_DISCONNECTED] = QMP_EV_VNC_DISCONNECTED,
    };
    struct hvmd *h = ctx;
    struct qmp_vnc v = {0};
    char host[sizeof(v.host)];

    if (!h->console) /* it is just being made, or no more */
        return;
    hvmd_vnc_info(h, &v);
    qmp_plain(host, sizeof(host), v.host);
    qmp_event(&h->qmp_ctx, id[e],
              "\"server\":{\"auth\":\"%s\",\"family\":\"%s\",\"service\":"
              "\"%s\",\"host\":\"%s\",\"websocket\":false},\"client\":{"
              "\"family\":\"%s\",\"service\":\"%s\",\"host\":\"%s\","
              "\"websocket\":false}",
              v.password ? "vnc" : "none", qmp_family(v.unix_socket, v.host),
              v.service, host, qmp_family(v.unix_socket, p->host), p->service,
              p->host);
}
