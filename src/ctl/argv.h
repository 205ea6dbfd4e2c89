/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line, as libxl writes it for a device model of the qemu-xen kind
 * (tools/libs/light/libxl_dm.c), made into one checked struct. Every option
 * comes from one table (options.def), which also prints --help and is compared
 * with hvmd.8 by a test. Nothing is opened here. An option that is unknown or
 * not served is an error: nothing is skipped in silence.
 *
 * Sizes carry their unit in the name. Strings belong to the struct and live
 * until argv_free(). Errors: -EINVAL, -ENOTSUP (known but not served) or
 * -ENOMEM with one sentence in err.
 */
#ifndef HVMD_ARGV_H
#define HVMD_ARGV_H

#include <hvmd/err.h>
#include <hvmd/machine.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ARGV_CHARDEVS 24
#define ARGV_MONS     4
#define ARGV_DRIVES   12
#define ARGV_NOTES    16

enum argv_action {
    ARGV_RUN,         /* serve a domain */
    ARGV_PROBE,       /* -machine none: answer QMP, touch no domain */
    ARGV_HELP,        /* print argv_help(), exit 0 */
    ARGV_VERSION,     /* print the version, exit 0 */
    ARGV_CHECK_STATE, /* savefile_check() of check_state, exit 0 or 1 */
};

struct argv_chardev {
    const char *id;
    const char *opts; /* the whole argument, for chr_open_opts() */
    bool socket;      /* else pty */
    bool mon;         /* a -mon uses it: QMP, not a byte stream */
    const char *path; /* socket; NULL: fd */
    int fd;           /* listening socket we were given; -1: none */
};

struct argv_vnc {
    bool on;
    const char *text; /* the whole argument */
    const char *host; /* "" is every address; NULL: unix */
    const char *path; /* unix socket; NULL: TCP */
    unsigned display; /* TCP port 5900 + display */
    unsigned to;      /* of to=, else display: the search's last display */
    bool has_to;      /* then display..to are tried */
    bool password;    /* none works until QMP has set one */
};

struct argv_nic {
    const char *id;      /* may be NULL */
    const char *romfile; /* NULL: the usual one; "": none */
    uint8_t revision;    /* 0: the usual one */
    uint8_t mac[6];
    bool has_mac;
    const char *netdev_id; /* NULL: no back end */
    int netdev;            /* index into netdev[], -1: none */
};

struct argv_netdev {
    const char *id;
    const char *ifname, *bridge; /* tap; bridge may be NULL, for libxl's use */
    bool stream;                 /* else a tap */
    bool server;                 /* listens, else connects */
    unsigned reconnect_s;        /* 0: never again */
    bool join;                   /* trad: hvmd puts the tap into its bridge */
    bool of_net;                 /* trad: said by -net, as "net" and its vlan */
    const char *path;            /* unix socket; NULL: host and port */
    const char *host, *port;     /* both literal */
    bool used;
};

struct argv_drive {
    const char *id, *file; /* either may be NULL; no file: empty CD drive */
    bool ide;              /* if=ide; else a -device takes it */
    bool cdrom, read_only, discard;
    unsigned index;
    bool used;
};

/* A unit of the two IDE channels: 0 primary master .. 3 secondary slave. */
struct argv_ide {
    bool present, cdrom, read_only, discard;
    const char *file;   /* NULL: empty CD-ROM drive */
    const char *id;     /* QMP's name, "ide-5632"; may be NULL */
    const char *serial; /* may be NULL */
};

struct hvmd_conf {
    const char *record;      /* the file; NULL: none */
    const char *check_state; /* ARGV_CHECK_STATE: the file */
    enum argv_action action;
    bool trad; /* the command line of qemu-dm: disks and more by xenstore */
    unsigned domid;
    const char *name; /* NULL: none given */
    struct argv_chardev chardev[ARGV_CHARDEVS];
    unsigned nchardevs;
    unsigned mon[ARGV_MONS]; /* indices into chardev[], in argv order */
    unsigned nmons;
    const char *control; /* folder or "none"; NULL: the built-in one */
    struct argv_vnc vnc;
    const char *keymap;                  /* "en-us" unless given */
    const char *serial[MACHINE_SERIALS]; /* for chr_open(), verbatim */
    unsigned nserials;
    const char *parallel;
    enum vga_kind vga;
    uint32_t vgamem_mib; /* power of two */
    char boot_order[5];
    bool acpi;
    bool ignore_unplug; /* the rescue switch is on for the first boot */
    unsigned vcpus, max_vcpus;
    struct argv_nic nic[MACHINE_NICS];
    struct argv_nic nic_default; /* of -global: romfile, revision */
    unsigned nnics;
    struct argv_netdev netdev[MACHINE_NICS];
    unsigned nnetdevs;
    struct argv_drive drive[ARGV_DRIVES];
    unsigned ndrives;
    struct argv_ide ide[MACHINE_DISKS];
    bool xen_platform;               /* -machine xenfv */
    uint64_t ram_mib;                /* guest RAM, without video memory; trad:
                                        0 when xenstore has it */
    uint64_t max_ram_below_4g_bytes; /* 0: the default */
    bool prelaunch;                  /* -S: wait for cont */
    const char *loadvm;              /* trad: saved state; NULL: a new guest */
    int incoming_fd;                 /* a saved state; 0: none */
    /* What was accepted and has no effect: one log line each. */
    const char *note[ARGV_NOTES];
    unsigned nnotes;
    struct argv_string *strings; /* private */
};

/* argv[0] is the program. On an error the struct is empty again. */
int argv_parse(struct hvmd_conf *, int argc, char **argv, struct err *);
void argv_free(struct hvmd_conf *);
/* A copy that lives until argv_free(); NULL: no memory. */
char *argv_keep(struct hvmd_conf *, const char *);
void argv_help(FILE *);

#endif
