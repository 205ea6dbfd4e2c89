/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keep.h"
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define KEEP_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP_ASAN
#endif
#endif

#ifdef KEEP_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p))
#endif

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);

/* The functions of these names look at the shadow of each byte first. */
#if defined(KEEP_ASAN) && defined(__x86_64__)
static void set0(void *p, size_t n)
{
    __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(0) : "memory");
}

static void copy(void *p, const void *from, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(n) : : "memory");
}
#else
static void set0(void *p, size_t n)
{
    memset(p, 0, n);
}

static void copy(void *p, const void *from, size_t n)
{
    memcpy(p, from, n);
}
#endif

#define KEEP_VAST (1u << 20)

/* malloc() has no context. */
static struct keep *current;

static struct keep_block *find(struct keep *k, const void *live)
{
    for (unsigned i = 0; i < k->n; i++)
        if (k->block[i].live == live)
            return &k->block[i];
    return NULL;
}

static void *taken(void *p, size_t bytes)
{
    struct keep *k = current;

    if (!k || !p)
        return p;
    if (!k->recording) {
        k->more++;
        return p;
    }
    MUST(k->n < KEEP_BLOCKS);
    k->block[k->n++] = (struct keep_block){.live = p, .bytes = bytes};
    return p;
}

void *__wrap_malloc(size_t n)
{
    return taken(__real_malloc(n), n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return taken(__real_calloc(n, size), n * size);
}

void __wrap_free(void *p)
{
    struct keep_block *b = current && p ? find(current, p) : NULL;

    if (b && !current->recording) {
        MUST(!b->gone);
        b->gone = true;
        ASAN_POISON_MEMORY_REGION(b->live, b->bytes);
        return;
    }
    if (b)
        *b = current->block[--current->n];
    else if (current && p)
        current->more--;
    __real_free(p);
}

void keep_current(struct keep *k)
{
    current = k;
}

void keep_record(struct keep *k)
{
    *k = (struct keep){.recording = true};
    current = k;
}

void keep_wet(struct keep *k, const void *live, uint8_t *wet)
{
    struct keep_block *b = find(k, live), *map = find(k, wet);

    if (!b)
        return;
    MUST(map && map->bytes >= (b->bytes + KEEP_PAGE - 1) / KEEP_PAGE);
    memset(wet, 0, map->bytes);
    b->wet = wet;
}

static size_t part(const struct keep_block *b, size_t at)
{
    return b->bytes - at < KEEP_PAGE ? b->bytes - at : KEEP_PAGE;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    static const uint8_t none[KEEP_PAGE];

    return !memcmp(p, none, n);
}

static void image(struct keep_block *b)
{
    size_t pages = (b->bytes + KEEP_PAGE - 1) / KEEP_PAGE, used = 0;
    uint8_t *zero = __real_calloc(1, pages + 1);

    MUST(zero);
    for (size_t i = 0; i < pages; i++) {
        size_t at = i * KEEP_PAGE;

        zero[i] = is_zero(b->live + at, part(b, at));
        used += !zero[i];
    }
    if (!used) {
        __real_free(zero);
        return;
    }
    b->zero = zero;
    b->image = __real_malloc(b->bytes);
    MUST(b->image);
    memcpy(b->image, b->live, b->bytes);
}

void keep_image(struct keep *k)
{
    k->recording = false;
    for (unsigned i = 0; i < k->n; i++)
        image(&k->block[i]);
}

/* What is vast is hardly touched: the kernel knows the pages that are. */
static void zero(uint8_t *p, size_t n)
{
    size_t head = -(uintptr_t)p % KEEP_PAGE, pages = n - n % KEEP_PAGE;

    if (n < KEEP_VAST) {
        set0(p, n);
        return;
    }
    pages -= KEEP_PAGE;
    set0(p, head);
    MUST(!madvise(p + head, pages, MADV_DONTNEED));
    set0(p + head + pages, n - head - pages);
}

static void back(struct keep_block *b)
{
    if (b->gone)
        ASAN_UNPOISON_MEMORY_REGION(b->live, b->bytes);
    b->gone = false;
    if (!b->image && !b->wet) {
        zero(b->live, b->bytes);
        return;
    }
    for (size_t at = 0; at < b->bytes; at += KEEP_PAGE) {
        size_t page = at / KEEP_PAGE;

        if (b->wet && !b->wet[page])
            continue;
        if (!b->image || b->zero[page])
            set0(b->live + at, part(b, at));
        else
            copy(b->live + at, b->image + at, part(b, at));
    }
}

/* The maps of wet pages last: they are among the other blocks. */
void keep_back(struct keep *k)
{
    MUST(!k->more);
    for (unsigned i = 0; i < k->n; i++)
        if (k->block[i].wet)
            back(&k->block[i]);
    for (unsigned i = 0; i < k->n; i++)
        if (!k->block[i].wet)
            back(&k->block[i]);
}

bool keep_same(const struct keep *k)
{
    for (unsigned i = 0; i < k->n; i++) {
        const struct keep_block *b = &k->block[i];

        for (size_t at = 0; at < b->bytes; at += KEEP_PAGE) {
            bool zero = !b->image || b->zero[at / KEEP_PAGE];

            if (zero ? !is_zero(b->live + at, part(b, at))
                     : memcmp(b->live + at, b->image + at, part(b, at)))
                return false;
        }
    }
    return true;
}

bool keep_end(struct keep *k)
{
    bool all = !k->more;

    current = NULL;
    for (unsigned i = 0; i < k->n; i++) {
        struct keep_block *b = &k->block[i];

        all &= b->gone;
        ASAN_UNPOISON_MEMORY_REGION(b->live, b->bytes);
        free(b->live);
        free(b->image);
        free(b->zero);
    }
    k->n = 0;
    return all;
}
