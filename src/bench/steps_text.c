/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inputs as text: the words of qtest where it has some. An address is looked
 * up in the target's windows, and of a value only what a step can hold is
 * kept: what is shown is what is done.
 *
 *   outb|outw|outl PORT VALUE      inb|inw|inl PORT
 *   writeb|w|l|q ADDR VALUE        readb|w|l|q ADDR
 *   cfgoutb|w|l DEVFN*256+REG VALUE        cfginb|w|l DEVFN*256+REG
 *   repout PORT SIZE COUNT [HEX]   repin PORT SIZE COUNT
 *   copyout ADDR SIZE COUNT [HEX]  copyin ADDR SIZE COUNT
 *   write GPA HEX                  clock NANOSECONDS
 *   back NAME [HEX]   life NAME [HEX]   own N A [HEX]
 *   bytes HEX (as they are: what a target takes before the first step)
 */
#include "steps.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEED_MOST 65536u

static const char *const backs[] = {"hold",  "through", "fail",  "release",
                                    "drain", "frame",   "full",  "link",
                                    "rxend", "input",   "accept"};
static const char *const lives[] = {"reset", "busreset", "pause", "resume",
                                    "save",  "damage",   "hole",  "place"};
static const char *const spaces[][2] = {
    [IO_PIO] = {"out", "in"},
    [IO_MMIO] = {"write", "read"},
    [IO_PCI] = {"cfgout", "cfgin"},
};
static const char sizes[] = "bwlq";

struct text {
    const struct steps_map *map;
    struct bytes in;
    uint8_t out[SEED_MOST];
    size_t n;
};

/* Reading */

static void hex(struct bytes *in, size_t n)
{
    if (n > in->left)
        n = in->left;
    if (n)
        putchar(' ');
    for (; n; n--)
        printf("%02x", take8(in));
}

static const struct steps_window *show_window(struct text *t, unsigned a)
{
    return &t->map->win[(a == 15 ? take8(&t->in) : a) % t->map->nwin];
}

static unsigned off_bytes(const struct steps_window *w)
{
    return w->len > 65536 ? 4 : w->len > 256 ? 2 : 1;
}

static uint32_t show_addr(struct text *t, const struct steps_window *w)
{
    return w->base + (uint32_t)take(&t->in, off_bytes(w)) % w->len;
}

static void show_access(struct text *t, unsigned kind, unsigned a)
{
    const struct steps_window *w = show_window(t, a);
    unsigned log = kind & 3;
    uint32_t addr;

    if (log == 3 && w->kind != IO_MMIO)
        log = 2;
    addr = show_addr(t, w);
    printf("%s%c %#x", spaces[w->kind][kind >= STEP_RD1], sizes[log], addr);
    if (kind < STEP_RD1)
        printf(" %#llx", (unsigned long long)take(&t->in, 1u << log));
}

static void show_rep(struct text *t, unsigned a)
{
    const struct steps_window *w = show_window(t, a);
    uint8_t flags = take8(&t->in);
    unsigned size = 1u << (flags & REP_SIZE), n;
    uint32_t addr = show_addr(t, w);

    n = take8(&t->in);
    n = (n ? n : 256) << (flags & REP_EIGHT ? 3 : 0);
    n = n > REP_FEW && !t->map->bulk ? REP_FEW : n;
    size = size > 4 ? 4 : size;
    printf("%s%s %#x %u %u", w->kind == IO_MMIO ? "copy" : "rep",
           flags & REP_WRITE ? "out" : "in", addr, size, n);
    if (flags & REP_WRITE) {
        unsigned data = (flags & REP_DATA) >> 4 << 2;

        hex(&t->in, data < n * size ? data : n * size);
    }
}

static unsigned back_bytes(struct bytes in, unsigned a)
{
    unsigned n = 1;

    if (a == BACK_FAIL)
        return 2;
    if (a == BACK_RX_END || a > BACK_ACCEPT)
        return 0;
    if (a == BACK_FRAME) {
        take(&in, 2);
        return 3 + (take8(&in) & 127);
    }
    if (a == BACK_INPUT)
        n += take8(&in) & 63;
    return n;
}

static unsigned life_bytes(struct bytes in, unsigned a)
{
    return a == LIFE_DAMAGE ? 1 + 3 * (take8(&in) & 3) : a == LIFE_HOLE ? 2 : 0;
}

static const char *name(const char *const *list, size_t n, unsigned a)
{
    return a < n ? list[a] : "nothing";
}

static void show_step(struct text *t)
{
    uint8_t op = take8(&t->in);
    unsigned kind = op & 15, a = op >> 4;

    switch (kind) {
    case STEP_REP:
        show_rep(t, a);
        break;
    case STEP_MEM:
        if (a)
            a = 0x1000 * a + 16u * take8(&t->in);
        else
            a = (uint32_t)take(&t->in, 3);
        printf("write %#x", a);
        hex(&t->in, take8(&t->in));
        break;
    case STEP_TIME:
        printf("clock %llu", (unsigned long long)take8(&t->in)
                                 << 2 * (a > 12 ? 12 : a));
        break;
    case STEP_BACK:
        printf("back %s", name(backs, sizeof(backs) / sizeof(*backs), a));
        hex(&t->in, back_bytes(t->in, a));
        break;
    case STEP_LIFE:
        printf("life %s", name(lives, sizeof(lives) / sizeof(*lives), a));
        hex(&t->in, life_bytes(t->in, a));
        break;
    case STEP_OWN ... 15:
        printf("own %u %u", kind - STEP_OWN, a);
        if (t->map->own_bytes)
            hex(&t->in, t->map->own_bytes(t->in, kind - STEP_OWN, a));
        break;
    default:
        show_access(t, kind, a);
        break;
    }
    putchar('\n');
}

void steps_show(const struct steps_map *map, const uint8_t *data, size_t len)
{
    struct text *t = calloc(1, sizeof(*t));

    MUST(t);
    t->map = map;
    t->in = (struct bytes){data, len};
    if (map->head && len) {
        printf("bytes");
        hex(&t->in, map->head);
        putchar('\n');
    }
    while (t->in.left)
        show_step(t);
    free(t);
}

/* Writing */

static void put(struct text *t, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes && t->n < sizeof(t->out); i++)
        t->out[t->n++] = (uint8_t)(v >> (8 * i));
}

static unsigned put_hex(struct text *t, const char *s)
{
    unsigned n = 0, v;

    for (; s && sscanf(s, "%2x", &v) == 1 && s[0] && s[1]; s += 2, n++)
        put(t, v, 1);
    return n;
}

static const struct steps_window *find(struct text *t, enum io_kind kind,
                                       uint64_t addr, unsigned *n)
{
    for (unsigned i = 0; i < t->map->nwin; i++) {
        const struct steps_window *w = &t->map->win[i];

        if (w->kind == kind && addr - w->base < w->len) {
            *n = i;
            return w;
        }
    }
    return NULL;
}

static void put_op(struct text *t, unsigned kind, unsigned win)
{
    put(t, kind | (win < 15 ? win : 15) << 4, 1);
    if (win >= 15)
        put(t, win, 1);
}

static int make_access(struct text *t, const char *word, char **arg,
                       unsigned args)
{
    size_t len = strlen(word);
    const char *size = len ? strchr(sizes, word[len - 1]) : NULL;

    for (unsigned k = 0; size && k < 6; k++) {
        const char *verb = spaces[k / 2][k & 1];
        unsigned log = (unsigned)(size - sizes), win;
        const struct steps_window *w;
        uint64_t addr;

        if (strlen(verb) != len - 1 || strncmp(verb, word, len - 1))
            continue;
        if (args < 2 - (k & 1))
            return -1;
        addr = strtoull(arg[0], NULL, 0);
        w = find(t, (enum io_kind)(k / 2), addr, &win);
        if (!w)
            return 1; /* not of this target */
        put_op(t, (k & 1 ? STEP_RD1 : STEP_WR1) + log, win);
        put(t, addr - w->base, off_bytes(w));
        if (!(k & 1))
            put(t, strtoull(arg[1], NULL, 0), 1u << log);
        return 0;
    }
    return -1;
}

static int make_rep(struct text *t, const char *word, char **arg, unsigned args)
{
    bool mem = !strncmp(word, "copy", 4), wr = !strcmp(word + 3 + mem, "out");
    unsigned win, size, n, data = 0, flags;
    const struct steps_window *w;
    uint64_t addr;

    if (args < 3)
        return -1;
    addr = strtoull(arg[0], NULL, 0);
    size = (unsigned)strtoul(arg[1], NULL, 0);
    n = (unsigned)strtoul(arg[2], NULL, 0);
    w = find(t, mem ? IO_MMIO : IO_PIO, addr, &win);
    if (!w)
        return 1;
    if (wr && args > 3)
        data = (unsigned)(strlen(arg[3]) / 2);
    if (data > n * size)
        data = n * size;
    data = data / 4 > 15 ? 60 : data & ~3u;
    flags = size == 4 ? 2 : size == 2;
    flags |= (wr ? REP_WRITE : 0) | (n > 256 ? REP_EIGHT : 0) | data << 2;
    put_op(t, STEP_REP, win);
    put(t, flags, 1);
    put(t, addr - w->base, off_bytes(w));
    put(t, n > 256 ? n / 8 : n, 1);
    if (data) {
        arg[3][data * 2] = '\0';
        put_hex(t, arg[3]);
    }
    return 0;
}

static int make_mem(struct text *t, char **arg, unsigned args)
{
    uint32_t gpa, left;
    char *s;

    if (args < 2)
        return -1;
    gpa = (uint32_t)strtoul(arg[0], NULL, 0);
    s = arg[1];
    for (left = (uint32_t)strlen(s) / 2; left;) {
        uint32_t n = left < 240 ? left : 240;
        char keep = s[n * 2];

        if (gpa >= 0x1000 && gpa < 0x10000 && !(gpa & 0xf00f)) {
            put(t, STEP_MEM | gpa >> 12 << 4, 1);
            put(t, gpa >> 4, 1);
        } else {
            put(t, STEP_MEM, 1);
            put(t, gpa, 3);
        }
        put(t, n, 1);
        s[n * 2] = '\0';
        put_hex(t, s);
        s[n * 2] = keep;
        s += n * 2;
        gpa += n;
        left -= n;
    }
    return 0;
}

static int make_named(struct text *t, unsigned kind, const char *const *list,
                      size_t n, char **arg, unsigned args)
{
    for (unsigned a = 0; args && a < n; a++) {
        if (strcmp(list[a], arg[0]))
            continue;
        put(t, kind | a << 4, 1);
        put_hex(t, args > 1 ? arg[1] : NULL);
        return 0;
    }
    return -1;
}

static int make_step(struct text *t, const char *word, char **arg,
                     unsigned args)
{
    if (!strcmp(word, "repout") || !strcmp(word, "repin") ||
        !strcmp(word, "copyout") || !strcmp(word, "copyin"))
        return make_rep(t, word, arg, args);
    if (!strcmp(word, "write"))
        return make_mem(t, arg, args);
    if (!strcmp(word, "clock") && args) {
        uint64_t ns = strtoull(arg[0], NULL, 0);
        unsigned a = 0;

        while (a < 12 && ns > UINT64_C(255) << 2 * a)
            a++;
        put(t, STEP_TIME | a << 4, 1);
        put(t, ns >> 2 * a > 255 ? 255 : ns >> 2 * a, 1);
        return 0;
    }
    if (!strcmp(word, "bytes") && args)
        return put_hex(t, arg[0]) ? 0 : -1;
    if (!strcmp(word, "back"))
        return make_named(t, STEP_BACK, backs, sizeof(backs) / sizeof(*backs),
                          arg, args);
    if (!strcmp(word, "life"))
        return make_named(t, STEP_LIFE, lives, sizeof(lives) / sizeof(*lives),
                          arg, args);
    if (!strcmp(word, "own") && args >= 2) {
        put(t,
            (STEP_OWN + strtoul(arg[0], NULL, 0) % 3) |
                (strtoul(arg[1], NULL, 0) & 15) << 4,
            1);
        put_hex(t, args > 2 ? arg[2] : NULL);
        return 0;
    }
    return make_access(t, word, arg, args);
}

static int finish(struct text *t, const char *folder, const char *seed)
{
    char path[4096];
    ssize_t n = 0;
    int fd;

    if (t->n) {
        snprintf(path, sizeof(path), "%s/%s", folder, seed);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        n = fd < 0 ? -1 : write(fd, t->out, t->n);
        if (fd >= 0)
            close(fd);
        if (n < 0)
            perror(path);
    }
    t->n = 0;
    return n < 0 ? -1 : 0;
}

int steps_make(const struct steps_map *map, const char *text,
               const char *folder)
{
    FILE *f = fopen(text, "re");
    struct text *t = calloc(1, sizeof(*t));
    char *line = NULL, *save, *word, *arg[4], seed[64] = "seed";
    size_t room = 0;
    int rc = f && t ? 0 : -1;

    if (t)
        t->map = map;
    if (!f)
        perror(text);
    for (unsigned no = 1; !rc && getline(&line, &room, f) >= 0; no++) {
        unsigned args = 0;

        word = strtok_r(line, " \n", &save);
        if (!word || word[0] == '#')
            continue;
        while (args < 4 && (arg[args] = strtok_r(NULL, " \n", &save)))
            args++;
        if (!strcmp(word, "seed") && args) {
            rc = finish(t, folder, seed);
            snprintf(seed, sizeof(seed), "%s", arg[0]);
        } else if (make_step(t, word, arg, args) < 0) {
            fprintf(stderr, "%s:%u: no step\n", text, no);
            rc = -1;
        }
    }
    if (!rc)
        rc = finish(t, folder, seed);
    free(line);
    free(t);
    if (f)
        fclose(f);
    return rc;
}
