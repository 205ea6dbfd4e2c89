/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ioreq server: its shared pages, its event channels, and the way a
 * request takes from an event to machine_io() and back. A port that fired
 * stays masked until we go to sleep: while requests come one after another
 * each costs one system call, the notification.
 */
#include "xen_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/ioreq.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>

#define BUFFERED_PAGE      0 /* frames of the resource */
#define SYNC_PAGE          1
#define PORTS_AT_ONCE      64
#define NOTIFIES_PER_CLOCK 32
#define LOOKS_PER_CLOCK    16 /* slots looked at between readings of the clock */
#define TURN_CYCLES        1000000u /* 0.2 to 0.5 ms of one request, rule R4 */

int xen_server_create(struct xen *x, struct err *e)
{
    if (xendevicemodel_nr_vcpus(x->dmod, x->domid, &x->vcpus))
        return err_set(e, -errno,
                       "domain %u cannot be asked for its vCPUs (%s): "
                       "-xen-domid must name an HVM domain",
                       x->domid, strerror(errno));
    if (x->vcpus > RING_VCPUS_MAX)
        return err_set(e, -E2BIG,
                       "domain %u has %u vCPUs, at most %u can be "
                       "served: lower maxvcpus",
                       x->domid, x->vcpus, RING_VCPUS_MAX);
    if (xendevicemodel_create_ioreq_server(
            x->dmod, x->domid, HVM_IOREQSRV_BUFIOREQ_ATOMIC, &x->id))
        return err_set(e, -errno,
                       "domain %u takes no ioreq server (%s): is another "
                       "device model serving it?",
                       x->domid, strerror(errno));
    x->created = true;
    return 0;
}

/* The way of Xen before 4.11 and of kernels that cannot map resources. */
static int map_by_gfn(struct xen *x)
{
    xen_pfn_t gfn[2];

    if (xendevicemodel_get_ioreq_server_info(x->dmod, x->domid, x->id, &gfn[0],
                                             &gfn[1], NULL))
        return -errno;
    for (unsigned i = 0; i < 2; i++) {
        x->gfn_page[i] = xenforeignmemory_map(
            x->fmem, x->domid, PROT_READ | PROT_WRITE, 1, &gfn[i], NULL);
        if (!x->gfn_page[i])
            return -errno;
    }
    x->ring.sync_page = x->gfn_page[0];
    x->ring.buf_page = x->gfn_page[1];
    return 0;
}

static int map_pages(struct xen *x)
{
    void *at = NULL;

    x->pages = xenforeignmemory_map_resource(
        x->fmem, x->domid, XENMEM_resource_ioreq_server, x->id, 0, 2, &at,
        PROT_READ | PROT_WRITE, 0);
    if (!x->pages)
        return errno == EOPNOTSUPP || errno == ENOSYS ? map_by_gfn(x) : -errno;
    x->ring.buf_page = (uint8_t *)at + BUFFERED_PAGE * HV_PAGE_BYTES;
    x->ring.sync_page = (uint8_t *)at + SYNC_PAGE * HV_PAGE_BYTES;
    return 0;
}

static uint32_t remote_port(const struct xen *x, unsigned vcpu)
{
    const struct ioreq *slot = (const struct ioreq *)x->ring.sync_page + vcpu;

    return __atomic_load_n(&slot->vp_eport, __ATOMIC_ACQUIRE);
}

static int bind_ports(struct xen *x, evtchn_port_t buf_remote)
{
    int port;

    for (unsigned i = 0; i < x->vcpus; i++) {
        port =
            xenevtchn_bind_interdomain(x->evtchn, x->domid, remote_port(x, i));
        if (port < 0)
            return -errno;
        x->port[i] = (evtchn_port_t)port;
    }
    port = xenevtchn_bind_interdomain(x->evtchn, x->domid, buf_remote);
    if (port < 0)
        return -errno;
    x->buf_port = (evtchn_port_t)port;
    return 0;
}

static uint64_t now_ns(struct xen *x)
{
    return clock_now(loop_clock(x->loop));
}

/* The vCPU goes on. Now and then it is seen what that takes. */
static void answer(struct xen *x, unsigned vcpu)
{
    bool timed = x->ring.requests % NOTIFIES_PER_CLOCK == 0;
    uint64_t begun = timed ? now_ns(x) : 0;

    xenevtchn_notify(x->evtchn, x->port[vcpu]);
    if (timed)
        spin_cost(&x->spin, now_ns(x) - begun);
}

static bool serve_slot(struct xen *x, unsigned vcpu)
{
    return x->ring.watch ? ring_watched_sync(&x->ring, vcpu)
                         : ring_sync(&x->ring, vcpu);
}

static bool serve_buffered(struct xen *x)
{
    return x->ring.watch ? ring_watched_buffered(&x->ring)
                         : ring_buffered(&x->ring);
}

/* Serves every slot that waits. True: there was work. */
static bool look(struct xen *x)
{
    bool any = false;

    for (unsigned i = 0; i < x->vcpus; i++)
        if (ring_waiting(&x->ring, i)) {
            if (serve_slot(x, i))
                answer(x, i);
            any = true;
        }
    return serve_buffered(x) || any;
}

static void unmask(struct xen *x)
{
    size_t len = x->nmasked * sizeof(x->masked[0]);

    if (len && write(x->src.fd, x->masked, len) != (ssize_t)len)
        bucket_log(x->log, &x->ring.bucket, "ioreq",
                   "event channels cannot be unmasked: %s", strerror(errno));
    x->nmasked = 0;
}

/* Looks for the next request as long as the window says. */
static bool spin(struct xen *x)
{
    uint64_t end = now_ns(x) + x->spin.window_ns;

    do {
        for (unsigned i = 0; i < LOOKS_PER_CLOCK; i++) {
            if (look(x)) {
                spin_hit(&x->spin);
                return true;
            }
            __builtin_ia32_pause();
        }
    } while (now_ns(x) < end);
    return false;
}

/* Before each sleep of the loop. */
static bool poll_rings(void *ctx)
{
    struct xen *x = ctx;

    if ((!x->nmasked && !x->ring.unfinished) || !x->enabled)
        return false;
    if (look(x))
        return true;
    /* A worker may need the CPU that looking would take from it. */
    if (x->spin.window_ns && machine_idle(x->ring.machine) && spin(x))
        return true;
    spin_miss(&x->spin, now_ns(x));
    /* A request that came while masked fires as soon as it is unmasked. */
    unmask(x);
    return false;
}

static void take_ports(void *ctx, unsigned events)
{
    struct xen *x = ctx;
    evtchn_port_t port[PORTS_AT_ONCE];
    ssize_t n = read(x->src.fd, port, sizeof(port));

    if (n <= 0)
        return;
    for (size_t i = 0; i < (size_t)n / sizeof(port[0]); i++)
        if (x->nmasked < RING_VCPUS_MAX + 1)
            x->masked[x->nmasked++] = port[i];
    if (x->enabled && look(x))
        spin_woken(&x->spin, now_ns(x));
}

static void on_invalidate(void *ctx)
{
    struct xen *x = ctx;

    gmem_xen_invalidate(x->gmem);
    xen_vram_invalidate(x);
}

void xen_forget(struct xen *x)
{
    gmem_xen_invalidate(x->gmem);
    xen_vram_unmap(x);
}

void xen_rest(struct xen *x)
{
    gmem_xen_rest(x->gmem);
    xen_vram_unmap(x);
}

static void on_timeoffset(void *ctx, int64_t seconds)
{
    struct xen *x = ctx;

    x->timeoffset_s = (int64_t)((uint64_t)x->timeoffset_s + (uint64_t)seconds);
}

/* A request half served cannot be saved. */
static void finish_begun(struct xen *x)
{
    for (unsigned i = 0; i < x->vcpus; i++)
        while (x->ring.job[i].next)
            if (serve_slot(x, i))
                answer(x, i);
}

void xen_watch(struct xen *x, struct ring_watch *watch, struct gmem *gmem)
{
    x->ring.watch = watch;
    x->ring.gmem = gmem;
}

int xen_enable(struct xen *x, bool on)
{
    if (x->enabled == on)
        return 0;
    if (!on) {
        look(x);
        finish_begun(x);
    }
    if (xendevicemodel_set_ioreq_server_state(x->dmod, x->domid, x->id, on))
        return -errno;
    x->enabled = on;
    if (!on) {
        serve_buffered(x); /* what came in between */
        xen_vram_report(x);
    }
    return 0;
}

/*
 * From here on these handles reach this domain and no other, should anything
 * here be turned against Xen (rule R17). Kernels before 4.14 cannot do that.
 */
static void restrict_handles(struct xen *x)
{
    if (xendevicemodel_restrict(x->dmod, x->domid) ||
        xenforeignmemory_restrict(x->fmem, x->domid) ||
        xenevtchn_restrict(x->evtchn, x->domid))
        log_line(x->log, "Xen's handles cannot be restricted to domain %u: %s",
                 x->domid, strerror(errno));
}

int xen_serve(struct xen *x, struct machine *m, struct loop *loop,
              struct err *e)
{
    evtchn_port_t buf_remote = 0;
    int fd = xenevtchn_fd(x->evtchn), rc;

    x->loop = loop;
    x->ring.vcpus = x->vcpus;
    x->ring.budget_cycles = TURN_CYCLES;
    x->ring.machine = m;
    if (!x->ring.gmem)
        x->ring.gmem = x->gmem;
    x->ring.log = x->log;
    x->ring.invalidate = on_invalidate;
    x->ring.timeoffset = on_timeoffset;
    x->ring.ctx = x;
    rc = map_pages(x);
    if (!rc && xendevicemodel_get_ioreq_server_info(x->dmod, x->domid, x->id,
                                                    NULL, NULL, &buf_remote))
        rc = -errno;
    /* Only enabling fills in the vCPUs' ports. */
    if (!rc)
        rc = xen_enable(x, true);
    if (!rc)
        rc = bind_ports(x, buf_remote);
    if (!rc && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        rc = -errno;
    if (!rc)
        rc = loop_add(loop, &x->src, fd, LOOP_IN, take_ports, x);
    if (rc < 0)
        return err_set(e, rc, "domain %u cannot be served by ioreqs: %s",
                       x->domid, strerror(-rc));
    loop_poll(loop, poll_rings, x);
    restrict_handles(x);
    return 0;
}

void xen_counts(const struct xen *x, struct xen_counts *c)
{
    c->requests = x->ring.requests;
    c->buffered = x->ring.buffered;
    c->unknown = x->ring.unknown;
    c->malformed = x->ring.malformed;
}

void xen_server_destroy(struct xen *x)
{
    if (x->ring.unknown || x->ring.malformed)
        log_line(x->log,
                 "requests answered without effect: %llu unknown, "
                 "%llu malformed",
                 (unsigned long long)x->ring.unknown,
                 (unsigned long long)x->ring.malformed);
    if (x->loop) {
        loop_poll(x->loop, NULL, NULL);
        loop_del(x->loop, &x->src);
    }
    if (x->created)
        xendevicemodel_destroy_ioreq_server(x->dmod, x->domid, x->id);
    if (x->pages)
        xenforeignmemory_unmap_resource(x->fmem, x->pages);
    for (unsigned i = 0; i < 2; i++)
        if (x->gfn_page[i])
            xenforeignmemory_unmap(x->fmem, x->gfn_page[i], 1);
}
