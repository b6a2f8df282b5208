/* One frame of a video as a picture, for drivers whose models look at pictures only. A program of
 * its own reads the video: a file that the decoder does not survive takes nothing else with it. */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "video_file.h"

enum { VIDEO_MOST = 512 << 20, PIECE = 1 << 20 };

/* Bound what a hostile file may cost: seconds of work and bytes of memory. */
static void bound(void) {
    const struct rlimit seconds = {30, 30}, bytes = {2UL << 30, 2UL << 30}, core = {0, 0};
    setrlimit(RLIMIT_CPU, &seconds);
    setrlimit(RLIMIT_AS, &bytes);
    setrlimit(RLIMIT_CORE, &core);
}

/* Read all of standard input; NULL where it is too much or nothing. */
static unsigned char *read_input(size_t *length) {
    unsigned char *bytes = NULL;
    size_t room = 0;
    ssize_t got = 1;
    *length = 0;
    while (got > 0 && *length <= VIDEO_MOST) {
        if (*length == room) {
            unsigned char *larger = realloc(bytes, room += room ? room : PIECE);
            if (!larger)
                break;
            bytes = larger;
        }
        got = read(STDIN_FILENO, bytes + *length, room - *length);
        *length += got > 0 ? (size_t)got : 0;
    }
    if (got == 0 && *length)
        return bytes;
    free(bytes);
    return NULL;
}

/* Print the middle one. */
bool frame_print(const char **why) {
    unsigned char *video, *png = NULL;
    size_t length, png_length = 0;
    Image frame = {0};
    bound();
    video = read_input(&length);
    *why = "standard input has no video of up to 512 MB";
    bool ok = video != NULL;
    if (ok) {
        *why = "the video cannot be decoded";
        ok = video_frame(video, length, 0.5, &frame) &&
             image_encode_png(&frame, NULL, &png, &png_length);
        image_free(&frame);
    }
    if (ok) {
        *why = "standard output cannot be written";
        ok = fwrite(png, 1, png_length, stdout) == png_length && fflush(stdout) == 0;
    }
    free(png);
    free(video);
    return ok;
}
