/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "steps_parts.h"

#include <limits.h>
#include <string.h>

/* Fresh memory from the kernel for each input costs more than the input. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=4:thread_local_quarantine_size_kb=64";
}

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
    steps_chr_begin(s);
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

    val = s->seam->io(s, &m);
    MUST(size == 8 || !(val >> (8 * size)));
    if (!wr)
        fuzz_answer_num(val);
    return val;
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
    if (!m.write)
        fuzz_answer(buf, n * size);
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
        steps_save(s, 0);
        break;
    case LIFE_DAMAGE:
        steps_save(s, take8(&s->in) & 3);
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
        steps_backend(s, a);
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

static void answer_pages(const uint8_t *mem, const uint8_t *wet, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        if (wet[i]) {
            fuzz_answer_num(i);
            fuzz_answer(mem + i * HV_PAGE_BYTES, HV_PAGE_BYTES);
        }
}

/* What is left behind, where others see it. */
static void answer(struct steps *s)
{
    struct bench *b = s->b;
    const uint64_t told[] = {b->edges,      b->msis,      b->msi_addr,
                             b->msi_data,   b->vram_gfn,  (uint64_t)b->shutdown,
                             b->rom_locked, b->suspended, b->claims,
                             b->pci_claims};

    fuzz_answer(told, sizeof(told));
    fuzz_answer(b->isa_level, sizeof(b->isa_level));
    fuzz_answer(b->intx_level, sizeof(b->intx_level));
    fuzz_answer(b->pci_link, sizeof(b->pci_link));
    answer_pages(b->ram, b->ram_wet, b->ram_bytes / HV_PAGE_BYTES);
    answer_pages(b->vram, b->vram_wet, b->vram_pages);
    for (unsigned i = 0; i < STEPS_BLKS; i++)
        if (s->blk[i]) {
            const struct blk *k = s->blk[i];
            const uint64_t done[] = {k->rd_ops,   k->rd_bytes,  k->wr_ops,
                                     k->wr_bytes, k->flush_ops, k->errors};

            fuzz_answer(done, sizeof(done));
        }
    if (s->net) {
        const uint64_t done[] = {s->net->tx_frames, s->net->tx_bytes,
                                 s->net->rx_frames, s->net->dropped};
        uint32_t len;
        const uint8_t *frame = net_mem_sent(s->net, &len);

        fuzz_answer(done, sizeof(done));
        fuzz_answer(frame, len);
    }
}

void steps_quiet(struct steps *s)
{
    answer(s);
    steps_quiesce(s);
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
