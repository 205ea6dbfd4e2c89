/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "std_fds.h"

#include <fcntl.h>
#include <unistd.h>

void std_fds_claim(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}
