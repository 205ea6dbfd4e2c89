/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inputs as lines of text, for targets that take no steps: docs/FUZZING.md. */
#include "steps.h"

#include <stdio.h>
#include <string.h>

static int digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* Over itself; its bytes, or -1: "\n", "\\" and "\xHH" are all there is. */
static ssize_t unescape(char *s)
{
    char *out = s;

    for (const char *p = s; *p; p++) {
        if (*p != '\\') {
            *out++ = *p;
        } else if (p[1] == 'n' || p[1] == '\\') {
            *out++ = p[1] == 'n' ? '\n' : '\\';
            p++;
        } else if (p[1] == 'x' && digit(p[2]) >= 0 && digit(p[3]) >= 0) {
            *out++ = (char)(digit(p[2]) << 4 | digit(p[3]));
            p += 3;
        } else {
            return -1;
        }
    }
    return out - s;
}

static int write_line(const char *folder, unsigned no, const char *s, size_t n)
{
    char path[4096];
    FILE *f;
    int rc;

    snprintf(path, sizeof(path), "%s/line-%u", folder, no);
    f = fopen(path, "we");
    rc = f && fwrite(s, 1, n, f) == n ? 0 : -1;
    if (f && fclose(f))
        rc = -1;
    if (rc)
        perror(path);
    return rc;
}

static int make_lines(const char *text, const char *folder)
{
    FILE *f = fopen(text, "re");
    char *line = NULL;
    size_t room = 0;
    int rc = f ? 0 : -1;

    if (!f)
        perror(text);
    for (unsigned no = 1; !rc && getline(&line, &room, f) >= 0; no++) {
        ssize_t n;

        line[strcspn(line, "\n")] = '\0';
        if (!line[0] || line[0] == '#')
            continue;
        n = unescape(line);
        if (n < 0)
            fprintf(stderr, "%s:%u: no such escape\n", text, no);
        rc = n < 0 ? -1 : write_line(folder, no, line, (size_t)n);
    }
    free(line);
    if (f)
        fclose(f);
    return rc;
}

static bool ends(const char *path, const char *with)
{
    size_t n = strlen(path), w = strlen(with);

    return n > w && !strcmp(path + n - w, with);
}

bool fuzz_is_text(const char *path)
{
    return ends(path, ".lines") || (&fuzz_map && ends(path, ".txt"));
}

int fuzz_make(const char *text, const char *folder)
{
    if (ends(text, ".lines"))
        return make_lines(text, folder);
    if (&fuzz_map)
        return steps_make(&fuzz_map, text, folder);
    fprintf(stderr, "the inputs of this target are no steps\n");
    return -1;
}
