/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_xen.h"

#include "../bench/fuzz.h"
#include "xen_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE    4096u
#define LOOK_NS 500u

/* The libraries' functions do not say whose domain it is before it is open. */
static struct fake_xen *fake;

int __real_clock_gettime(clockid_t, struct timespec *);
int __wrap_clock_gettime(clockid_t, struct timespec *);
int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
    if (!fake)
        return __real_clock_gettime(id, t);
    *t = (struct timespec){(time_t)(fake->ns / NS_PER_S),
                           (long)(fake->ns % NS_PER_S)};
    return 0;
}

static uint64_t look_at_clock(void *ctx)
{
    return fake->ns += LOOK_NS;
}

void fake_xen_begin(struct fake_xen *x)
{
    static int ram_fd = -1;
    static uint8_t *ram;

    if (ram_fd < 0) { /* once: what is left in it is any guest's */
        ram_fd = memfd_create("ram", MFD_CLOEXEC);
        MUST(ram_fd >= 0 && !ftruncate(ram_fd, (off_t)FAKE_PAGES * PAGE));
        ram = mmap(NULL, FAKE_PAGES * PAGE, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_NORESERVE, ram_fd, 0);
        MUST(ram != MAP_FAILED);
    }
    x->ram_fd = ram_fd;
    x->ram = ram;
    x->page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(x->page != MAP_FAILED);
    MUST(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                     x->fd));
    x->ns = NS_PER_S;
    fake = x;
    clock_init(&x->clock, look_at_clock, NULL);
}

void fake_xen_end(struct fake_xen *x)
{
    munmap(x->page, 2 * PAGE);
    close(x->fd[0]);
    close(x->fd[1]);
    fake = NULL;
}

void fake_xen_fire(struct fake_xen *x, const uint32_t *ports, unsigned n)
{
    uint32_t back[512];

    while (read(x->fd[1], back, sizeof(back)) > 0) /* unmasked */
        ;
    if (n && write(x->fd[1], ports, n * sizeof(*ports)) < 0)
        return;
    if (x->src)
        x->src->ready(x->src->ctx, LOOP_IN);
}

bool fake_xen_poll(struct fake_xen *x)
{
    return x->poll && x->poll(x->poll_ctx);
}

static bool fails(void)
{
    if (!fake->fail_in || --fake->fail_in)
        return false;
    if (fake->fail_for) {
        fake->fail_for--;
        fake->fail_in = 1;
    }
    errno = fake->fail_errno;
    return true;
}

static int result(void)
{
    return fails() ? -1 : 0;
}

/* The loop */

struct clock *loop_clock(struct loop *l)
{
    return &fake->clock;
}

int loop_add(struct loop *l, struct loop_src *src, int fd, unsigned want,
             void (*ready)(void *, unsigned), void *ctx)
{
    if (fails())
        return -fake->fail_errno;
    *src = (struct loop_src){
        .fd = fd, .want = want, .added = true, .ready = ready, .ctx = ctx};
    fake->src = src;
    return 0;
}

void loop_del(struct loop *l, struct loop_src *src)
{
    fake->src = NULL;
}

void loop_poll(struct loop *l, bool (*poll)(void *), void *ctx)
{
    fake->poll = poll;
    fake->poll_ctx = ctx;
}

/* Guest memory */

static bool there(xen_pfn_t gfn)
{
    return gfn < FAKE_PAGES && gfn - fake->hole >= fake->hole_len;
}

void *xenforeignmemory_map2(xenforeignmemory_handle *h, uint32_t dom,
                            void *addr, int prot, int flags, size_t n,
                            const xen_pfn_t gfn[], int err[])
{
    uint8_t *at;

    if (fails()) {
        int was = errno;

        if (addr)
            munmap(addr, n * PAGE);
        if (addr && fake->taken)
            mmap(addr, PAGE, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        errno = was;
        return NULL;
    }
    at = mmap(addr, n * PAGE, PROT_NONE, flags | MAP_PRIVATE | MAP_ANONYMOUS,
              -1, 0);
    MUST(at != MAP_FAILED);
    for (size_t i = 0, end; i < n; i = end) {
        bool ram = there(gfn[i]);

        if (!ram && !err) { /* all or nothing */
            munmap(at, n * PAGE);
            errno = ENOENT;
            return NULL;
        }
        for (end = i; end < n && there(gfn[end]) == ram &&
                      (!ram || gfn[end] - gfn[i] == end - i);
             end++)
            if (err)
                err[end] = ram ? 0 : -ENOENT;
        if (ram)
            MUST(mmap(at + i * PAGE, (end - i) * PAGE, prot,
                      MAP_SHARED | MAP_FIXED, fake->ram_fd,
                      (off_t)(gfn[i] * PAGE)) != MAP_FAILED);
    }
    return at;
}

void *xenforeignmemory_map(xenforeignmemory_handle *h, uint32_t dom, int prot,
                           size_t n, const xen_pfn_t gfn[], int err[])
{
    return xenforeignmemory_map2(h, dom, NULL, prot, 0, n, gfn, err);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *h, void *addr, size_t n)
{
    return munmap(addr, n * PAGE);
}

xenforeignmemory_resource_handle *
xenforeignmemory_map_resource(xenforeignmemory_handle *h, domid_t dom,
                              unsigned type, unsigned id, unsigned long frame,
                              unsigned long n, void **at, int prot, int flags)
{
    if (fails())
        return NULL;
    *at = fake->page;
    return (xenforeignmemory_resource_handle *)fake;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *h,
                                    xenforeignmemory_resource_handle *r)
{
    return 0;
}

int xenforeignmemory_restrict(xenforeignmemory_handle *h, domid_t dom)
{
    return result();
}

/* Handles */

#define HANDLE(type, open, close, ...)                                         \
    type *open(__VA_ARGS__)                                                    \
    {                                                                          \
        return fails() ? NULL : (type *)fake;                                  \
    }                                                                          \
    int close(type *h)                                                         \
    {                                                                          \
        return 0;                                                              \
    }

HANDLE(xenforeignmemory_handle, xenforeignmemory_open, xenforeignmemory_close,
       struct xentoollog_logger *log, unsigned flags)
HANDLE(xendevicemodel_handle, xendevicemodel_open, xendevicemodel_close,
       struct xentoollog_logger *log, unsigned flags)
HANDLE(xenevtchn_handle, xenevtchn_open, xenevtchn_close,
       struct xentoollog_logger *log, unsigned flags)
HANDLE(xc_interface, xc_interface_open, xc_interface_close,
       xentoollog_logger *log, xentoollog_logger *build, unsigned flags)

int xenevtchn_fd(xenevtchn_handle *h)
{
    return fake->fd[0];
}

int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port)
{
    fake->told++;
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h,
                                                     uint32_t dom,
                                                     evtchn_port_t remote)
{
    return fails() ? -1 : (xenevtchn_port_or_error_t)(remote & 0xffff);
}

int xenevtchn_restrict(xenevtchn_handle *h, domid_t dom)
{
    return result();
}

/* Hypercalls of which only success or failure is of interest */

#define CALL(name, ...)                                                        \
    int name(__VA_ARGS__)                                                      \
    {                                                                          \
        return result();                                                       \
    }
#define DM_CALL(name, ...)                                                     \
    CALL(xendevicemodel_##name, xendevicemodel_handle *h, domid_t dom,         \
         __VA_ARGS__)

DM_CALL(map_io_range_to_ioreq_server, ioservid_t id, int mmio, uint64_t from,
        uint64_t to)
DM_CALL(unmap_io_range_from_ioreq_server, ioservid_t id, int mmio,
        uint64_t from, uint64_t to)
DM_CALL(map_pcidev_to_ioreq_server, ioservid_t id, uint16_t seg, uint8_t bus,
        uint8_t slot, uint8_t fn)
DM_CALL(unmap_pcidev_from_ioreq_server, ioservid_t id, uint16_t seg,
        uint8_t bus, uint8_t slot, uint8_t fn)
DM_CALL(set_isa_irq_level, uint8_t irq, unsigned level)
DM_CALL(set_pci_intx_level, uint16_t seg, uint8_t bus, uint8_t slot,
        uint8_t intx, unsigned level)
DM_CALL(set_pci_link_route, uint8_t link, uint8_t irq)
DM_CALL(inject_msi, uint64_t addr, uint32_t data)
DM_CALL(set_mem_type, hvmmem_type_t type, uint64_t first, uint32_t n)
DM_CALL(shutdown, unsigned reason)
DM_CALL(relocate_memory, uint32_t n, uint64_t from, uint64_t to)
DM_CALL(pin_memory_cacheattr, uint64_t from, uint64_t to, uint32_t type)
DM_CALL(destroy_ioreq_server, ioservid_t id)
DM_CALL(set_ioreq_server_state, ioservid_t id, int on)
CALL(xendevicemodel_restrict, xendevicemodel_handle *h, domid_t dom)
CALL(xc_hvm_param_set, xc_interface *h, uint32_t dom, uint32_t param,
     uint64_t value)
CALL(xc_domain_send_trigger, xc_interface *h, uint32_t dom, uint32_t trigger,
     uint32_t vcpu)
CALL(xc_domain_populate_physmap_exact, xc_interface *h, uint32_t dom,
     unsigned long n, unsigned order, unsigned flags, xen_pfn_t *gfn)

/* Of nothing there is nothing to tell. */
int xendevicemodel_modified_memory(xendevicemodel_handle *h, domid_t dom,
                                   uint64_t first, uint32_t n)
{
    MUST(n);
    if (fake->nmodified < FAKE_MODIFIED)
        fake->modified[fake->nmodified++] = (struct fake_range){first, n};
    return result();
}

int xendevicemodel_nr_vcpus(xendevicemodel_handle *h, domid_t dom, unsigned *n)
{
    *n = fake->vcpus;
    return result();
}

int xendevicemodel_create_ioreq_server(xendevicemodel_handle *h, domid_t dom,
                                       int buffered, ioservid_t *id)
{
    *id = 1;
    return result();
}

/* The older way has the shared pages in the domain's first frames. */
int xendevicemodel_get_ioreq_server_info(xendevicemodel_handle *h, domid_t dom,
                                         ioservid_t id, xen_pfn_t *sync,
                                         xen_pfn_t *buf, evtchn_port_t *port)
{
    if (sync)
        *sync = FAKE_SYNC;
    if (buf)
        *buf = FAKE_BUF;
    if (port)
        *port = 99;
    return result();
}

int xendevicemodel_track_dirty_vram(xendevicemodel_handle *h, domid_t dom,
                                    uint64_t first, uint32_t n,
                                    unsigned long *bits)
{
    if (bits)
        memset(bits, 0x5a, n / 8);
    return result();
}
