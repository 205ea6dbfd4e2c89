/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main() of the fuzz targets where there is no fuzzing engine: runs inputs
 * from files, folders and text (*.txt, *.lines), and some that a seed makes by
 * chance; shows an input as text and makes inputs of text. The sum of what came
 * out of all of them must be the one in a file (--answers).
 */
#include "steps.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MOST (1u << 20)

/* Of this input, and of all, in whatever order; LLVMFuzzerTestOneInput() has
 * no context. */
static uint64_t answer, answers;

void fuzz_answer(const void *p, size_t n)
{
    const uint8_t *at = p;
    uint64_t word;

    for (; n; n -= word, at += word) {
        uint64_t v = n;

        word = n < sizeof(v) ? n : sizeof(v);
        memcpy(&v, at, word);
        answer = (answer ^ v) * UINT64_C(0x9e3779b97f4a7c15);
        answer ^= answer >> 29;
    }
}

static int usage(void)
{
    fprintf(stderr, "usage: fuzz_TARGET [-v] [-n ROUNDS] [--answers FILE] "
                    "[FILE|FOLDER...]\n"
                    "       fuzz_TARGET --show FILE\n"
                    "       fuzz_TARGET --make TEXT FOLDER\n"
                    "       fuzz_TARGET --windows\n");
    return 2;
}

/* -1: no such file. The bytes stand at the end of what malloc() gave, where a
 * sanitizer sees who reads on. */
static ssize_t slurp(const char *path, uint8_t **out)
{
    static uint8_t buf[INPUT_MOST];
    FILE *f = fopen(path, "rbe");
    size_t n;

    if (!f) {
        perror(path);
        return -1;
    }
    n = fread(buf, 1, sizeof(buf), f);
    if (ferror(f)) {
        perror(path);
        fclose(f);
        return -1;
    }
    fclose(f);
    *out = malloc(n ? n : 1);
    MUST(*out);
    memcpy(*out, buf, n);
    return (ssize_t)n;
}

/* In milliseconds, of all threads: that others work here too adds little. */
static long run_once(const uint8_t *p, size_t n)
{
    struct timespec from, to;

    answer = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    LLVMFuzzerTestOneInput(p, n);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    return (to.tv_sec - from.tv_sec) * 1000 +
           (to.tv_nsec - from.tv_nsec) / 1000000;
}

/* What it adds, two more tries are to tell. */
static int run_file(const char *path, bool verbose)
{
    uint8_t *p;
    ssize_t n = slurp(path, &p);
    long ms = FUZZ_CPU_MS + 1;

    if (n < 0)
        return -1;
    if (verbose)
        fprintf(stderr, "%s ", path);
    for (unsigned i = 0; i < 3 && ms > FUZZ_CPU_MS; i++)
        ms = run_once(p, (size_t)n);
    free(p);
    answers += answer;
    if (verbose)
        fprintf(stderr, "%016" PRIx64 "\n", answer);
    if (ms <= FUZZ_CPU_MS)
        return 0;
    fprintf(stderr, "%s: %ld ms of CPU time, and %d are allowed\n", path, ms,
            FUZZ_CPU_MS);
    return -1;
}

/* How many inputs; -1: not all could be read, or one is slow. */
static int run_path(const char *path, bool verbose)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    char name[4096];
    int n = 0;

    if (!dir)
        return run_file(path, verbose) ? -1 : 1;
    while (n >= 0 && (e = readdir(dir))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        n = run_file(name, verbose) ? -1 : n + 1;
    }
    closedir(dir);
    return n;
}

/* The same of inputs in text, which are made in a folder for that. */
static int run_text(const char *path, bool verbose)
{
    char dir[] = "/tmp/hvmd-fuzz-XXXXXX", name[4096];
    struct dirent *e;
    DIR *d;
    int n;

    if (!mkdtemp(dir)) {
        perror(dir);
        return -1;
    }
    n = fuzz_make(path, dir) ? -1 : run_path(dir, verbose);
    d = opendir(dir);
    while (d && (e = readdir(d))) {
        snprintf(name, sizeof(name), "%s/%s", dir, e->d_name);
        unlink(name);
    }
    if (d)
        closedir(d);
    rmdir(dir);
    return n;
}

static void run_random(unsigned k, bool verbose)
{
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (k + 1);
    size_t n = 64 + seed % 4033;
    uint8_t *buf = malloc(n);

    MUST(buf);
    for (size_t i = 0; i < n; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        buf[i] = (uint8_t)(seed >> 24);
    }
    run_once(buf, n);
    answers += answer;
    if (verbose)
        fprintf(stderr, "by chance, %u %016" PRIx64 "\n", k, answer);
    free(buf);
}

static int keep(const char *path)
{
    FILE *f = fopen(path, "we");

    if (f && fprintf(f, "%016" PRIx64 "\n", answers) > 0 && !fclose(f))
        return 0;
    perror(path);
    return 1;
}

static int compare(const char *path)
{
    uint64_t were;
    FILE *f = fopen(path, "re");
    int n = f ? fscanf(f, "%" SCNx64, &were) : 0;

    if (f)
        fclose(f);
    if (n == 1 && were == answers)
        return 0;
    if (n != 1)
        fprintf(stderr, "%s: there are no answers in it\n", path);
    else
        fprintf(stderr, "These inputs have other answers than before.\n");
    fprintf(stderr, "If that is meant, run this once more with "
                    "FUZZ_ANSWERS=keep; else -v tells the answer of each "
                    "input, here and before the change.\n");
    return 1;
}

static int no_steps(void)
{
    fprintf(stderr, "the inputs of this target are no steps\n");
    return 1;
}

static int show(const char *path)
{
    uint8_t *p;
    ssize_t n = slurp(path, &p);

    if (n < 0)
        return 1;
    if (!&fuzz_map) {
        free(p);
        return no_steps();
    }
    steps_show(&fuzz_map, p, (size_t)n);
    free(p);
    return 0;
}

/* Where a target's accesses are: for tests/fuzz/seeds. */
static int windows(void)
{
    static const char *const space[] = {
        [IO_PIO] = "io", [IO_MMIO] = "mem", [IO_PCI] = "pci"};

    if (!&fuzz_map)
        return no_steps();
    for (unsigned i = 0; i < fuzz_map.nwin; i++)
        printf("%s %#x %#x\n", space[fuzz_map.win[i].kind],
               fuzz_map.win[i].base, fuzz_map.win[i].len);
    return 0;
}

int main(int argc, char **argv)
{
    const char *how = getenv("FUZZ_ANSWERS"), *file = NULL;
    bool verbose = false;
    int done = 0;

    if (argc == 3 && !strcmp(argv[1], "--show"))
        return show(argv[2]);
    if (argc == 2 && !strcmp(argv[1], "--windows"))
        return windows();
    if (argc == 4 && !strcmp(argv[1], "--make"))
        return fuzz_make(argv[2], argv[3]) ? 1 : 0;
    for (int i = 1; i < argc; i++) {
        int n = 0;

        if (!strcmp(argv[i], "-v")) {
            verbose = true;
        } else if (!strcmp(argv[i], "--answers") && i + 1 < argc) {
            file = argv[++i];
        } else if (!strcmp(argv[i], "-n") && i + 1 < argc) {
            n = (int)strtol(argv[++i], NULL, 10);
            for (int k = 0; k < n; k++)
                run_random((unsigned)k, verbose);
        } else if (argv[i][0] == '-') {
            return usage();
        } else if ((n = fuzz_is_text(argv[i])
                            ? run_text(argv[i], verbose)
                            : run_path(argv[i], verbose)) < 1) {
            fprintf(stderr, n ? "%s: a bad input\n" : "%s: no inputs\n",
                    argv[i]);
            return 1;
        }
        done += n;
    }
    printf("%d inputs\n", done);
    if (done && file)
        return how && !strcmp(how, "keep") ? keep(file) : compare(file);
    return done ? 0 : usage();
}
