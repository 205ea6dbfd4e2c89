/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of a recording: two buffers, one of which a worker writes. */
#ifndef HVMD_REC_FILE_H
#define HVMD_REC_FILE_H

#include "trace.h"

#include <hvmd/log.h>

struct rec_file;

struct rec_file *rec_file_new(const char *path, struct pool *, struct log *,
                              uint64_t cap_bytes, struct err *);
void rec_file_set_cap(struct rec_file *, uint64_t bytes);
void rec_file_head(struct rec_file *, const struct machine_conf *);
/* A READ's bytes come from iov, t->len of them. False: recording has ended. */
bool rec_file_put(struct rec_file *, const struct trace_rec *,
                  const struct iovec *, unsigned niov);
/* False: it has ended. */
bool rec_file_open(const struct rec_file *);
void rec_file_close(struct rec_file *);

#endif
