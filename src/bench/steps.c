/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "steps.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Fresh memory from the kernel for each input costs more than the input. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=4:thread_local_quarantine_size_kb=64";
}

static size_t chr_write(struct chr *c, const uint8_t *buf, size_t len)
{
    struct steps_chr *p = (struct steps_chr *)c;
    size_t n = len < p->accept ? len : p->accept;

    MUST(len && buf);
    p->accept -= n;
    return n;
}

static void chr_room(struct chr *c, size_t n)
{
    ((struct steps_chr *)c)->room = n;
}

static void chr_line(struct chr *c, const struct chr_line *line)
{
    MUST(c && line);
}

static const struct chr_ops chr_ops = {
    .write = chr_write, .rx_room = chr_room, .line = chr_line};

static uint64_t bus_io(struct steps *s, const struct io_msg *m)
{
    enum space space = m->kind == IO_MMIO ? SPACE_MMIO : SPACE_PIO;

    if (m->kind == IO_PCI) {
        unsigned devfn = (unsigned)m->addr >> 8, reg = m->addr & 0xff;

        if (!m->write)
            return pci_cfg_read(s->b->env.pci, devfn, reg, m->size);
        pci_cfg_write(s->b->env.pci, devfn, reg, m->size, (uint32_t)m->data);
        return 0;
    }
    if (!m->write)
        return bus_read(&s->b->bus, space, m->addr, m->size);
    bus_write(&s->b->bus, space, m->addr, m->size, m->data);
    return 0;
}

/* As bus_rep() and bus_copy(), which do not tell what goes one by one. */
static void bus_many(struct steps *s, const struct io_msg *m, void *buf,
                     size_t n)
{
    enum space space = m->kind == IO_MMIO ? SPACE_MMIO : SPACE_PIO;
    uint8_t *p = buf;

    if (m->kind == IO_PCI)
        return;
    for (size_t i = 0, done; i < n; i += done) {
        struct io_msg one = *m;

        if (space == SPACE_MMIO)
            one.addr += i * m->size;
        done = bus_burst(&s->b->bus, space, one.addr, m->size, m->write,
                         p + i * m->size, n - i);
        if (done)
            continue;
        if (!s->singles)
            return;
        s->singles--;
        memcpy(&one.data, p + i * m->size, m->size);
        bus_io(s, &one);
        done = 1;
    }
}

static void reset_all(struct steps *s, enum reset_kind kind)
{
    for (unsigned i = 0; i < s->ndevs; i++)
        if (s->dev[i]->ops->reset)
            s->dev[i]->ops->reset(s->dev[i], kind);
}

static void pause_all(struct steps *s, bool on)
{
    for (unsigned i = 0; i < s->ndevs; i++)
        if (s->dev[i]->ops->pause)
            s->dev[i]->ops->pause(s->dev[i], on);
}

static const struct steps_seam bench_seam = {bus_io, bus_many, reset_all,
                                             pause_all};

void steps_begin(struct steps *s, const struct steps_map *map,
                 const uint8_t *data, size_t len, size_t ram_bytes)
{
    s->map = map;
    if (!s->seam)
        s->seam = &bench_seam;
    s->in = (struct bytes){data, len};
    s->b = bench_new(ram_bytes);
    s->b->env.pci = pci_bus_new(&s->b->hv, &s->b->bus, &s->b->gmem);
    MUST(s->b->env.pci);
    s->chr.chr.ops = &chr_ops;
}

struct dev *steps_add(struct steps *s, const struct dev_ops *ops,
                      const struct conf *c)
{
    struct err e;
    struct dev *d = dev_new(ops, &s->b->env, 0, c, &e);

    MUST(d && s->ndevs < STEPS_DEVS);
    s->dev[s->ndevs++] = d;
    return d;
}

void steps_refused(struct steps *s, const struct dev_ops *ops,
                   const struct conf *c)
{
    struct err e = {""};

    MUST(!dev_new(ops, &s->b->env, 0, c, &e) && e.text[0]);
}

uint64_t steps_io(struct steps *s, enum io_kind kind, bool wr, uint64_t addr,
                  unsigned size, uint64_t val)
{
    struct io_msg m = {.kind = kind,
                       .write = wr,
                       .size = (uint8_t)size,
                       .addr = addr,
                       .data = val & (UINT64_MAX >> (64 - 8 * size))};

    return s->seam->io(s, &m);
}

void steps_poke(struct steps *s, uint32_t gpa, const void *p, size_t len)
{
    if (gpa < s->b->ram_bytes) {
        size_t room = s->b->ram_bytes - gpa;

        if (len > room)
            len = room;
        memcpy(s->b->ram + gpa, p, len);
        bench_ram_touch(s->b, gpa, len);
    }
}

static const struct steps_window *window(struct steps *s, unsigned a)
{
    return &s->map->win[(a == 15 ? take8(&s->in) : a) % s->map->nwin];
}

/* Config space ends at 256: what asks for more is no access at all. */
static uint64_t address(struct steps *s, const struct steps_window *w,
                        unsigned size)
{
    unsigned bytes = w->len > 65536 ? 4 : w->len > 256 ? 2 : 1;
    uint32_t off = (uint32_t)take(&s->in, bytes) % w->len;

    if (w->kind == IO_PCI && off > 256 - size)
        off = 256 - size;
    return (uint64_t)w->base + off;
}

static void one_access(struct steps *s, unsigned kind, unsigned a)
{
    const struct steps_window *w = window(s, a);
    unsigned size = 1u << (kind & 3);
    uint64_t addr;

    if (size == 8 && w->kind != IO_MMIO)
        size = 4;
    addr = address(s, w, size);
    if (kind < STEP_RD1)
        steps_io(s, w->kind, true, addr, size, take(&s->in, size));
    else
        steps_io(s, w->kind, false, addr, size, 0);
}

static void one_rep(struct steps *s, unsigned a)
{
    const struct steps_window *w = window(s, a);
    uint8_t flags = take8(&s->in), buf[STEPS_REP];
    unsigned size = 1u << (flags & REP_SIZE);
    struct io_msg m = {.kind = w->kind, .write = flags & REP_WRITE};
    size_t n, data = (flags & REP_DATA) >> 4 << 2;

    if (size > 4)
        size = 4;
    m.addr = address(s, w, size);
    m.size = (uint8_t)size;
    n = take8(&s->in);
    n = (n ? n : 256) << (flags & REP_EIGHT ? 3 : 0);
    if (n > REP_FEW && (!s->map->bulk || !s->singles))
        n = REP_FEW;
    memset(buf, 0, n * size);
    if (m.write && data)
        for (size_t i = 0; i < n * size; i++)
            buf[i] = i < data ? take8(&s->in) : buf[i - data];
    s->seam->rep(s, &m, buf, n);
}

static void one_mem(struct steps *s, unsigned a)
{
    uint32_t gpa =
        a ? 0x1000 * a + 16u * take8(&s->in) : (uint32_t)take(&s->in, 3);
    size_t n = take8(&s->in);

    if (n > s->in.left)
        n = s->in.left;
    steps_poke(s, (uint32_t)(gpa % s->b->ram_bytes), s->in.p, n);
    s->in.p += n;
    s->in.left -= n;
}

static void one_blk(struct steps *s, unsigned a)
{
    static const int errs[] = {-EIO, -ENOSPC, -EOPNOTSUPP, -EROFS};
    uint8_t how = take8(&s->in);
    struct blk *b = s->blk[how & 3];

    if (!b)
        return;
    switch (a) {
    case BACK_HOLD:
    case BACK_THROUGH:
        blk_mem_hold(b, a == BACK_HOLD);
        break;
    case BACK_FAIL:
        blk_mem_fail(b, (enum blk_op)(how >> 2 & 3), take8(&s->in),
                     errs[how >> 4 & 3]);
        break;
    case BACK_RELEASE:
        blk_mem_release(b);
        break;
    default:
        b->ops->drain(b);
        break;
    }
}

static void one_frame(struct steps *s)
{
    uint8_t f[NET_FRAME_MAX];
    uint32_t len = (uint32_t)take(&s->in, 2), n = take8(&s->in) & 127;

    if (len < 1 || len > sizeof(f))
        len = sizeof(f);
    memset(f, 0, len > n ? len : n);
    for (uint32_t i = 0; i < n; i++)
        f[i] = take8(&s->in);
    net_mem_put(s->net, f, len);
}

static void one_input(struct steps *s)
{
    struct chr *c = &s->chr.chr;
    uint8_t buf[64];
    size_t n = take8(&s->in) & 63;

    if (n > s->chr.room)
        n = s->chr.room;
    for (size_t i = 0; i < n; i++)
        buf[i] = take8(&s->in);
    if (!n || !c->rx)
        return;
    s->chr.room -= n;
    c->rx(c->dev, buf, n);
}

static void one_back(struct steps *s, unsigned a)
{
    if (a <= BACK_DRAIN) {
        one_blk(s, a);
    } else if (a == BACK_INPUT) {
        one_input(s);
    } else if (a == BACK_ACCEPT) {
        s->chr.accept = take8(&s->in);
        if (s->chr.chr.tx_ready)
            s->chr.chr.tx_ready(s->chr.chr.dev);
    } else if (!s->net) {
        return;
    } else if (a == BACK_FRAME) {
        one_frame(s);
    } else if (a == BACK_FULL) {
        net_mem_full(s->net, take8(&s->in) & 1);
    } else if (a == BACK_LINK) {
        net_mem_link(s->net, take8(&s->in) & 1);
    } else if (a == BACK_RX_END) {
        net_mem_rx_end(s->net);
    }
}

static void quiesce(struct steps *s)
{
    s->seam->pause(s, true);
    for (unsigned u = 0; u < STEPS_BLKS; u++)
        if (s->blk[u])
            s->blk[u]->ops->drain(s->blk[u]);
    for (unsigned i = 0; i < s->ndevs; i++)
        MUST(!s->dev[i]->ops->idle || s->dev[i]->ops->idle(s->dev[i]));
}

/* Memory that ends where n bytes do, a sanitizer's edge behind it. */
static uint8_t *spare(struct steps *s, unsigned which, size_t n)
{
    size_t all = (n + 15) & ~(size_t)15;

    MUST(all <= s->spare_bytes);
    return s->spare[which] + s->spare_bytes - all;
}

/* What a guest can reach must be what a restore takes. */
static void save_one(struct steps *s, struct dev *d, unsigned changes)
{
    const struct state_desc *desc = d->ops->state;
    struct err e = {""};
    uint8_t *buf, *state;
    size_t n;
    int rc;

    if (!desc)
        return;
    if (desc->settle)
        desc->settle(d);
    buf = spare(s, 0, state_bytes(desc));
    state = spare(s, 1, desc->size);
    n = state_save(desc, d, buf);
    MUST(!s->saved_most || n <= s->saved_most);
    for (unsigned i = 0; i < changes; i++) {
        size_t at = take(&s->in, 2) % n;

        buf[at] = take8(&s->in);
    }
    rc = state_decode(desc, desc->version, buf, n, state, &e);
    if (!rc)
        state_put(desc, d, state);
    else if (!changes)
        fprintf(stderr, "%s\n", e.text);
    MUST(!rc || (changes && e.text[0]));
}

void steps_spare(struct steps *s)
{
    for (unsigned i = 0; i < s->ndevs; i++) {
        const struct state_desc *desc = s->dev[i]->ops->state;
        size_t n = desc ? state_bytes(desc) : 0;

        if (desc && n < desc->size)
            n = desc->size;
        n = (n + 15) & ~(size_t)15;
        if (n > s->spare_bytes)
            s->spare_bytes = n;
    }
    for (unsigned i = 0; i < 2; i++) {
        s->spare[i] = malloc(s->spare_bytes);
        MUST(s->spare[i]);
    }
}

void steps_spare_free(struct steps *s)
{
    free(s->spare[0]);
    free(s->spare[1]);
    s->spare[0] = s->spare[1] = NULL;
    s->spare_bytes = 0;
}

static void save_all(struct steps *s, unsigned changes)
{
    bool once = !s->spare[0];

    if (s->saves++ >= STEPS_SAVES && !s->rare) {
        for (unsigned i = 0; i < s->ndevs * changes; i++)
            take(&s->in, s->dev[i / changes]->ops->state ? 3 : 0);
        return;
    }
    if (once)
        steps_spare(s);
    quiesce(s);
    for (unsigned i = 0; i < s->ndevs; i++)
        save_one(s, s->dev[i], changes);
    s->seam->pause(s, s->paused);
    if (once)
        steps_spare_free(s);
}

static void one_life(struct steps *s, unsigned a)
{
    switch (a) {
    case LIFE_RESET:
    case LIFE_RESET_BUS:
        s->seam->reset(s, a == LIFE_RESET ? RESET_POWER : RESET_BUS);
        break;
    case LIFE_PAUSE:
    case LIFE_RESUME:
        s->paused = a == LIFE_PAUSE;
        s->seam->pause(s, s->paused);
        break;
    case LIFE_SAVE:
        save_all(s, 0);
        break;
    case LIFE_DAMAGE:
        save_all(s, take8(&s->in) & 3);
        break;
    case LIFE_HOLE:
        s->b->hole_gpa = take(&s->in, 1) * HV_PAGE_BYTES;
        s->b->hole_len = take(&s->in, 1) * HV_PAGE_BYTES;
        break;
    }
    if ((a == LIFE_PLACE || a == LIFE_RESET || a == LIFE_RESET_BUS) &&
        s->map->place)
        s->map->place(s);
}

static void one_wait(struct steps *s, uint64_t ns)
{
    if (ns > s->time_ns)
        ns = s->time_ns;
    s->time_ns -= ns;
    bench_step(s->b, ns);
}

static void one_step(struct steps *s)
{
    uint8_t op = take8(&s->in);
    unsigned kind = op & 15, a = op >> 4;

    switch (kind) {
    case STEP_REP:
        one_rep(s, a);
        break;
    case STEP_MEM:
        one_mem(s, a);
        break;
    case STEP_TIME:
        one_wait(s, (uint64_t)take8(&s->in) << 2 * (a > 12 ? 12 : a));
        break;
    case STEP_BACK:
        one_back(s, a);
        break;
    case STEP_LIFE:
        one_life(s, a);
        break;
    case STEP_OWN ... 15:
        if (s->map->own)
            s->map->own(s, kind - STEP_OWN, a);
        break;
    default:
        one_access(s, kind, a);
        break;
    }
}

void steps_run(struct steps *s, void (*between)(struct steps *))
{
    if (s->map->place && !s->placed)
        s->map->place(s);
    s->singles = s->rare ? UINT_MAX : STEPS_SINGLES;
    s->time_ns = STEPS_TIME;
    for (unsigned i = 0; i < STEPS_MOST && s->in.left; i++) {
        one_step(s);
        if (between)
            between(s);
    }
}

void steps_quiet(struct steps *s)
{
    quiesce(s);
    MUST(!s->b->pins);
}

void steps_end(struct steps *s)
{
    steps_quiet(s);
    while (s->ndevs)
        dev_free(s->dev[--s->ndevs]);
    for (unsigned u = 0; u < STEPS_BLKS; u++)
        if (s->blk[u])
            s->blk[u]->ops->close(s->blk[u]);
    if (s->net)
        s->net->ops->close(s->net);
    MUST(clock_next(&s->b->clock) == TIMER_NEVER);
    pci_bus_free(s->b->env.pci);
    bench_free(s->b);
}
