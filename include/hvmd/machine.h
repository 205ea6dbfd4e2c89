/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine: an i440FX PC without CPU, memory, PIC, PIT, RTC and APIC, which
 * the hypervisor has. Two machines may live in one process. Loop thread only.
 */
#ifndef HVMD_MACHINE_H
#define HVMD_MACHINE_H

#include <hvmd/block.h>
#include <hvmd/chardev.h>
#include <hvmd/dev.h>
#include <hvmd/display.h>
#include <hvmd/net.h>

#define MACHINE_DISKS   4
#define MACHINE_SERIALS 4
#define MACHINE_NICS    30 /* slots 2 to 31 of the bus */

enum vga_kind { VGA_NONE, VGA_STD, VGA_CIRRUS };

/* An option ROM: whole file, checked (src/bios). */
struct rom {
    const uint8_t *data;
    uint32_t size_bytes; /* of the file */
};

/* What the guest gets. Strings and back ends are borrowed. */
struct machine_conf {
    uint64_t ram_bytes;
    unsigned vcpus, max_vcpus;
    bool xen_platform; /* machine xenfv */
    bool acpi;
    bool usb;
    bool ignore_unplug; /* the rescue switch is on from the start */
    char boot_order[5]; /* of a c d n */
    enum vga_kind vga;
    uint32_t vgamem_mib; /* power of two, 1..256 */
    uint8_t vga_slot;    /* 0: the next that is free */
    struct rom vga_rom;
    struct machine_disk {
        bool present;
        bool cdrom;
        struct blk *blk;      /* NULL: empty CD-ROM drive */
        const char *serial;   /* NULL: made from the unit number */
        const char *firmware; /* revision; NULL: the usual one */
        const char *id;       /* "ide-5632": QMP's name; may be NULL */
    } disk[MACHINE_DISKS];
    struct chr *serial[MACHINE_SERIALS];
    struct chr *parallel;
    struct machine_nic {
        const char *id; /* "nic0": QMP's name; may be NULL */
        uint8_t mac[6];
        uint8_t slot;     /* 0: the next that is free */
        uint8_t revision; /* 0x10 RTL8139C, 0x20 RTL8139C+; 0: the latter */
        struct net *net;
        struct rom rom;
    } nic[MACHINE_NICS];
    unsigned nnics;
};

enum machine_event {
    MACHINE_POWEROFF, /* the hypervisor has been told already */
    MACHINE_RESET,
    MACHINE_SUSPEND,
    MACHINE_WAKEUP,
};

/* What carries the machine; outlives it. */
struct machine_host {
    struct hv *hv;
    struct gmem *gmem;
    struct clock *clock;
    struct log *log;
    /* The guest asked for it; called on the loop; may be NULL. */
    void (*event)(void *ctx, enum machine_event);
    /*
     * A disk or card was unplugged and its back end is not used any more:
     * close it here or later. Called in the middle of a guest's access, once
     * for each; may be NULL.
     */
    void (*disk_gone)(void *ctx, unsigned unit);
    void (*nic_gone)(void *ctx, unsigned nic);
    /* A tray moved, by the guest's wish (in an access) or ours; may be NULL. */
    void (*tray_moved)(void *ctx, unsigned unit, bool open);
    /* As in struct machine_head; may be NULL. */
    bool (*blacklisted)(void *ctx, const char *product, uint32_t build);
    void *ctx;
};

enum io_kind { IO_PIO, IO_MMIO, IO_PCI };

/* One access, validated by the caller: size 1, 2, 4, 8 (PIO, PCI: to 4). */
struct io_msg {
    enum io_kind kind;
    bool write;
    uint8_t size;
    uint64_t addr; /* PCI: devfn << 8 | register */
    uint64_t data; /* writes, masked to size */
};

struct machine *machine_new(const struct machine_conf *,
                            const struct machine_host *, struct err *);
void machine_free(struct machine *); /* pauses, drains */

/* The one door for guest accesses. *out: read value, masked to size. */
int machine_io(struct machine *, const struct io_msg *, uint64_t *out);
/* String forms: n items at one port; n items at ascending MMIO addresses. */
void machine_rep(struct machine *, uint64_t port, unsigned size, bool wr,
                 void *buf, size_t n);
void machine_copy(struct machine *, uint64_t addr, unsigned size, bool wr,
                  void *buf, size_t n);
/* As many of them as the device serves in one go, maybe 0 (hvmd/bus.h). */
size_t machine_burst(struct machine *, enum io_kind, uint64_t addr,
                     unsigned size, bool wr, void *buf, size_t n);
/* True when addr is somebody's MMIO here, not RAM. */
bool machine_is_mmio(struct machine *, uint64_t addr);

/* Reset by the toolstack or by the guest: what 0xcf9 does. */
void machine_reset(struct machine *);
/*
 * All devices to their state at power-on, in place. A hypervisor makes a new
 * domain at a guest's reset instead: this is for the bench. Never from inside
 * an access.
 */
void machine_reset_devices(struct machine *);
void machine_pause(struct machine *, bool); /* also stops the VM clock */
bool machine_paused(const struct machine *);
bool machine_idle(const struct machine *);
/* ACPI wake-up from S3; 0, or -EINVAL when not suspended. */
int machine_wakeup(struct machine *);
bool machine_suspended(struct machine *); /* in S3 */

/*
 * What a device may ask of its machine: the head of struct machine, so that a
 * test of one device can put its own in dev_env.machine. Safe in any device
 * callback: the hypervisor is told before it returns, so before the access
 * that asked for it completes; nothing is freed or reset inside.
 */
struct machine_head {
    /* 0, or the hypervisor's refusal: then nothing has happened. */
    int (*request)(struct machine *, enum machine_event);
    /* A command byte was written to the APM control port (0xb2). */
    void (*apm)(struct machine *, uint8_t cmd);
    /*
     * PV drivers take over: the disks go, all of them or all but the first.
     * What was in flight has ended and is flushed when it returns. Bit u: unit
     * u went now.
     */
    unsigned (*unplug_disks)(struct machine *, bool keep_first);
    /* All network cards go; how many went now. */
    unsigned (*unplug_nics)(struct machine *);
    /* The tray of a CD drive opened or closed. */
    void (*tray_moved)(struct machine *, unsigned unit, bool open);
    /* Whether PV drivers of that name and build shall not load. */
    bool (*blacklisted)(struct machine *, const char *product, uint32_t build);
};

static inline int machine_request(struct machine *m, enum machine_event e)
{
    struct machine_head *head = (struct machine_head *)m;

    return head && head->request ? head->request(m, e) : 0;
}

static inline void machine_apm(struct machine *m, uint8_t cmd)
{
    struct machine_head *head = (struct machine_head *)m;

    if (head && head->apm)
        head->apm(m, cmd);
}

/*
 * A vCPU came or went: tells the guest, unless nothing changed. -EINVAL: no
 * such vCPU or no ACPI.
 */
int machine_set_vcpu(struct machine *, unsigned vcpu, bool online);
bool machine_vcpu_online(struct machine *, unsigned vcpu);

static inline void machine_tray_moved(struct machine *m, unsigned unit,
                                      bool open)
{
    struct machine_head *head = (struct machine_head *)m;

    if (head && head->tray_moved)
        head->tray_moved(m, unit, open);
}

/*
 * Media of CD drives, as ide_cd_eject() and ide_cd_insert() (devices/ide/ide.h)
 * say. The old one is not touched any more except to end what is in flight;
 * *old is to be closed by the caller (NULL: there was none).
 */
int machine_cd_eject(struct machine *, unsigned unit, bool force,
                     struct blk **old);
int machine_cd_insert(struct machine *, unsigned unit, struct blk *, bool force,
                      struct blk **old);

static inline unsigned machine_unplug_disks(struct machine *m, bool keep_first)
{
    struct machine_head *head = (struct machine_head *)m;

    return head && head->unplug_disks ? head->unplug_disks(m, keep_first) : 0;
}

static inline unsigned machine_unplug_nics(struct machine *m)
{
    struct machine_head *head = (struct machine_head *)m;

    return head && head->unplug_nics ? head->unplug_nics(m) : 0;
}

static inline bool machine_blacklisted(struct machine *m, const char *product,
                                       uint32_t build)
{
    struct machine_head *head = (struct machine_head *)m;

    return head && head->blacklisted && head->blacklisted(m, product, build);
}

struct pci_dev;
/* What answers config accesses there; NULL: nothing. */
struct pci_dev *machine_pci_dev(struct machine *, unsigned devfn);
struct display *machine_display(struct machine *); /* NULL: no VGA */
struct input *machine_input(struct machine *);
struct dev *machine_dev(struct machine *, const char *name, unsigned instance);
/* All devices in creation order; NULL past the last. */
struct dev *machine_dev_at(struct machine *, unsigned i);

/*
 * For what saves and restores (src/ctl/savefile.c). The back ends in the
 * configuration are those of now: NULL where a disk was unplugged.
 */
const struct machine_conf *machine_conf(const struct machine *);
struct clock *machine_clock(struct machine *);
/* After the state of all devices was put in: what they share. */
void machine_loaded(struct machine *);

/* Which machines have the device; a row of devices.def. */
enum machine_has {
    MACHINE_HAS,     /* all */
    MACHINE_MAY_HAVE /* some, by their configuration */
};
struct machine_kind {
    const struct dev_ops *ops;
    unsigned most; /* instances */
    enum machine_has has;
    bool late; /* saved state of earlier versions of hvmd lacks it */
};
/* False past the last. */
bool machine_kind(unsigned i, struct machine_kind *);

#endif
