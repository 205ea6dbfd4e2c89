/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain on Xen whose hypercalls fail as the input says: start, service of
 * requests, map cache, video memory, migration. The machine answers anything.
 */
#include "../bench/fuzz.h"
#include "fake_xen.h"
#include "gmem_xen.h"
#include "xen.h"

#include <errno.h>
#include <hvmd/log.h>
#include <string.h>
#include <unistd.h>
#include <xen/hvm/ioreq.h>

#define RAM    (UINT64_C(1) << 30) /* video memory comes behind it */
#define LOW    (UINT64_C(4) << 20) /* of memory that most steps touch */
#define PINS   4u
#define IOVS   8u
#define SWEEPS 1u /* of an input: each maps thousands of times */

struct machine {
    bool busy;
    bool slow; /* a turn ends amid a request */
    unsigned io;
};

int machine_io(struct machine *m, const struct io_msg *q, uint64_t *out)
{
    MUST(q->size == 1 || q->size == 2 || q->size == 4 || q->size == 8);
    *out = 0;
    if (m->slow && m->io < 3000)
        for (uint64_t end = __builtin_ia32_rdtsc() + 2000;
             __builtin_ia32_rdtsc() < end;)
            ;
    m->io++;
    return 0;
}

size_t machine_burst(struct machine *m, enum io_kind kind, uint64_t addr,
                     unsigned size, bool wr, void *buf, size_t n)
{
    return 0;
}

bool machine_is_mmio(struct machine *m, uint64_t addr)
{
    return addr >= FAKE_PAGES * 4096;
}

bool machine_idle(const struct machine *m)
{
    return !m->busy;
}

struct world {
    struct fake_xen fake;
    struct machine m;
    struct bytes in;
    struct log log;
    struct xen *xen;
    uint8_t *sync, *buf; /* NULL: not served */
    struct {
        uint64_t gpa;
        size_t len;
        bool wr;
        struct iovec iov[IOVS];
        int n;
    } pin[PINS];
    unsigned sweeps;
    bool no_vram; /* it was asked for, and is so once */
};

static void quiet(void *ctx, const char *line, size_t len)
{
}

static uint64_t gpa(struct world *w)
{
    uint8_t how = take8(&w->in);
    uint64_t at = take(&w->in, 3);

    return how & 1 ? at << 12 : how & 2 ? UINT64_MAX - at : at % LOW;
}

static void one_request(struct world *w, unsigned a)
{
    struct ioreq *q = (struct ioreq *)w->sync + a % 4;
    uint8_t how = take8(&w->in);
    uint32_t ports[64];

    *q = (struct ioreq){.type = how & 1   ? IOREQ_TYPE_COPY
                                : how & 2 ? IOREQ_TYPE_INVALIDATE
                                : how & 4 ? IOREQ_TYPE_TIMEOFFSET
                                          : IOREQ_TYPE_PIO,
                        .size = 4,
                        .count = how & 8 ? 1 + take8(&w->in) * 16u : 1,
                        .state = STATE_IOREQ_READY,
                        .dir = how >> 4 & 1,
                        .data_is_ptr = how >> 5 & 1};
    q->addr = how & 1 ? FAKE_PAGES * 4096 : 0x1f0;
    q->data = take(&w->in, 2);
    if (how & 0x80)
        q->type = take8(&w->in);
    for (unsigned i = 0; i < 64; i++)
        ports[i] = i;
    if (!(how & 0x40))
        fake_xen_fire(&w->fake, ports, a & 8 ? 64 : a & 4 ? 0 : 1);
}

static void one_buffered(struct world *w, unsigned a)
{
    struct buffered_iopage *p = (struct buffered_iopage *)w->buf;

    for (unsigned i = 0; i <= a; i++) {
        p->buf_ioreq[p->write_pointer % IOREQ_BUFFER_SLOT_NUM] =
            (struct buf_ioreq){.type = 0, .dir = 1, .addr = 0x1f0, .data = a};
        p->write_pointer++;
    }
    if (a & 1)
        fake_xen_fire(&w->fake, (uint32_t[]){99}, 1);
}

static void one_hv(struct world *w, unsigned a)
{
    struct hv *hv = xen_hv(w->xen);
    uint8_t v = take8(&w->in);
    int rc;

    switch (a) {
    case 0:
        rc = hv->ops->claim(hv, v & 2 ? SPACE_MMIO : SPACE_PIO, 0xc000, 16,
                            v & 1);
        break;
    case 1:
        rc = hv->ops->claim_pci(hv, v >> 1, v & 1);
        break;
    case 2:
        rc = hv->ops->isa_irq(hv, v >> 4, v & 1);
        break;
    case 3:
        rc = hv->ops->pci_intx(hv, v >> 3, 0, v & 1);
        break;
    case 4:
        rc = hv->ops->pci_link(hv, v & 3, v >> 4);
        break;
    case 5:
        rc = hv->ops->msi(hv, 0xfee00000, v);
        break;
    case 6:
        rc = hv->ops->rom_lock(hv, v & 1);
        break;
    case 7:
        rc = hv->ops->shutdown(hv, (enum hv_shutdown)(v & 3));
        break;
    case 8:
        rc = hv->ops->suspend(hv, v & 1);
        break;
    default:
        rc = xen_power_button(w->xen);
        break;
    }
    MUST(rc <= 0);
}

static void one_vram(struct world *w, unsigned a)
{
    static const uint64_t places[] = {HV_GFN_NONE, 0x80000, 0x80080, 0x8fff0};
    struct hv *hv = xen_hv(w->xen);
    uint8_t v = take8(&w->in), bits[128], *p;
    uint64_t staging = xen_vram_gfn(w->xen), to;

    switch (a) {
    case 0: /* less than a large page, or more */
        if (!w->no_vram)
            w->no_vram = hv->ops->vram_alloc(hv, v & 1 ? 256 : 768) < 0;
        break;
    case 1:
        to = v & 8 ? staging + (v >> 4) : places[v & 3];
        hv->ops->vram_move(hv, to);
        break;
    case 2:
        p = hv->ops->vram_ptr(hv);
        if (p)
            p[v] = v;
        break;
    case 3:
        if (hv->ops->vram_dirty(hv, v & 1 ? 256 : v & 2 ? 1024 : 0, bits) == 0)
            MUST(!v || v & 1 || !(v & 2));
        break;
    case 4:
        hv->ops->vram_wrote(hv, take(&w->in, 3), v);
        break;
    case 5:
        xen_adopt_vram(w->xen, v & 1   ? HV_GFN_NONE
                               : v & 2 ? UINT64_C(1) << 50
                                       : 0x1000);
        break;
    default:
        break;
    }
}

static void one_pin(struct world *w, unsigned a, size_t len)
{
    struct gmem *g = xen_gmem(w->xen);
    unsigned i = a % PINS;

    if (w->pin[i].n > 0) {
        gmem_unpin(g, w->pin[i].gpa, w->pin[i].len, w->pin[i].wr, w->pin[i].iov,
                   (unsigned)w->pin[i].n);
        w->pin[i].n = 0;
        return;
    }
    w->pin[i].gpa = gpa(w);
    w->pin[i].len = len * (a & 8 ? 65536 : 1);
    w->pin[i].wr = a & 4;
    w->pin[i].n = gmem_pin(g, w->pin[i].gpa, w->pin[i].len, w->pin[i].wr,
                           w->pin[i].iov, IOVS);
    MUST(w->pin[i].n <= (int)IOVS && w->pin[i].n);
}

/* More of memory than can be mapped at once; a odd: some stays pinned. */
static void sweep(struct world *w, unsigned a)
{
    struct gmem *g = xen_gmem(w->xen);
    static struct iovec iov[GMEM_CHUNKS_MAX + 64];
    unsigned n = GMEM_CHUNKS_MAX + 32;
    uint8_t byte;

    if (w->sweeps++ >= SWEEPS)
        return;
    for (unsigned i = 0; i < n; i++) {
        uint64_t at = (uint64_t)i * GMEM_CHUNK_PAGES * 4096;

        iov[i].iov_base = NULL;
        if (!(a & 1) || gmem_pin(g, at, 1, false, &iov[i], 1) < 1)
            gmem_read(g, at, &byte, 1);
    }
    if (a & 2)
        gmem_xen_invalidate(g);
    for (unsigned i = 0; i < n; i++)
        if (iov[i].iov_base)
            gmem_unpin(g, (uint64_t)i * GMEM_CHUNK_PAGES * 4096, 1, false,
                       &iov[i], 1);
}

static void one_gmem(struct world *w, unsigned a)
{
    struct gmem *g = xen_gmem(w->xen);
    uint8_t buf[1024] = {1};
    size_t len = take(&w->in, 2) % sizeof(buf);
    uint64_t at;
    bool plain;

    if (a >= 8)
        return one_pin(w, a, len);
    if (a >= 6)
        return sweep(w, (unsigned)len);
    at = gpa(w);
    plain = !w->fake.hole_len && !w->fake.fail_in && at < RAM;
    if (a & 1) {
        if (gmem_write(g, at, buf, len) == 0 && plain)
            MUST(!memcmp(w->fake.ram + at, buf, len));
    } else if (gmem_read(g, at, buf, len) == 0 && plain) {
        MUST(!memcmp(w->fake.ram + at, buf, len));
    }
}

static void one_life(struct world *w, unsigned a)
{
    switch (a) {
    case 0:
    case 1:
        if (w->sync)
            xen_enable(w->xen, a & 1);
        break;
    case 2:
    case 3:
        xen_log_dirty(w->xen, a & 1);
        break;
    case 4:
        xen_forget(w->xen);
        break;
    case 5:
        xen_rest(w->xen);
        break;
    case 6: /* the guest balloons: Xen says nothing before the request */
        w->fake.hole = take(&w->in, 2);
        w->fake.hole_len = take(&w->in, 2);
        break;
    case 7:
        w->fake.ns += NS_PER_MS << take8(&w->in) % 16;
        break;
    case 8:
        w->m.busy = !w->m.busy;
        break;
    case 10:
        w->m.slow = !w->m.slow;
        break;
    case 11: /* the other side of the event channels is gone */
        close(w->fake.fd[1]);
        w->fake.fd[1] = -1;
        break;
    default:
        fake_xen_poll(&w->fake);
        break;
    }
}

static void will_fail(struct world *w, unsigned a)
{
    static const int errs[] = {EPERM, ENOENT, EOPNOTSUPP, ENOSYS};

    w->fake.fail_in = take8(&w->in);
    w->fake.fail_for = a >> 2 & 1 ? 1000 : 0;
    w->fake.fail_errno = errs[a & 3];
    w->fake.taken = a & 8;
}

static void one(struct world *w)
{
    uint8_t op = take8(&w->in);
    unsigned a = op >> 4;

    switch (op & 7) {
    case 0:
        if (w->sync)
            one_request(w, a);
        break;
    case 1:
        if (w->buf)
            one_buffered(w, a);
        break;
    case 2:
        one_hv(w, a);
        break;
    case 3:
        one_vram(w, a);
        break;
    case 4:
    case 5:
        one_gmem(w, a);
        break;
    case 6:
        one_life(w, a);
        break;
    default:
        will_fail(w, a);
        break;
    }
}

static void start(struct world *w)
{
    struct err e = {""};
    uint8_t how = take8(&w->in);
    bool old;

    w->fake.vcpus = how & 1 ? 1 : how & 2 ? 200 : 4;
    will_fail(w, how >> 4);
    w->xen = xen_open(1, how & 4 ? UINT64_C(6) << 30 : RAM,
                      how & 8 ? UINT64_C(1) << 30 : 0, &w->log, &e);
    MUST(w->xen || e.text[0]);
    if (!w->xen)
        return;
    MUST(xen_vcpus(w->xen) == w->fake.vcpus);
    if (how & 8)
        one_vram(w, take8(&w->in) & 1 ? 5 : 0);
    old = w->fake.fail_in == 1; /* no resources: pages by their frames */
    if (xen_serve(w->xen, &w->m, (struct loop *)w, &e) < 0) {
        MUST(e.text[0]);
        return;
    }
    w->sync = old ? w->fake.ram + FAKE_SYNC * 4096 : w->fake.page[FAKE_SYNC];
    w->buf = old ? w->fake.ram + FAKE_BUF * 4096 : w->fake.page[FAKE_BUF];
    memset(w->sync, 0, 4096);
    memset(w->buf, 0, 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct world *w = calloc(1, sizeof(*w));
    struct xen_counts counts;

    MUST(w);
    w->in = (struct bytes){data, len};
    w->log = (struct log){.write = quiet};
    fake_xen_begin(&w->fake);
    start(w);
    for (unsigned i = 0; w->xen && i < 256 && w->in.left; i++)
        one(w);
    w->fake.fail_in = 0;
    for (unsigned i = 0; i < PINS; i++)
        if (w->pin[i].n > 0)
            one_pin(w, i, 1);
    if (w->sync) {
        xen_enable(w->xen, false);
        xen_counts(w->xen, &counts);
        MUST(w->fake.told <= counts.requests);
    }
    xen_close(w->xen);
    fake_xen_end(&w->fake);
    free(w);
    return 0;
}
