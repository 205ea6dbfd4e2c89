/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What steps.c has in files of their own. */
#ifndef HVMD_STEPS_PARTS_H
#define HVMD_STEPS_PARTS_H

#include "steps.h"

void steps_chr_begin(struct steps *);
/* One step. a: enum step_back; its bytes are taken from the input. */
void steps_backend(struct steps *, unsigned a);
/* Pauses, and waits until no request is left. */
void steps_quiesce(struct steps *);
/* One step. changes: bytes of the saved form that the input changes. */
void steps_save(struct steps *, unsigned changes);

#endif
