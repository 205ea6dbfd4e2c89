/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device: its life cycle and what it may reach. A device struct begins with
 * a struct dev. Devices live as long as the machine (rule R8). Below
 * machine_io() nothing prints, exits, allocates, blocks or loops without bound.
 * Loop thread only.
 */
#ifndef HVMD_DEV_H
#define HVMD_DEV_H

#include <hvmd/bus.h>
#include <hvmd/conf.h>
#include <hvmd/err.h>
#include <hvmd/gmem.h>
#include <hvmd/irq.h>
#include <hvmd/log.h>
#include <hvmd/state.h>
#include <hvmd/timer.h>

struct pci_bus;
struct machine;

enum reset_kind {
    RESET_POWER, /* cold: at creation and at machine reset */
    RESET_BUS,   /* PCI reset, 0xcf9 bit 1 */
};

/* What the machine lends to a device; outlives it. */
struct dev_env {
    struct hv *hv;
    struct bus *bus;
    struct pci_bus *pci;
    struct gmem *gmem;
    struct clock *clock; /* VM clock */
    struct log *log;
    struct machine *machine; /* NULL in single-device tests */
};

#define DEV_LOG_IDS 8

struct dev {
    const struct dev_ops *ops;
    struct dev_env env;
    unsigned instance;
    uint64_t hits[HIT_KINDS]; /* guest accesses */
    uint64_t mistakes;        /* guest mistakes counted by guest_log() */
    struct log_bucket bucket[DEV_LOG_IDS];
};

struct dev_ops {
    const char *name; /* stable: stream, log, QMP */
    size_t size;      /* of the device struct, zeroed before init */
    /* Opens nothing: back ends come in conf. Errors are the administrator's. */
    int (*init)(struct dev *, const struct conf *, struct err *);
    void (*reset)(struct dev *, enum reset_kind);
    void (*pause)(struct dev *, bool); /* start no new back-end work */
    bool (*idle)(const struct dev *);  /* nothing in flight; NULL: always */
    void (*fini)(struct dev *);        /* after idle; frees what init took */
    const struct state_desc *state;    /* NULL: stateless */
};

/* Allocates, fills the head and calls init and reset(RESET_POWER). */
struct dev *dev_new(const struct dev_ops *, const struct dev_env *,
                    unsigned instance, const struct conf *, struct err *);
void dev_free(struct dev *);
/* bus_map() with the device's own hit counter. */
int dev_map(struct dev *, enum space, uint64_t base, uint64_t len,
            const struct io_ops *);

#endif
