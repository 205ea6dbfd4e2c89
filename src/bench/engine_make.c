/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With a fuzzing engine, whose main() it is: makes inputs of text first, or
 * tells whether they are steps. */
#include "steps.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char **word = *argv;

    if (*argc == 4 && &fuzz_map && !strcmp(word[1], "--make"))
        exit(steps_make(&fuzz_map, word[2], word[3]) ? 1 : 0);
    if (*argc == 2 && !strcmp(word[1], "--steps"))
        exit(&fuzz_map ? 0 : 1);
    return 0;
}
