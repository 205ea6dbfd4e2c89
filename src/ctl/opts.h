/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the option parser: the tables made from options.def and what the
 * handlers share. The start-up thread only; one error ends the parse.
 */
#ifndef HVMD_OPTS_H
#define HVMD_OPTS_H

#include "argv.h"

enum opt_class {
    TAKEN,   /* does what it says */
    IGNORED, /* accepted without effect; help holds the reason */
    REFUSED, /* known, not served; help holds the sentence */
};

enum sub_kind {
    TEXT, /* may hold commas: ends at the next ",key=" that is known */
    WORD,
    FLAG, /* on|off, or alone for on */
    NUM,  /* decimal, min..max */
    SIZE, /* the same with an optional K, M, G or T (powers of 1024) */
    ENUM, /* values, separated by | */
};

struct parse;
struct subs;

struct opt_desc {
    const char *name;
    const char *arg; /* NULL: takes none */
    enum opt_class class;
    bool once;           /* a second one is an error */
    const char *implied; /* the key a first bare word stands for */
    int (*take)(struct parse *, const char *arg);
    const char *help;
    bool trad; /* of qemu-dm's command line only */
};

/* A sub-option of group: an option's name, or "device DRIVER". */
struct sub_desc {
    const char *group, *key;
    enum sub_kind kind;
    enum opt_class class;
    uint64_t min, max;  /* NUM, SIZE; TEXT, WORD: greatest length in max */
    const char *values; /* ENUM; TEXT: "" when it may be empty */
    const char *help;
};

struct dev_desc {
    const char *driver; /* a * at the end stands for any rest */
    enum opt_class class;
    int (*take)(struct parse *, const char *driver, const struct subs *);
    const char *help;
};

extern const struct opt_desc opt_table[]; /* ends with name NULL */
extern const struct sub_desc sub_table[]; /* ends with group NULL */
extern const struct dev_desc dev_table[]; /* ends with driver NULL */

#define SUBS_MAX 24

/* Parsed sub-options. */
struct subs {
    const char *group;
    struct {
        const struct sub_desc *desc;
        const char *str; /* as given */
        uint64_t num;    /* NUM, SIZE; FLAG: 0 or 1 */
    } v[SUBS_MAX];
    unsigned n;
};

#define PARSE_IDE_DEVS 8

struct parse {
    struct hvmd_conf *c;
    struct err *e;
    bool machine, domid;
    struct {
        bool std_vga, no_vga, vnc_unused, has_avail;
        uint32_t videoram_mib; /* 0: not given */
        unsigned avail;        /* vCPUs online */
    } trad;
    /* -device ide-hd and ide-cd, bound to drives at the end. */
    struct ide_dev {
        bool cdrom;
        int bus, unit; /* -1: the first free */
        const char *drive, *id, *serial;
    } ide_dev[PARSE_IDE_DEVS];
    unsigned nide_devs;
};

/* One sentence, escaped, into p->e; returns -EINVAL or the code given. */
int opt_bad(struct parse *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int opt_fail(struct parse *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A copy that lives as long as the conf; NULL: err is set. */
char *opt_strdup(struct parse *, const char *);
void opt_note(struct parse *, const char *text);
/* Decimal digits only. false: not a number, or out of range. */
bool opt_number(const char *, uint64_t min, uint64_t max, uint64_t *);
bool opt_size(const char *, uint64_t min, uint64_t max, uint64_t *);
/* A copy of arg, at most max bytes, to *where; option: for what is wrong. */
int opt_keep(struct parse *, const char **where, const char *option,
             const char *arg, size_t max);
int opt_take_domid(struct parse *, const char *option, const char *arg);

/* Splits text by the rules of group. implied may be NULL. */
int subs_parse(struct parse *, const char *group, const char *implied,
               const char *text, struct subs *);
/* NULL or def when the key was not given. */
const char *subs_str(const struct subs *, const char *key);
uint64_t subs_num(const struct subs *, const char *key, uint64_t def);

#define OPT_HANDLER(fn) int fn(struct parse *p, const char *arg)
OPT_HANDLER(opt_help);
OPT_HANDLER(opt_version);
OPT_HANDLER(opt_check_state);
OPT_HANDLER(opt_record);
OPT_HANDLER(opt_xen_domid);
OPT_HANDLER(opt_name);
OPT_HANDLER(opt_chardev);
OPT_HANDLER(opt_mon);
OPT_HANDLER(opt_control);
OPT_HANDLER(opt_vnc);
OPT_HANDLER(opt_display);
OPT_HANDLER(opt_keymap);
OPT_HANDLER(opt_serial);
OPT_HANDLER(opt_parallel);
OPT_HANDLER(opt_vga);
OPT_HANDLER(opt_boot);
OPT_HANDLER(opt_usb);
OPT_HANDLER(opt_usbdevice);
OPT_HANDLER(opt_no_acpi);
OPT_HANDLER(opt_ignore_unplug);
OPT_HANDLER(opt_smp);
OPT_HANDLER(opt_global);
OPT_HANDLER(opt_machine);
OPT_HANDLER(opt_m);
OPT_HANDLER(opt_prelaunch);
OPT_HANDLER(opt_incoming);
OPT_HANDLER(opt_drive);
OPT_HANDLER(opt_device);
OPT_HANDLER(opt_netdev);
OPT_HANDLER(opt_net);
OPT_HANDLER(opt_d);
OPT_HANDLER(opt_domain_name);
OPT_HANDLER(opt_vncunused);
OPT_HANDLER(opt_videoram);
OPT_HANDLER(opt_std_vga);
OPT_HANDLER(opt_acpi);
OPT_HANDLER(opt_vcpus);
OPT_HANDLER(opt_vcpu_avail);
OPT_HANDLER(opt_loadvm);

#define DEV_HANDLER(fn)                                                        \
    int fn(struct parse *p, const char *driver, const struct subs *s)
DEV_HANDLER(dev_vga);
DEV_HANDLER(dev_ide);
DEV_HANDLER(dev_nic);

int opt_set_vga(struct parse *, enum vga_kind, uint64_t mib);

/* Binds what options named by id, once all are read. */
int opt_resolve(struct parse *);
/* trad_argv.c: -net of qemu-dm's command line; what it leaves unsaid. */
int trad_net(struct parse *, const char *arg);
int trad_resolve(struct parse *);

#endif
