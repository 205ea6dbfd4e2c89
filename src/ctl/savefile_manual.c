/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * savefile_manual PAGE: whether hvmd-save.5 lists the fields of all devices as
 * they are. Without an argument: prints that list, for the page.
 */
#include "savefile_impl.h"

#include <stdlib.h>
#include <string.h>

/* The member of the table that counts the live elements of f. */
static const char *live_name(const struct state_desc *s, const struct field *of)
{
    for (const struct field *f = s->fields; f->name; f++)
        if (f->off == of->live_off)
            return f->name;
    return "?";
}

static void list(FILE *out, const struct state_desc *s)
{
    fprintf(out, ".It Li %s , No version %u\n", s->name, s->version);
    for (const struct field *f = s->fields; f->name; f++) {
        fputs(f->name, out);
        if (f->live_width)
            fprintf(out, "[%s]", live_name(s, f));
        else if (f->count > 1)
            fprintf(out, "[%u]", f->count);
        fprintf(out, ":%u", f->width);
        if (f->max < FIELD_ALL(f->width))
            fprintf(out, "<=%llu", (unsigned long long)f->max);
        if (f->since > 1)
            fprintf(out, "@%u=%llu", f->since, (unsigned long long)f->absent);
        fputs(f[1].name ? ",\n" : "\n", out);
    }
}

static void list_all(FILE *out)
{
    struct machine_kind k;

    list(out, &savefile_machine_desc);
    for (unsigned i = 0; machine_kind(i, &k); i++)
        if (k.ops->state)
            list(out, k.ops->state);
}

int main(int argc, char **argv)
{
    static char page[256 << 10];
    FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
    char *want = NULL;
    size_t len;
    FILE *out;
    int rc;

    if (argc == 1) {
        list_all(stdout);
        return 0;
    }
    out = open_memstream(&want, &len);
    if (!f || !out)
        return 2;
    page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
    fclose(f);
    list_all(out);
    fclose(out);
    rc = strstr(page, want) ? 0 : 1;
    if (rc)
        fprintf(stderr,
                "%s does not list the fields as they are; %s prints "
                "them\n",
                argv[1], argv[0]);
    free(want);
    return rc;
}
