/* libpng, which only masks take, loaded late (late.h). */
#ifndef RC_LIBPNG_H
#define RC_LIBPNG_H

#include <png.h>

/* Those of its functions that are called somewhere. */
#define LIBPNG_FUNCTIONS(F)                                                                        \
    F(begin_read_from_memory)                                                                      \
    F(finish_read)                                                                                 \
    F(free)                                                                                        \
    F(write_to_memory)

typedef struct Libpng {
#define F(name) __typeof__(png_image_##name) *name;
    LIBPNG_FUNCTIONS(F)
#undef F
} Libpng;

/* The functions; the first call loads them, and ends the program where there are none. */
const Libpng *libpng(void);

#define png_image_begin_read_from_memory libpng()->begin_read_from_memory
#define png_image_finish_read libpng()->finish_read
#define png_image_free libpng()->free
#define png_image_write_to_memory libpng()->write_to_memory

#endif
