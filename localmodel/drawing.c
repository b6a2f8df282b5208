#include "drawing.h"

#include <stdlib.h>
#include <string.h>

#include "building_text.h"
#include "image_load.h"
#include "text.h"

/* Copy a drawn surface into an image. */
static Image image_from_surface(cairo_surface_t *surface) {
    Image image = {.width = cairo_image_surface_get_width(surface),
                   .height = cairo_image_surface_get_height(surface)};
    int stride = cairo_image_surface_get_stride(surface);
    const unsigned char *data = cairo_image_surface_get_data(surface);
    image.rgb = mem_new((size_t)image.width * (size_t)image.height, 3);
    uint8_t *to = image.rgb;
    for (int y = 0; y < image.height; y++) {
        for (int x = 0; x < image.width; x++, to += 3) {
            uint32_t pixel;
            memcpy(&pixel, data + (size_t)y * (size_t)stride + (size_t)x * 4, sizeof pixel);
            to[0] = (uint8_t)(pixel >> 16);
            to[1] = (uint8_t)(pixel >> 8);
            to[2] = (uint8_t)pixel;
        }
    }
    return image;
}

/* The pixel of an image at a place between 0 and 1, between its neighbours. */
static void sample(const Image *image, double fx, double fy, double rgb[3]) {
    double x = fx * image->width - 0.5, y = fy * image->height - 0.5;
    x = x < 0 ? 0 : x > image->width - 1 ? image->width - 1 : x;
    y = y < 0 ? 0 : y > image->height - 1 ? image->height - 1 : y;
    int x0 = (int)x, y0 = (int)y;
    int x1 = x0 + (x0 + 1 < image->width), y1 = y0 + (y0 + 1 < image->height);
    double u = x - x0, v = y - y0;
    for (int c = 0; c < 3; c++) {
        const uint8_t *p = image->rgb + c;
        double top = p[((size_t)y0 * (size_t)image->width + (size_t)x0) * 3] * (1 - u) +
                     p[((size_t)y0 * (size_t)image->width + (size_t)x1) * 3] * u;
        double low = p[((size_t)y1 * (size_t)image->width + (size_t)x0) * 3] * (1 - u) +
                     p[((size_t)y1 * (size_t)image->width + (size_t)x1) * 3] * u;
        rgb[c] = top * (1 - v) + low * v;
    }
}

/* Enlarge to a size that the scene cannot be drawn at. */
static Image enlarge(const Image *image, int width, int height) {
    Image large = {.width = width, .height = height};
    large.rgb = mem_new((size_t)width * (size_t)height, 3);
    uint8_t *to = large.rgb;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++, to += 3) {
            double rgb[3];
            sample(image, (x + 0.5) / width, (y + 0.5) / height, rgb);
            for (int c = 0; c < 3; c++)
                to[c] = (uint8_t)(rgb[c] + 0.5);
        }
    }
    return large;
}

/* Draw a plan into pixels of exactly the size. */
static bool draw(const Plan *plan, int width, int height, Image *image) {
    SceneSpec spec;
    int longer = width > height ? width : height;
    int reduction = 1;
    while (longer / reduction > SCENE_MAX_SIDE)
        reduction *= 2;
    plan_scene(plan, width / reduction, height / reduction, &spec);
    cairo_surface_t *surface = scene_draw(&spec);
    if (!surface)
        return false;
    *image = image_from_surface(surface);
    cairo_surface_destroy(surface);
    if (image->width != width || image->height != height) {
        Image large = enlarge(image, width, height);
        image_free(image);
        *image = large;
    }
    return true;
}

/* Encode with what the picture says of itself. */
static bool encode(const Plan *plan, const Image *image, bool noted, unsigned char **png,
                   size_t *length) {
    Text note = {0};
    if (noted)
        building_note(&plan->facts, &note);
    bool ok = image_encode_png(image, noted ? text_string(&note) : NULL, png, length);
    text_free(&note);
    return ok;
}

bool drawing_png(const Plan *plan, int width, int height, unsigned char **png, size_t *length) {
    Image image;
    if (!draw(plan, width, height, &image))
        return false;
    bool ok = encode(plan, &image, true, png, length);
    image_free(&image);
    return ok;
}

static const RequestImage *find_image(const Request *request, ImageRole role) {
    for (size_t i = 0; i < request->image_count; i++)
        if (request->images[i].role == role)
            return &request->images[i];
    return NULL;
}

/* Where the reference lies in the picture: it is cropped to fill it. */
static void cover(const Image *base, const Image *image, double x, double y, double *fx,
                  double *fy) {
    double wide = (double)image->width / image->height, own = (double)base->width / base->height;
    *fx = own > wide ? 0.5 + (x - 0.5) * wide / own : x;
    *fy = own > wide ? y : 0.5 + (y - 0.5) * own / wide;
}

/* Put the reference back wherever the mask is not white. */
static void keep_unmasked(Image *image, const Image *base, const Image *mask) {
    uint8_t *to = image->rgb;
    for (int y = 0; y < image->height; y++) {
        for (int x = 0; x < image->width; x++, to += 3) {
            double fx, fy, old[3], white[3];
            cover(base, image, (x + 0.5) / image->width, (y + 0.5) / image->height, &fx, &fy);
            sample(base, fx, fy, old);
            sample(mask, fx, fy, white);
            double edit = (white[0] + white[1] + white[2]) / (3 * 255);
            for (int c = 0; c < 3; c++)
                to[c] = (uint8_t)(to[c] * edit + old[c] * (1 - edit) + 0.5);
        }
    }
}

/* Apply mask and reference to a drawing.  False where either cannot be decoded. */
static bool apply_mask(const RequestImage *reference, const RequestImage *mask, Image *image) {
    Image base, white;
    const char *why;
    if (!image_load(reference->bytes, reference->length, SCENE_MAX_SIDE, &base, &why))
        return false;
    bool ok = image_load(mask->bytes, mask->length, SCENE_MAX_SIDE, &white, &why);
    if (ok)
        keep_unmasked(image, &base, &white);
    image_free(&white);
    image_free(&base);
    return ok;
}

bool drawing_for_request(const Request *request, const Plan *plan, unsigned char **png,
                         size_t *length) {
    const RequestImage *mask = find_image(request, ROLE_MASK);
    const RequestImage *reference = find_image(request, ROLE_REFERENCE);
    Image image;
    int width, height;
    plan_size(request->aspect_ratio, request->image_size, &width, &height);
    if (!draw(plan, width, height, &image))
        return false;
    bool masked = mask && reference && apply_mask(reference, mask, &image);
    bool ok = encode(plan, &image, !masked, png, length);
    image_free(&image);
    return ok;
}
