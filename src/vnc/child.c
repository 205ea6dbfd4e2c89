/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child.h"

#include "proto.h"

#include <errno.h>
#include <fcntl.h>
#include <hvmd/timer.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FD_FLOOR    10 /* ours are above those the child's start fills */
#define STACK_BYTES 32768

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2)
#endif

/* Lifts fd (consumed) out of the way of the numbers the child uses. */
static int lift(int fd)
{
    int up = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FD_FLOOR);
    int rc = up < 0 ? -errno : up;

    if (fd >= 0)
        close(fd);
    return rc;
}

static int try_open(const char *path)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
        close(fd);
        return -EACCES;
    }
    return lift(fd);
}

int child_open(struct err *e)
{
    static const char *const beside[] = {"hvmd-vnc", "vnc/hvmd-vnc"};
    char self[4096], path[4200];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int fd;

    if (n > 0) {
        self[n] = '\0';
        *(strrchr(self, '/') + 1) = '\0';
        for (unsigned i = 0; i < 2; i++) {
            snprintf(path, sizeof(path), "%s%s", self, beside[i]);
            if ((fd = try_open(path)) >= 0)
                return fd;
        }
    }
    fd = try_open(HVMD_VNC_PATH);
    if (fd >= 0)
        return fd;
    return err_set(e, fd,
                   "-vnc: the program hvmd-vnc is neither beside hvmd nor at "
                   "%s; install it or set vnc=0",
                   HVMD_VNC_PATH);
}

struct start {
    int exec_fd, null_fd, ctl;
    char *argv[3];
    pid_t parent;
    int error; /* written by the child: the memory is shared */
};

/*
 * Runs on its own stack in hvmd's memory while hvmd waits: only system calls.
 * Signals are blocked until the new program has its own handlers.
 */
static int child_main(void *arg)
{
    struct start *s = arg;
    char *envp[] = {NULL};
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != s->parent)
        _exit(1);
    if (dup2(s->null_fd, 0) < 0 || dup2(s->null_fd, 1) < 0 ||
        dup2(s->ctl, VNC_CTL_FD) < 0) {
        s->error = errno;
        _exit(1);
    }
    /* Belt and braces: everything of ours is close-on-exec already. */
    syscall(SYS_close_range, VNC_CTL_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &dfl, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    syscall(SYS_execveat, s->exec_fd, "", s->argv, envp, AT_EMPTY_PATH);
    s->error = errno;
    _exit(127);
}

int child_start(struct child *c, int exec_fd, int null_fd, const char *name)
{
    struct start s = {.exec_fd = exec_fd,
                      .null_fd = null_fd,
                      .argv = {(char *)"hvmd-vnc", (char *)name, NULL},
                      .parent = getpid()};
    sigset_t all, old;
    int sv[2], rc;
    char *stack = malloc(STACK_BYTES);

    if (!stack)
        return -ENOMEM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) {
        rc = -errno;
        free(stack);
        return rc;
    }
    s.ctl = lift(sv[1]);
    if (s.ctl < 0) {
        rc = s.ctl;
        goto out;
    }
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    c->pid =
        clone(child_main, stack + STACK_BYTES,
              CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &s, &c->pidfd);
    rc = c->pid < 0 ? -errno : 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(s.ctl);
    if (!rc && s.error) { /* it has ended without becoming hvmd-vnc */
        siginfo_t info;

        waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED);
        close(c->pidfd);
        rc = -s.error;
    }
out:
    free(stack);
    if (rc)
        close(sv[0]);
    else
        c->ctl = sv[0];
    return rc;
}

uint64_t child_cpu_ns(const struct child *c)
{
    struct timespec t;
    clockid_t id;

    if (clock_getcpuclockid(c->pid, &id) || clock_gettime(id, &t))
        return 0;
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void child_signal(struct child *c)
{
    syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
}

void child_kill(struct child *c)
{
    siginfo_t info;

    if (c->ctl >= 0)
        close(c->ctl);
    child_signal(c);
    while (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED) && errno == EINTR)
        ;
    close(c->pidfd);
}
