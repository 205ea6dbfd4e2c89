/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc_fixture.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

/* The linker sends every allocation of the program through these. */
#define WRAP(type, name, params, args)                                         \
    type __real_##name params;                                                 \
    type __wrap_##name params;                                                 \
    type __wrap_##name params                                                  \
    {                                                                          \
        seen += armed;                                                         \
        return __real_##name args;                                             \
    }

/* Of the test program, not of a machine. */
static bool armed;
static unsigned seen;

void alloc_count(bool on)
{
    armed = on;
    if (on)
        seen = 0;
}

unsigned alloc_seen(void)
{
    return seen;
}

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(void *, aligned_alloc, (size_t al, size_t n), (al, n))
WRAP(int, posix_memalign, (void **p, size_t al, size_t n), (p, al, n))
WRAP(char *, strdup, (const char *s), (s))
WRAP(char *, strndup, (const char *s, size_t n), (s, n))
WRAP(void *, mmap, (void *a, size_t n, int prot, int fl, int fd, off_t at),
     (a, n, prot, fl, fd, at))
