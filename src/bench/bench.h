/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The in-process bench: a hypervisor made of a RAM array, a clock that only
 * the test moves, and a log of interrupt edges. Devices cannot tell it from
 * Xen. Any number of benches live in one process.
 */
#ifndef HVMD_BENCH_H
#define HVMD_BENCH_H

#include <hvmd/dev.h>
#include <hvmd/pci.h>

#define BENCH_EDGES 256

struct bench {
    struct hv hv;
    struct gmem gmem;
    struct bus bus; /* for single devices; a machine has its own */
    struct clock clock;
    struct log log;
    struct dev_env env; /* all of the above; pci is NULL until set */
    uint64_t now_ns;
    uint8_t *ram;
    size_t ram_bytes;
    uint8_t *ram_wet;            /* pages written since set-up (keep.h) */
    uint64_t hole_gpa, hole_len; /* "ballooned out" part of RAM */
    uint64_t mirror_end;         /* RAM repeats up to there; 0: it does not */
    unsigned pins;               /* pinned spans not yet unpinned */
    uint8_t isa_level[16];
    uint8_t intx_level[32][4];
    uint8_t pci_link[4];
    /* Inputs of the interrupt controllers, ISA lines and links together. */
    bool gsi_level[16];
    void (*gsi)(void *ctx, unsigned gsi, bool level); /* changes; may be NULL */
    void *gsi_ctx;
    uint8_t *vram;
    uint32_t vram_pages;
    uint64_t vram_gfn; /* HV_GFN_NONE: staging */
    uint8_t *vram_dirty;
    bool vram_tracked;
    uint8_t *vram_wet;  /* as ram_wet */
    uint8_t *vram_told; /* pages that the card says it wrote, one byte each */
    bool suspended, rom_locked;
    int shutdown; /* enum hv_shutdown, -1: not asked for */
    unsigned claims, pci_claims;
    uint64_t msi_addr;
    uint32_t msi_data;
    unsigned msis;
    struct bench_edge {
        bool pci; /* slot/pin in line as slot * 4 + pin, else ISA */
        uint8_t line;
        bool level;
        uint64_t at_ns;
    } edge[BENCH_EDGES]; /* the latest, ring */
    uint64_t edges;
    char log_text[8192]; /* the end of what was logged */
    size_t log_len;
};

struct bench *bench_new(size_t ram_bytes);
void bench_free(struct bench *);
/* Runs timers up to the new time, each at its own. */
void bench_step(struct bench *, uint64_t ns);
/* Edges (rising) seen on an ISA line since the last call for that line. */
unsigned bench_rises(struct bench *, unsigned isa_line);
/* Marks VRAM pages dirty as a guest's direct write would. */
void bench_vram_touch(struct bench *, uint32_t off, uint32_t len);
/* Whoever writes to b->ram without gmem, and wants it brought back. */
void bench_ram_touch(struct bench *, uint64_t gpa, size_t len);

/* Port and memory accesses on b->bus. */
static inline uint8_t bench_inb(struct bench *b, uint16_t port)
{
    return (uint8_t)bus_read(&b->bus, SPACE_PIO, port, 1);
}
static inline uint16_t bench_inw(struct bench *b, uint16_t port)
{
    return (uint16_t)bus_read(&b->bus, SPACE_PIO, port, 2);
}
static inline uint32_t bench_inl(struct bench *b, uint16_t port)
{
    return (uint32_t)bus_read(&b->bus, SPACE_PIO, port, 4);
}
static inline void bench_outb(struct bench *b, uint16_t port, uint8_t v)
{
    bus_write(&b->bus, SPACE_PIO, port, 1, v);
}
static inline void bench_outw(struct bench *b, uint16_t port, uint16_t v)
{
    bus_write(&b->bus, SPACE_PIO, port, 2, v);
}
static inline void bench_outl(struct bench *b, uint16_t port, uint32_t v)
{
    bus_write(&b->bus, SPACE_PIO, port, 4, v);
}

#endif
