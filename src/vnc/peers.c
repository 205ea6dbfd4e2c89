/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is connected: each viewer has a slot, by which hvmd-vnc names it. */
#include "console_priv.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

static void tell(struct console *c, enum console_event e, const struct peer *p)
{
    if (c->event)
        c->event(c->event_ctx, e, &p->addr);
}

int peer_take(struct console *c, int fd)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof(addr);
    struct console_peer *a;
    int slot = 0;

    while (slot < VNC_SLOTS && c->peer[slot].used)
        slot++;
    if (slot == VNC_SLOTS)
        return -1;
    a = &c->peer[slot].addr;
    memset(a, 0, sizeof(*a));
    if (!getpeername(fd, (struct sockaddr *)&addr, &len) &&
        addr.ss_family != AF_UNIX &&
        getnameinfo((struct sockaddr *)&addr, len, a->host, sizeof(a->host),
                    a->service, sizeof(a->service),
                    NI_NUMERICHOST | NI_NUMERICSERV))
        memset(a, 0, sizeof(*a));
    return slot;
}

void peer_connected(struct console *c, int slot)
{
    struct peer *p = &c->peer[slot];

    p->used = true;
    p->ready = false;
    c->clients++;
    tell(c, CONSOLE_CONNECTED, p);
}

bool peer_ready(struct console *c, uint32_t slot)
{
    struct peer *p;

    if (slot >= VNC_SLOTS || !c->peer[slot].used || c->peer[slot].ready)
        return false;
    p = &c->peer[slot];
    p->ready = true;
    tell(c, CONSOLE_READY, p);
    return true;
}

bool peer_gone(struct console *c, uint32_t slot)
{
    if (slot >= VNC_SLOTS || !c->peer[slot].used)
        return false;
    c->peer[slot].used = false;
    tell(c, CONSOLE_DISCONNECTED, &c->peer[slot]);
    return true;
}

void peers_gone(struct console *c)
{
    for (uint32_t slot = 0; slot < VNC_SLOTS; slot++)
        peer_gone(c, slot);
}

const struct console_peer *console_client(const struct console *c, unsigned n)
{
    for (unsigned slot = 0; slot < VNC_SLOTS; slot++)
        if (c->peer[slot].used && n-- == 0)
            return &c->peer[slot].addr;
    return NULL;
}
