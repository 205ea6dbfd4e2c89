/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device state as data. A device keeps all that the guest can observe in one
 * plain struct of fixed-width members without pointers, embedded beside its
 * wires, and lists every byte of it in one table. The table serves save,
 * restore, dump and random-state tests. Values above max are refused, so that
 * restored state is as trustworthy as what registers can reach (rule R14).
 *
 * A field added later gets the next version as its since, and the version of
 * the table grows: encoded state of an earlier version is taken still, with
 * absent in the fields that it lacks.
 */
#ifndef HVMD_STATE_H
#define HVMD_STATE_H

#include <hvmd/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field {
    const char *name; /* NULL ends the table */
    uint32_t off;     /* in the state struct */
    uint8_t width;    /* bytes of an element: 1, 2, 4, 8 */
    uint8_t since;    /* version that introduced it */
    uint32_t count;   /* elements */
    uint64_t max;     /* greatest value taken */
    uint64_t absent;  /* its value when the encoded form is older than it */
    /* Only the first elements are encoded, as many as another field before it
     * says; the rest is 0. live_width 0: all are. */
    uint32_t live_off;
    uint8_t live_width;
};

#define FIELD_ALL(width) (UINT64_MAX >> (64 - 8 * (width)))
#define FIELD_MAX(type, member, ver, most)                                     \
    {                                                                          \
        .name = #member, .off = (uint32_t)offsetof(type, member),              \
        .width = _Generic(((type *)0)->member, uint8_t : 1, uint16_t : 2,      \
                          uint32_t : 4, uint64_t : 8, int16_t : 2,             \
                          int32_t : 4, bool : 1),                              \
        .since = (ver), .count = 1, .max = (most)                              \
    }
#define FIELD(type, member, ver)                                               \
    FIELD_MAX(type, member, ver, FIELD_ALL(sizeof(((type *)0)->member)))
#define FIELD_BOOL(type, member, ver) FIELD_MAX(type, member, ver, 1)
/* A one-dimensional array. */
#define FIELD_ARRAY_MAX(type, member, ver, most)                               \
    {                                                                          \
        .name = #member, .off = (uint32_t)offsetof(type, member),              \
        .width = sizeof(((type *)0)->member[0]), .since = (ver),               \
        .count = sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]), \
        .max = (most)                                                          \
    }
#define FIELD_ARRAY(type, member, ver)                                         \
    FIELD_ARRAY_MAX(type, member, ver,                                         \
                    FIELD_ALL(sizeof(((type *)0)->member[0])))
/* The same, of which the member fill counts the elements that are in use. */
#define FIELD_LIVE(type, member, fill, ver)                                    \
    {                                                                          \
        .name = #member, .off = (uint32_t)offsetof(type, member),              \
        .width = sizeof(((type *)0)->member[0]), .since = (ver),               \
        .count = sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]), \
        .max = FIELD_ALL(sizeof(((type *)0)->member[0])),                      \
        .live_off = (uint32_t)offsetof(type, fill),                            \
        .live_width = sizeof(((type *)0)->fill)                                \
    }
#define FIELD_END                                                              \
    {                                                                          \
        .name = NULL                                                           \
    }

struct state_desc {
    const char *name; /* tag in the stream, at most 15 characters */
    uint8_t version;
    uint32_t off;  /* of the state struct in the device struct */
    uint32_t size; /* of the state struct */
    const struct field *fields;
    /* What one field alone cannot say (i < n); NULL: nothing. */
    int (*check)(const void *state, struct err *);
    /* Before it is saved, paused and idle: makes the state small in a way that
     * the guest cannot tell; NULL: it is small. */
    void (*settle)(void *dev);
    /* Derives wires, timers and pointers after new state was put in. */
    void (*loaded)(void *dev);
};

/* Most bytes of the encoded form: fields in table order, little-endian. */
size_t state_bytes(const struct state_desc *);
/* Returns the bytes written: as many as that, or fewer by what is not live. */
size_t state_save(const struct state_desc *, const void *dev, uint8_t *out);
/*
 * Into a state struct that belongs to no device (desc->size bytes, aligned as
 * malloc() does). -EINVAL names the field; *state is anything then.
 */
int state_decode(const struct state_desc *, unsigned version, const uint8_t *in,
                 size_t len, void *state, struct err *);
/* Gives a decoded struct to the device and calls loaded. */
void state_put(const struct state_desc *, void *dev, const void *state);
/* Both, of this version; changes nothing when it fails. */
int state_load(const struct state_desc *, void *dev, const uint8_t *in,
               size_t len, struct err *);
/* Of a field in a state struct: elements in use, and element i. */
uint32_t state_live(const struct field *, const void *state);
uint64_t state_get(const struct field *, const void *state, uint32_t i);
/*
 * True when every byte of the state struct is in exactly one field, and the
 * table holds what is said here of since, absent and live elements.
 */
bool state_covers(const struct state_desc *);

#endif
