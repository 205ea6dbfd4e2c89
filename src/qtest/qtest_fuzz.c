/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the qtest protocol to a machine of their own. The first byte says
 * which, and in what pieces the rest comes: each line has one answer then.
 */
#include "../bench/fuzz.h"
#include "args.h"
#include "wire.h"

#include <string.h>

static const char *const sets[][10] = {
    {"-device", "VGA,vgamem_mb=1", "-hda", "null-co://", "-cdrom", "null-co://",
     "-device", "rtl8139"},
    {"-nodefaults", "-device", "rtl8139", "-drive",
     "file=null-co://,if=none,id=d", "-device", "ide-cd,drive=d,bus=ide.1"},
    {"-nodefaults", "-M", "xenfv", "-hda", "null-co://", "-device", "rtl8139"},
    {"-nodefaults", "-blockdev",
     "blkdebug,node-name=n,image.driver=null-co,inject-error.0.event=none,"
     "inject-error.0.iotype=read,inject-error.0.once=on",
     "-device", "ide-hd,drive=n"},
};

static struct board *make(struct args *a, unsigned set)
{
    const char *argv[16] = {"fuzz", "-m", "1M"};
    struct err e = {""};
    struct board *b;
    int n = 3;

    for (unsigned i = 0; i < 10 && sets[set][i]; i++)
        argv[n++] = sets[set][i];
    MUST(!args_parse(a, n, (char **)argv, NULL, &e));
    b = board_new(&a->board, &e);
    memset(a->board.image, 0, sizeof(a->board.image));
    MUST(b);
    b->fires_most = 1000;
    return b;
}

static void feed(struct wire *w, const uint8_t *p, size_t len, size_t piece)
{
    size_t room;

    while (len) {
        size_t n = len < piece ? len : piece;
        char *to = wire_room(w, n + 1, &room);

        MUST(to && room > n);
        memcpy(to, p, n);
        wire_took(w, n);
        p += n;
        len -= n;
    }
    wire_end(w);
}

/* Lines that are not empty. */
static unsigned asked(const uint8_t *p, size_t len)
{
    unsigned n = 0;

    while (len) {
        const uint8_t *end = memchr(p, '\n', len);
        size_t line = end ? (size_t)(end - p) : len, left = line;

        while (left && (p[left - 1] == '\r' || p[left - 1] == ' '))
            left--;
        n += left != 0;
        p += line + !!end;
        len -= line + !!end;
    }
    return n;
}

static unsigned answered(const char *p, size_t len)
{
    const char *end = len ? p + len : p, *eol;
    unsigned n = 0;

    for (; p < end; p = eol + 1) {
        eol = memchr(p, '\n', (size_t)(end - p));
        MUST(eol);
        if (!strncmp(p, "IRQ ", 4))
            continue;
        MUST(!strncmp(p, "OK", 2) || !strncmp(p, "FAIL ", 5));
        n++;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    unsigned how = len ? data[0] : 0;
    struct board *b;
    struct args a;
    struct wire w;

    if (!len)
        return 0;
    b = make(&a, how & 3);
    wire_init(&w, b);
    w.span_most = 8192;
    feed(&w, data + 1, len - 1, how & 4 ? 1 + (how >> 3) : len);
    MUST(!w.in_len && asked(data + 1, len - 1) == answered(w.out, w.out_len));
    MUST(!machine_idle(b->m) || !b->bench->pins);
    wire_free(&w);
    board_free(b);
    args_free(&a);
    return 0;
}
