/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of both ports share: a byte stream under their control. */
#ifndef UART_TEST_H
#define UART_TEST_H

#include "../../bench/bench.h"
#include "regs.h"

#include <hvmd/chardev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0x3f8
#define LPT  0x378

struct rig {
    struct bench *b;
    struct dev *uart, *lpt;
    struct chr chr, lpt_chr;
    uint8_t out[4096], lpt_out[4096]; /* what was written */
    size_t out_len, lpt_len;
    size_t accept, lpt_accept; /* how much more is taken */
    size_t room;               /* as told last */
    unsigned room_calls;
    struct chr_line line;
    unsigned line_calls;
};

int rig_setup(void **state);
int rig_teardown(void **state);
int parport_run(void);

#endif
