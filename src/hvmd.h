/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of one running hvmd, for the files of this folder. */
#ifndef HVMD_HVMD_H
#define HVMD_HVMD_H

#include "bios/rom.h"
#include "ctl/argv.h"
#include "ctl/ctl_sock.h"
#include "ctl/qmp.h"
#include "ctl/savefile.h"
#include "ctl/xenstore.h"
#include "ioreq/xen.h"
#include "sys/signals.h"
#include "trace/rec.h"
#include "vnc/console.h"

#include <hvmd/loop.h>
#include <hvmd/machine.h>

struct trad;

/* A CD drive as media.c keeps it. */
struct media {
    struct hvmd *hvmd;
    char *file;         /* name of the medium, to be shown */
    struct timer timer; /* the guest was asked to give it up */
    uint64_t token;     /* who waits for that; 0: nobody */
};

/* Keys that are held down for a while, sendkey.c. */
struct sendkey {
    struct timer timer;
    uint8_t code[16];
    unsigned n;
};

struct hvmd {
    struct hvmd_conf conf;
    struct log log;
    struct loop *loop;
    struct clock vm_clock;
    struct signals signals;
    struct xenstore *xenstore; /* during start-up */
    struct xs_blacklist blacklist;
    struct trad *trad; /* the command line of qemu-dm; else NULL */
    struct xen *xen;
    struct pool *pool;
    struct timer step_aside;        /* after an unplug, from the loop */
    unsigned gone_disks, gone_nics; /* bits: unplugged, not yet closed */
    struct blk *disk[MACHINE_DISKS];
    struct media media[MACHINE_DISKS];
    struct sendkey sendkey;
    struct xs_link *cpu_link; /* NULL: none */
    unsigned cpu_asked;       /* of which vCPU; max_vcpus or more: none */
    bool cpu_again;
    char uuid[40];
    struct chr *serial[MACHINE_SERIALS];
    struct chr *parallel;
    struct chr *channel[ARGV_CHARDEVS];
    struct net *net[MACHINE_NICS];
    struct rom vga_rom;
    struct rom nic_rom[MACHINE_NICS]; /* data NULL: another card's, or none */
    struct machine_conf machine_conf;
    struct savefile *state; /* during start-up: to go on from; else NULL */
    struct rec *rec;        /* -record; else NULL */
    struct machine *machine;
    struct console *console;
    struct qmp_ctx qmp_ctx;
    struct qmp *qmp[ARGV_MONS];
    struct ctl_sock *ctl_sock; /* NULL: off, or it could not be made */
    int smaps_fd;
    enum qmp_status status;
    enum qmp_status paused_from; /* what cont goes back to */
    uint64_t stop_ns;            /* how long the last stop took */
    bool arrived;                /* restored, and has not run here yet */
};

/* backends.c: opens what the command line names and fills machine_conf. */
int hvmd_open_backends(struct hvmd *, struct err *);
/* NULL with the sentence in err; names the file and what to do. */
struct blk *hvmd_open_image(struct hvmd *, unsigned unit, struct err *);
/* What would be written must be none of the guest's images. */
int hvmd_spare_images(const struct hvmd_conf *, const char *option,
                      const char *file, struct err *);
void hvmd_close_backends(struct hvmd *);

/* control.c: the QMP servers and what their commands do. */
int hvmd_open_control(struct hvmd *, struct err *);
void hvmd_close_control(struct hvmd *);
/* The guest asked for something (struct machine_host). */
void hvmd_guest_event(void *hvmd, enum machine_event);

/* stats.c: hvmd's figures and the unplug journal (struct qmp_ops). */
void hvmd_stats(void *hvmd, struct ctl_stats *);
int hvmd_unplug_journal(void *hvmd, struct ctl_unplug *, struct err *);
int hvmd_ignore_unplug(void *hvmd, bool on, struct err *);

/* trad.c: what qemu-dm takes from xenstore and does when told there. */
int hvmd_trad_config(struct hvmd *, struct err *); /* before back ends open */
int hvmd_trad_start(struct hvmd *, struct err *);  /* all else is there */
int hvmd_trad_tell(struct hvmd *, struct err *);   /* all but "running" */
void hvmd_trad_end(struct hvmd *);

/* save.c: the devices' state to a file (struct qmp_ops), and from one. */
int hvmd_stop(void *hvmd, struct err *);
int hvmd_cont(void *hvmd, struct err *);
int hvmd_save(void *hvmd, int fd, struct err *);
int hvmd_dirty_log(void *hvmd, bool on, struct err *);
/* Switches learn where the guest's cards are now. */
void hvmd_announce(struct hvmd *);
/* At start-up, all of them without effect unless -incoming was given. */
int hvmd_read_state(struct hvmd *, struct err *);
int hvmd_adopt_vram(struct hvmd *, struct err *); /* before the machine */
void hvmd_vram_missing(struct hvmd *, struct err *);
int hvmd_apply_state(struct hvmd *, struct err *); /* to the machine */
void hvmd_drop_state(struct hvmd *);

/* media.c: drives and the media of CD drives (struct qmp_ops). */
int hvmd_media_init(struct hvmd *, struct err *);
void hvmd_media_end(struct hvmd *);
bool hvmd_drive(void *hvmd, unsigned n, struct qmp_drive *);
int hvmd_eject(void *hvmd, const char *drive, bool force, uint64_t token,
               struct err *);
int hvmd_change_medium(void *hvmd, const char *drive, int fd, const char *name,
                       bool force, struct err *);
void hvmd_tray_moved(void *hvmd, unsigned unit, bool open);

/* pci_info.c (struct qmp_ops) */
bool hvmd_pci(void *hvmd, unsigned devfn, struct qmp_pci *);

/* vcpus.c: virtual CPUs that come and go (struct qmp_ops). */
void hvmd_vcpus_init(struct hvmd *);
void hvmd_vcpus_end(struct hvmd *);
bool hvmd_cpu_online(void *hvmd, unsigned cpu);
int hvmd_set_vcpu(void *hvmd, unsigned cpu, bool online, struct err *);

/* sendkey.c (struct qmp_ops) */
void hvmd_sendkey_init(struct hvmd *);
void hvmd_sendkey_end(struct hvmd *);
void hvmd_release_keys(struct hvmd *);
int hvmd_send_keys(void *hvmd, const uint8_t *code, unsigned n,
                   unsigned hold_ms, struct err *);

/* viewers.c: who looks by VNC (struct qmp_ops, struct console_conf). */
void hvmd_vnc_info(void *hvmd, struct qmp_vnc *);
void hvmd_viewer_event(void *hvmd, enum console_event,
                       const struct console_peer *);

/* aside.c: what is given back when PV drivers take over (machine_host). */
void hvmd_aside_init(struct hvmd *);
void hvmd_aside_end(struct hvmd *);
/* The guest runs (again): what went while it was paused is given back now. */
void hvmd_aside_now(struct hvmd *);
void hvmd_disk_gone(void *hvmd, unsigned unit);
void hvmd_nic_gone(void *hvmd, unsigned nic);
bool hvmd_blacklisted(void *hvmd, const char *product, uint32_t build);

#endif
