/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a fuzzing engine, whose main() it is, does not do itself: it makes
 * inputs of text, tells how long most of them are to be (0: they are no
 * steps), and ends an input that takes too much of the CPU where it is then.
 * Engines go by the wall clock, which on a busy machine tells little.
 */
#include "steps.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define TICK_MS 100

void fuzz_answer(const void *p, size_t n)
{
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int __real_LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Of CPU time, since the input began; 0: there is none. Signals and the
 * engine's calls have no context. */
static volatile sig_atomic_t ticks;

/* The first tick may come at once: one more than the limit has. */
static void on_tick(int sig)
{
    static const char text[] = "hvmd: this input takes too much CPU time\n";

    if (!ticks || ticks++ <= FUZZ_CPU_MS / TICK_MS)
        return;
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(1);
    abort();
}

int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int rc;

    ticks = 1;
    rc = __real_LLVMFuzzerTestOneInput(data, len);
    ticks = 0;
    return rc;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct itimerval tick = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};
    struct sigaction act = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    char **word = *argv;

    if (*argc == 4 && !strcmp(word[1], "--make"))
        exit(fuzz_make(word[2], word[3]) ? 1 : 0);
    if (*argc == 2 && !strcmp(word[1], "--usual")) {
        unsigned usual =
            &fuzz_map && fuzz_map.usual ? fuzz_map.usual : STEPS_USUAL;

        printf("%u\n", &fuzz_map ? usual : 0);
        exit(0);
    }
    sigaction(SIGPROF, &act, NULL);
    setitimer(ITIMER_PROF, &tick, NULL);
    return 0;
}
