/* scene_raster.c - scan conversion of convex polygons by lines of samples. */
#include "scene_raster.h"

#include <stdlib.h>

const float sample_x[SAMPLES] = {0.375f, 0.875f, 0.125f, 0.625f};

/* Cut the polygon at the near plane; returns the number of corners left. */
static int clip_near(const Camera *c, const Vec3 *in, int n, Vec3 *out) {
    int m = 0;

    for (int i = 0; i < n; i++) {
        Vec3 a = in[i], b = in[(i + 1) % n];
        float da = v_dot(v_sub(a, c->eye), c->forward) - c->near;
        float db = v_dot(v_sub(b, c->eye), c->forward) - c->near;

        if (da >= 0)
            out[m++] = a;
        if ((da >= 0) != (db >= 0))
            out[m++] = v_mix(a, b, da / (da - db));
    }
    return m;
}

bool outlines_make(Outlines *o, const Mesh *mesh, const Camera *camera) {
    size_t used = 0;

    *o = (Outlines){.list = malloc((mesh->n_faces + 1) * sizeof(Outline)),
                    .points = malloc((mesh->n_points + mesh->n_faces + 1) * sizeof(double[2]))};
    if (o->list == NULL || o->points == NULL) {
        outlines_free(o);
        return false;
    }
    for (size_t i = 0; i < mesh->n_faces; i++) {
        const Face *face = &mesh->faces[i];
        Vec3 clipped[2 * FACE_MAX_POINTS];
        const Vec3 *p = &mesh->points[face->first];
        int n = face->n;
        Outline *line = &o->list[o->n];
        double x0 = 1e30, x1 = -1e30;

        if (!camera->parallel) {
            n = clip_near(camera, p, n, clipped);
            p = clipped;
        }
        if (n < 3 || n > face->n + 1 || !camera_key(camera, face, line->key))
            continue;
        *line = (Outline){.face = (uint32_t)i,
                          .n = (uint16_t)n,
                          .first = (uint32_t)used,
                          .y0 = 1e30,
                          .y1 = -1e30,
                          .key = {line->key[0], line->key[1], line->key[2]}};
        for (int k = 0; k < n; k++) {
            double *q = o->points[used + (size_t)k];

            camera_project(camera, p[k], &q[0], &q[1]);
            x0 = fmin(x0, q[0]);
            x1 = fmax(x1, q[0]);
            line->y0 = fmin(line->y0, q[1]);
            line->y1 = fmax(line->y1, q[1]);
        }
        if (x1 <= 0 || x0 >= camera->width || line->y1 <= 0 || line->y0 >= camera->height)
            continue;
        used += (size_t)n;
        o->n++;
    }
    return true;
}

void outlines_free(Outlines *o) {
    free(o->list);
    free(o->points);
    *o = (Outlines){0};
}

bool band_make(Band *band, int width, int rows) {
    size_t samples = (size_t)width * (size_t)rows * SAMPLES;

    *band = (Band){.width = width,
                   .rows = rows,
                   .id = malloc(samples * sizeof(uint32_t)),
                   .key = malloc(samples * sizeof(float))};
    if (band->id != NULL && band->key != NULL)
        return true;
    band_free(band);
    return false;
}

void band_free(Band *band) {
    free(band->id);
    free(band->key);
    band->id = NULL;
    band->key = NULL;
}

/* Find where the line at height y crosses a convex outline; false when it misses it. */
static bool crossing(const double (*p)[2], int n, double y, double *left, double *right) {
    double lo = 1e30, hi = -1e30;

    for (int i = 0, j = n - 1; i < n; j = i++) {
        if ((p[i][1] <= y) == (p[j][1] <= y))
            continue;

        /* Always from the upper to the lower end, so that neighbours share the exact edge. */
        const double *a = p[i][1] < p[j][1] ? p[i] : p[j];
        const double *b = p[i][1] < p[j][1] ? p[j] : p[i];
        double x = a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]);

        lo = fmin(lo, x);
        hi = fmax(hi, x);
    }
    *left = lo;
    *right = hi;
    return lo < hi;
}

/* The first whole number not below x, kept within 0..limit. */
static int first_at(double x, int limit) {
    return x <= 0 ? 0 : x >= limit ? limit : (int)ceil(x);
}

void band_fill(Band *band, int y, const Outlines *o, const Mesh *mesh) {
    size_t total = (size_t)band->width * (size_t)band->rows * SAMPLES;

    band->y = y;
    for (size_t i = 0; i < total; i++) {
        band->id[i] = 0;
        band->key[i] = -1e30f;
    }
    for (size_t k = 0; k < o->n; k++) {
        const Outline *line = &o->list[k];
        uint8_t coverage = mesh->faces[line->face].coverage;
        int from = first_at((line->y0 - y) * SAMPLES - 0.5, band->rows * SAMPLES);
        int to = first_at((line->y1 - y) * SAMPLES - 0.5, band->rows * SAMPLES);

        for (int row = from; row < to; row++) {
            double left, right, at = y + (row + 0.5) / SAMPLES;
            float shift = sample_x[row % SAMPLES];

            if (!(coverage >> row % SAMPLES & 1) ||
                !crossing((const double(*)[2]) & o->points[line->first], line->n, at, &left,
                          &right))
                continue;

            int x0 = first_at(left - shift, band->width), x1 = first_at(right - shift, band->width);
            size_t base = (size_t)row * (size_t)band->width;
            float key = (float)(line->key[0] * (x0 + shift) + line->key[1] * at + line->key[2]);
            float step = (float)line->key[0];

            for (int x = x0; x < x1; x++, key += step) {
                if (key > band->key[base + (size_t)x]) {
                    band->key[base + (size_t)x] = key;
                    band->id[base + (size_t)x] = line->face + 1;
                }
            }
        }
    }
}

void raster_depth(float *map, int size, const double (*points)[2], int n, const double key[3]) {
    double y0 = 1e30, y1 = -1e30;

    for (int i = 0; i < n; i++) {
        y0 = fmin(y0, points[i][1]);
        y1 = fmax(y1, points[i][1]);
    }
    for (int row = first_at(y0 - 0.5, size), end = first_at(y1 - 0.5, size); row < end; row++) {
        double left, right;

        if (!crossing(points, n, row + 0.5, &left, &right))
            continue;

        int x0 = first_at(left - 0.5, size), x1 = first_at(right - 0.5, size);
        float at = (float)(key[0] * (x0 + 0.5) + key[1] * (row + 0.5) + key[2]);
        float *line = map + (size_t)row * (size_t)size;

        for (int x = x0; x < x1; x++, at += (float)key[0])
            line[x] = at > line[x] ? at : line[x];
    }
}
