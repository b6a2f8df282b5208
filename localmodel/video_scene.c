#include "video_scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drawing.h"
#include "text.h"
#include "video_file.h"

/* What part of a picture a frame shows: its middle and how many times it is enlarged. */
typedef struct View {
    double x, y, zoom;
} View;

/* Where the camera is at the ends of a move; the first view of a given frame is all of it. */
static const View whole = {0.5, 0.5, 1}, near = {0.54, 0.47, 1.22};

/* Find an image by its role. */
static const RequestImage *find(const Request *request, ImageRole role) {
    for (size_t i = 0; i < request->image_count; i++)
        if (request->images[i].role == role)
            return &request->images[i];
    return NULL;
}

/* Scale a view's part of a picture, cropped to the frame's shape, into a frame; with a weight over
 * what the frame has.  Columns are worked out once, in 1/256 of a pixel.  Of a picture that is one
 * pixel wide or high the next pixel is the same one. */
static void show(const Image *picture, View view, double weight, Image *frame) {
    double shape = (double)frame->width / frame->height;
    double own = (double)picture->width / picture->height;
    double wide = (own > shape ? picture->height * shape : picture->width) / view.zoom;
    double high = wide / shape;
    double left = view.x * picture->width - wide / 2, top = view.y * picture->height - high / 2;
    left = fmax(0, fmin(left, picture->width - wide));
    top = fmax(0, fmin(top, picture->height - high));
    int *columns = mem_new((size_t)frame->width, sizeof *columns);
    int amount = (int)(weight * 256 + 0.5);
    size_t next = picture->width > 1 ? 3 : 0;
    size_t below = picture->height > 1 ? (size_t)picture->width * 3 : 0;
    for (int x = 0; x < frame->width; x++) {
        double at = left + (x + 0.5) * wide / frame->width - 0.5;
        columns[x] = (int)(fmax(0, fmin(at, picture->width - 1.004)) * 256);
    }
    uint8_t *to = frame->rgb;
    for (int y = 0; y < frame->height; y++) {
        double at = top + (y + 0.5) * high / frame->height - 0.5;
        int row = (int)(fmax(0, fmin(at, picture->height - 1.004)) * 256), v = row & 255;
        const uint8_t *upper = picture->rgb + (size_t)(row >> 8) * (size_t)picture->width * 3;
        const uint8_t *lower = upper + below;
        for (int x = 0; x < frame->width; x++) {
            size_t offset = (size_t)(columns[x] >> 8) * 3;
            int u = columns[x] & 255;
            for (int c = 0; c < 3; c++, to++) {
                int a =
                    upper[offset + (size_t)c] * (256 - u) + upper[offset + next + (size_t)c] * u;
                int b =
                    lower[offset + (size_t)c] * (256 - u) + lower[offset + next + (size_t)c] * u;
                int value = (a * (256 - v) + b * v) >> 16;
                *to = (uint8_t)((*to * (256 - amount) + value * amount) >> 8);
            }
        }
    }
    free(columns);
}

/* A view between two, with a soft start and end. */
static View between(View from, View to, double place) {
    double s = place * place * (3 - 2 * place);
    return (View){from.x + (to.x - from.x) * s, from.y + (to.y - from.y) * s,
                  from.zoom * pow(to.zoom / from.zoom, s)};
}

/* One frame: from the first picture, moving, to the last one where there is one. */
static void draw_frame(const Image *first, const Image *last, double place, Image *frame) {
    show(first, between(whole, near, last ? place * 0.8 : place), 1, frame);
    if (last)
        show(last, between(near, whole, 0.2 + 0.8 * place), place < 1 ? place * place : 1, frame);
}

/* Decode a given frame, or draw the scene. */
static bool first_picture(const Request *request, int width, int height, Image *image) {
    const RequestImage *given = find(request, ROLE_FIRST_FRAME);
    const char *why;
    Plan plan;
    unsigned char *png;
    size_t length;
    if (given)
        return image_load(given->bytes, given->length, 2 * width, image, &why);
    plan_make(request, &plan);
    if (!drawing_png(&plan, width, height, &png, &length))
        return false;
    bool ok = image_load(png, length, 2 * (width > height ? width : height), image, &why);
    free(png);
    return ok;
}

/* Encode all frames. */
static bool encode(const Image *first, const Image *last, int width, int height, int seconds,
                   unsigned char **mp4, size_t *length) {
    Image frame = {.width = width, .height = height};
    VideoWriter *writer = video_begin(width, height);
    int count = seconds * VIDEO_FPS;
    bool ok = writer != NULL;
    frame.rgb = mem_new((size_t)width * (size_t)height, 3);
    for (int i = 0; ok && i < count; i++) {
        draw_frame(first, last, (double)i / (count - 1), &frame);
        ok = video_add(writer, &frame);
    }
    image_free(&frame);
    return writer && video_end(writer, mp4, length) && ok;
}

bool video_for_request(const Request *request, int width, int height, int seconds,
                       unsigned char **mp4, size_t *length) {
    const RequestImage *given = find(request, ROLE_LAST_FRAME);
    Image first, last = {0};
    const char *why;
    if (!first_picture(request, width, height, &first))
        return false;
    bool ok = !given || image_load(given->bytes, given->length, 2 * width, &last, &why);
    ok = ok && encode(&first, given ? &last : NULL, width, height, seconds, mp4, length);
    image_free(&first);
    image_free(&last);
    return ok;
}
