/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU that always comes in between: a page of shared memory that changes
 * before each single access to it, so that who reads a word twice never has
 * the same. x86: the page is out of reach, the access is made by itself, with
 * the trap flag, and then the page is gone again. Not with a thread sanitizer,
 * whose handlers run later.
 */
#ifndef HVMD_TRAP_FIXTURE_H
#define HVMD_TRAP_FIXTURE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#define TRAP_PAGE 4096u
#define TRAP_FLAG 0x100 /* EFLAGS.TF */

struct trap {
    uint8_t *page;
    void (*change)(void *ctx, uint64_t nth); /* before access nth, from 0 */
    void *ctx;
    uint64_t hits;
    struct sigaction segv, trap; /* as they were */
};

/* A signal's handler has no context. */
static struct trap *trap_on;

static inline void trap_access(int sig, siginfo_t *info, void *context)
{
    ucontext_t *c = context;
    struct trap *t = trap_on;
    uintptr_t at = (uintptr_t)info->si_addr;

    if (!t || at - (uintptr_t)t->page >= TRAP_PAGE) {
        signal(sig, SIG_DFL); /* it comes again */
        return;
    }
    mprotect(t->page, TRAP_PAGE, PROT_READ | PROT_WRITE);
    t->change(t->ctx, t->hits++);
    c->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static inline void trap_done(int sig, siginfo_t *info, void *context)
{
    ucontext_t *c = context;

    c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    if (trap_on)
        mprotect(trap_on->page, TRAP_PAGE, PROT_NONE);
}

/* t->page is to be of mmap(), change and ctx set. */
static inline void trap_start(struct trap *t)
{
    struct sigaction segv = {.sa_sigaction = trap_access,
                             .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sigaction trap = {.sa_sigaction = trap_done, .sa_flags = SA_SIGINFO};

    t->hits = 0;
    trap_on = t;
    sigaction(SIGSEGV, &segv, &t->segv);
    sigaction(SIGTRAP, &trap, &t->trap);
    mprotect(t->page, TRAP_PAGE, PROT_NONE);
}

static inline void trap_stop(struct trap *t)
{
    mprotect(t->page, TRAP_PAGE, PROT_READ | PROT_WRITE);
    trap_on = NULL;
    sigaction(SIGSEGV, &t->segv, NULL);
    sigaction(SIGTRAP, &t->trap, NULL);
}

#endif
