/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules and breakpoints of an image, as people write them for blkdebug. */
#include "image.h"
#include "keyval.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum image_event event;
} events[] = {
    {"none", IMAGE_EV_NONE},
    {"read_aio", IMAGE_EV_READ},
    {"write_aio", IMAGE_EV_WRITE},
    {"flush_to_os", IMAGE_EV_FLUSH_OS},
    {"flush_to_disk", IMAGE_EV_FLUSH_DISK},
    {"cor_write", IMAGE_EV_OTHER},
    {"pwritev", IMAGE_EV_OTHER},
    {"pwritev_zero", IMAGE_EV_OTHER},
    {"pwritev_done", IMAGE_EV_OTHER},
};

static const struct {
    const char *name;
    unsigned ops;
} iotypes[] = {
    {"read", 1u << BLK_READ},   {"write", 1u << BLK_WRITE},
    {"flush", 1u << BLK_FLUSH}, {"discard", 1u << BLK_DISCARD},
    {"write-zeroes", 0},        {"block-status", 0},
};

static int find_event(const char *name, enum image_event *ev, struct err *e)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (strcmp(events[i].name, name))
            continue;
        *ev = events[i].event;
        return 0;
    }
    return err_set(e, -EINVAL, "blkdebug: there is no event '%.60s' here",
                   name);
}

int image_rule_begin(struct image *im, bool set_state, struct err *e)
{
    if (im->nrules == IMAGE_RULES)
        return err_set(e, -E2BIG, "blkdebug: more than %u rules", IMAGE_RULES);
    im->rule[im->nrules++] = (struct image_rule){
        .set_state = set_state,
        .ops = ~0u,
        .err = EIO,
    };
    return 0;
}

static bool flag(const char *val)
{
    return !strcmp(val, "on") || !strcmp(val, "true") || !strcmp(val, "yes") ||
           !strcmp(val, "1");
}

int image_rule_key(struct image *im, const char *key, const char *val,
                   struct err *e)
{
    struct image_rule *r = &im->rule[im->nrules - 1];
    uint64_t n = 0;

    if (!strcmp(key, "event"))
        return find_event(val, &r->event, e);
    if (!strcmp(key, "iotype")) {
        for (size_t i = 0; i < sizeof(iotypes) / sizeof(iotypes[0]); i++) {
            if (strcmp(iotypes[i].name, val))
                continue;
            r->ops = iotypes[i].ops;
            return 0;
        }
        return err_set(e, -EINVAL, "blkdebug: there is no iotype '%.60s'", val);
    }
    if (!strcmp(key, "once")) {
        r->once = flag(val);
        return 0;
    }
    if (!strcmp(key, "immediately"))
        return 0;
    if (!keyval_number(val, &n))
        return err_set(e, -EINVAL,
                       "blkdebug: %.40s is '%.60s' and must be a "
                       "number",
                       key, val);
    if (!strcmp(key, "errno"))
        r->err = (int)(n & 0xffff);
    else if (!strcmp(key, "state"))
        r->state = (unsigned)n;
    else if (!strcmp(key, "new_state") || !strcmp(key, "new-state"))
        r->new_state = (unsigned)n;
    else if (!strcmp(key, "delay-ns") || !strcmp(key, "delay_ns"))
        r->delay_ns = n;
    else if (strcmp(key, "sector")) /* of all sectors then */
        return err_set(e, -EINVAL, "blkdebug: '%.60s' is not known here", key);
    return 0;
}

static char *trim(char *s)
{
    size_t len;

    s += strspn(s, " \t\"");
    len = strlen(s);
    while (len && strchr(" \t\r\n\"", s[len - 1]))
        s[--len] = 0;
    return s;
}

static int rule_line(struct image *im, char *line, struct err *e)
{
    char *eq;

    line = trim(line);
    if (!*line || *line == '#')
        return 0;
    if (!strcmp(line, "[inject-error]"))
        return image_rule_begin(im, false, e);
    if (!strcmp(line, "[set-state]"))
        return image_rule_begin(im, true, e);
    eq = strchr(line, '=');
    if (!eq || !im->nrules)
        return err_set(e, -EINVAL, "blkdebug: '%.60s' is no rule", line);
    *eq = 0;
    return image_rule_key(im, trim(line), trim(eq + 1), e);
}

int image_rules_file(struct image *im, const char *path, struct err *e)
{
    FILE *f = fopen(path, "re");
    char line[512];
    int rc = 0;

    if (!f)
        return err_set(e, -errno, "cannot open %.200s: %s", path,
                       strerror(errno));
    while (!rc && fgets(line, sizeof(line), f))
        rc = rule_line(im, line, e);
    fclose(f);
    return rc;
}

int image_break(struct image *im, const char *event, const char *tag,
                struct err *e)
{
    int rc = find_event(event, &im->break_at, e);

    if (!rc)
        snprintf(im->tag, sizeof(im->tag), "%s", tag);
    return rc;
}
