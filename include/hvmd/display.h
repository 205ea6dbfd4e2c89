/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Screen and input. Pixels are XRGB8888, little-endian (bytes B, G, R, x).
 * The sink owns the pixels and lends them to the display for drawing: one
 * copy from video memory to what the viewer's process reads. Nothing here
 * runs unless somebody looks. Loop thread only.
 */
#ifndef HVMD_DISPLAY_H
#define HVMD_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define DISPLAY_MAX_W 2560u /* R3: surfaces are sized by the greatest mode */
#define DISPLAY_MAX_H 1600u

struct rect {
    uint32_t x, y, w, h;
};

struct sink_ops {
    /*
     * The screen now has w x h pixels (1..DISPLAY_MAX_*): returns where to
     * draw and the bytes between rows, NULL if that cannot be had now. Old
     * pixels are void. Called only when the size changed or refresh(all).
     */
    uint8_t *(*resize)(void *ctx, uint32_t w, uint32_t h, uint32_t *stride);
    /* r was drawn; inside the screen, never empty. */
    void (*damage)(void *ctx, struct rect r);
};

struct sink {
    const struct sink_ops *ops;
    void *ctx;
};

struct display_ops {
    /* Somebody looks, or nobody any more (dirty tracking on or off). */
    void (*watch)(void *dev, bool on);
    /*
     * Draws what changed since the last refresh; all: everything, beginning
     * with resize(). At most one screen of work.
     */
    void (*refresh)(void *dev, struct sink *, bool all);
};

struct display {
    const struct display_ops *ops;
    void *dev;
};

/* Mouse buttons */
#define BTN_BIT_LEFT   0x01u
#define BTN_BIT_MIDDLE 0x02u
#define BTN_BIT_RIGHT  0x04u
#define BTN_BIT_SIDE   0x08u
#define BTN_BIT_EXTRA  0x10u

struct input_ops {
    /*
     * code: PC set 1 make code, 0x80 set for the E0 prefixed keys as QEMU's
     * extended key event has them (0x1c Enter, 0x9c keypad Enter); 0xc6
     * Pause, 0xb7 PrintScreen. down repeats are the typematic of the viewer.
     */
    void (*key)(void *dev, uint8_t code, bool down);
    /* Pixels right and down, wheel clicks (up positive), BTN_BIT_*. */
    void (*rel)(void *dev, int32_t dx, int32_t dy, int32_t dz,
                unsigned buttons);
};

struct input {
    const struct input_ops *ops;
    void *dev;
    /* Set by whoever shows lamps: bit 0 Scroll, 1 Num, 2 Caps. May be NULL. */
    void (*leds)(void *ctx, uint8_t leds);
    void *leds_ctx;
};

#endif
