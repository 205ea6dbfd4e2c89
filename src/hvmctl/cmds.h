/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of hvmctl. Each prints on stdout and returns 0, or -errno with
 * a sentence in err.
 */
#ifndef HVMCTL_CMDS_H
#define HVMCTL_CMDS_H

#include <hvmd/err.h>
#include <stdbool.h>

struct args {
    const char *dir;
    const char *domain; /* NULL: the command takes none */
    const char *file;   /* of screenshot; NULL: named after the domain */
    bool json;
    int ignore;      /* of unplug: 1 on, 0 off, -1 not given */
    unsigned rounds; /* of top; 0: until q */
    double delay_s;
    int info; /* h help, v version instead of a command; 0: neither */
};

int cmd_list(const struct args *, struct err *);
int cmd_status(const struct args *, struct err *);
int cmd_stats(const struct args *, struct err *);
int cmd_unplug(const struct args *, struct err *);
int cmd_screenshot(const struct args *, struct err *);
int cmd_metrics(const struct args *, struct err *);
int cmd_top(const struct args *, struct err *);

#endif
