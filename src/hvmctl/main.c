/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvmctl: looks at the hvmds of this host and asks them for little things, by
 * their control sockets. It needs nothing of Xen.
 * Exit status: 0; 1 when it failed, with one sentence on stderr; 2 when the
 * command line is wrong.
 */
#include "../sys/std_fds.h"
#include "cmds.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_FAILED 1
#define STATUS_USAGE  2

enum operand { NO_DOMAIN, DOMAIN, DOMAIN_FILE };

static const struct command {
    const char *name;
    enum operand operand;
    const char *options; /* letters of getopt that it takes */
    int (*run)(const struct args *, struct err *);
} commands[] = {
    {"list", NO_DOMAIN, "", cmd_list},
    {"status", DOMAIN, "", cmd_status},
    {"stats", DOMAIN, "j", cmd_stats},
    {"unplug", DOMAIN, "i", cmd_unplug},
    {"screenshot", DOMAIN_FILE, "", cmd_screenshot},
    {"metrics", NO_DOMAIN, "", cmd_metrics},
    {"top", NO_DOMAIN, "nd", cmd_top},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct option longs[] = {
    {"dir", required_argument, NULL, 'D'},
    {"json", no_argument, NULL, 'j'},
    {"ignore-next", required_argument, NULL, 'i'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0}};

static void help(void)
{
    printf("usage: hvmctl [--dir FOLDER] COMMAND\n"
           "\n"
           "  list                       all hvmds of this host\n"
           "  top [-n N] [-d SECONDS]    the same, live; q quits\n"
           "  metrics                    the same for Prometheus\n"
           "  status DOMAIN              one of them in short\n"
           "  stats DOMAIN [--json]      its counters, by device and kind\n"
           "  unplug DOMAIN              what PV drivers unplugged, and when\n"
           "      [--ignore-next on|off] the rescue switch: ignore the next "
           "unplug\n"
           "  screenshot DOMAIN [FILE]   its screen as PNG; - for stdout\n"
           "\n"
           "DOMAIN is a number or a name. Control sockets are looked for in\n"
           "%s, or in FOLDER.\n"
           "Also: --help, --version. See hvmctl(8).\n",
           HVMD_CONTROL_DIR);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int take_number(struct args *a, int letter, const char *arg,
                       struct err *e)
{
    unsigned long n;
    char *end;

    if (letter == 'n') {
        n = strtoul(arg, &end, 10);
        a->rounds = (unsigned)n;
        if (*end || end == arg || arg[0] == '-' || n < 1 || n > 1000000000)
            return err_set(e, -EINVAL,
                           "-n is '%.60s' and must be a number from 1 on", arg);
        return 0;
    }
    a->delay_s = strtod(arg, &end);
    if (*end || end == arg || !(a->delay_s >= 0.1) || a->delay_s > 3600)
        return err_set(e, -EINVAL,
                       "-d is '%.60s' and must be 0.1 to 3600 seconds", arg);
    return 0;
}

static int take_option(struct args *a, int letter, const char *arg,
                       struct err *e)
{
    switch (letter) {
    case 'D':
        a->dir = arg;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case 'i':
        a->ignore = strcmp(arg, "on") == 0;
        if (!a->ignore && strcmp(arg, "off") != 0)
            return err_set(e, -EINVAL,
                           "--ignore-next is '%.60s' and must be on or off",
                           arg);
        return 0;
    case 'n':
    case 'd':
        return take_number(a, letter, arg, e);
    case 'h':
    case 'v':
        a->info = letter;
        return 0;
    default:
        if (arg[0] == '-' && arg[1] == '-')
            return err_set(e, -EINVAL,
                           "'%.60s' is no option, or lacks its value", arg);
        return err_set(e, -EINVAL, "'-%c' is no option, or lacks its value",
                       optopt > 0x20 && optopt < 0x7f ? optopt : '?');
    }
}

static int operands(struct args *a, const struct command *c, int n,
                    char **operand, struct err *e)
{
    int most = c->operand == NO_DOMAIN ? 0 : c->operand == DOMAIN ? 1 : 2;

    if (n > most)
        return err_set(e, -EINVAL, "'%.60s' is too much", operand[most]);
    if (n == 0 && most > 0)
        return err_set(e, -EINVAL, "%s needs a DOMAIN, a number or a name",
                       c->name);
    if (n > 0)
        a->domain = operand[0];
    if (n > 1)
        a->file = operand[1];
    return 0;
}

/* *c is NULL when only help or the version is wanted. */
static int parse(struct args *a, const struct command **c, int argc,
                 char **argv, struct err *e)
{
    char given[16] = ""; /* options, but those that all commands take */
    int letter, rc = 0;
    size_t n = 0;

    *c = NULL;
    opterr = 0; /* the sentence is ours */
    while (!rc && !a->info &&
           (letter = getopt_long(argc, argv, "hn:d:", longs, NULL)) != -1) {
        rc = take_option(a, letter, letter == '?' ? argv[optind - 1] : optarg,
                         e);
        if (letter != 'D' && n < sizeof(given) - 1)
            given[n++] = (char)letter;
    }
    if (rc || a->info)
        return rc;
    if (optind == argc)
        return err_set(e, -EINVAL, "a command is missing");
    *c = find(argv[optind]);
    if (!*c)
        return err_set(e, -EINVAL, "there is no command '%.60s'", argv[optind]);
    if (given[strspn(given, (*c)->options)])
        return err_set(e, -EINVAL, "%s does not take one of the options given",
                       (*c)->name);
    return operands(a, *c, argc - optind - 1, argv + optind + 1, e);
}

static int run(const struct command *c, const struct args *a, struct err *e)
{
    int rc = c ? c->run(a, e) : 0;

    if (a->info == 'h')
        help();
    else if (a->info)
        printf("hvmctl %s\n", HVMD_VERSION);
    if (fflush(stdout) || ferror(stdout)) {
        if (!rc && errno != EPIPE)
            err_set(e, -EIO, "cannot write: %s", strerror(errno));
        rc = -EIO;
    }
    if (rc && e->text[0])
        fprintf(stderr, "hvmctl: %s\n", e->text);
    return rc ? STATUS_FAILED : 0;
}

int main(int argc, char **argv)
{
    struct args a = {.dir = HVMD_CONTROL_DIR, .ignore = -1, .delay_s = 1};
    struct err e = {.text = ""};
    const struct command *c;

    std_fds_claim();
    signal(SIGPIPE, SIG_IGN);
    if (parse(&a, &c, argc, argv, &e)) {
        fprintf(stderr, "hvmctl: %s; see hvmctl --help\n", e.text);
        return STATUS_USAGE;
    }
    return run(c, &a, &e);
}
