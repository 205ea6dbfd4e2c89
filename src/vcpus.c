/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual CPUs that come and go. "xl vcpu-set" asks for new ones by QMP, and
 * says which shall go in xenstore alone: cpu/N/availability, for PV guests to
 * read. An HVM guest hears of both from here, by ACPI.
 */
#include "ctl/xs_link.h"
#include "hvmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool hvmd_cpu_online(void *ctx, unsigned cpu)
{
    struct hvmd *h = ctx;

    return machine_vcpu_online(h->machine, cpu);
}

int hvmd_set_vcpu(void *ctx, unsigned cpu, bool online, struct err *e)
{
    struct hvmd *h = ctx;

    if (cpu == 0 && !online)
        return err_set(e, -EINVAL, "virtual CPU 0 cannot go");
    if (machine_set_vcpu(h->machine, cpu, online))
        return err_set(e, -EINVAL,
                       "virtual CPU %u cannot come or go: the guest has %u, "
                       "and ACPI must be on (acpi=1)",
                       cpu, h->conf.max_vcpus);
    return 0;
}

static void value(void *ctx, const char *path, const char *text);

static void ask(struct hvmd *h)
{
    char path[80];

    if (h->cpu_asked >= h->conf.max_vcpus)
        return;
    snprintf(path, sizeof(path), "/local/domain/%u/cpu/%u/availability",
             h->conf.domid, h->cpu_asked);
    if (xs_link_read(h->cpu_link, path, value))
        h->cpu_asked = UINT32_MAX;
}

static void value(void *ctx, const char *path, const char *text)
{
    struct hvmd *h = ctx;
    struct err e;

    if (text && h->cpu_asked &&
        (!strcmp(text, "online") || !strcmp(text, "offline")) &&
        hvmd_set_vcpu(h, h->cpu_asked, text[1] == 'n', &e))
        bucket_log(&h->log, &h->qmp_ctx.bucket, "vcpu", "%s", e.text);
    h->cpu_asked++;
    if (h->cpu_asked >= h->conf.max_vcpus && h->cpu_again) {
        h->cpu_again = false;
        h->cpu_asked = 0;
    }
    ask(h);
}

/* One look at all of them, one after the other; and again if need be. */
static void changed(void *ctx, const char *path, const char *token)
{
    struct hvmd *h = ctx;

    if (h->cpu_asked < h->conf.max_vcpus) {
        h->cpu_again = true;
        return;
    }
    h->cpu_asked = 0;
    ask(h);
}

void hvmd_vcpus_init(struct hvmd *h)
{
    char path[40];
    struct err e;

    h->cpu_asked = UINT32_MAX;
    if (h->conf.max_vcpus < 2 || !h->conf.acpi)
        return;
    snprintf(path, sizeof(path), "/local/domain/%u/cpu", h->conf.domid);
    h->cpu_link = xs_link_open(h->loop, changed, h, &h->log, &e);
    if (!h->cpu_link)
        log_line(&h->log, "virtual CPUs cannot be taken away: %s", e.text);
    else
        xs_link_watch(h->cpu_link, path, "cpu");
}

void hvmd_vcpus_end(struct hvmd *h)
{
    xs_link_close(h->cpu_link);
    h->cpu_link = NULL;
}
