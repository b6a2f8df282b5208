/*
 * draw_wall.c - walls with holes.
 *
 * A wall is cut into upright strips at every corner of its top and of its openings; within a strip
 * all edges are straight, so what is left of the wall are plain quadrilaterals.  That serves
 * rectangles, gables, arches and round windows alike.
 */
#include "draw_building.h"

#include <stdlib.h>

#define MAX_CUTS 1024

void openings_add(Openings *o, Opening opening) {
    if (o->n < WALL_MAX_OPENINGS && opening.u1 - opening.u0 > 0.05f &&
        opening.v1 - opening.v0 > 0.05f)
        o->list[o->n++] = opening;
}

void openings_row(Openings *o, Opening model, int count, float width, float from, float to) {
    float bay = (to - from) / (float)(count > 0 ? count : 1);

    width = minf(width, bay * 0.92f);
    for (int i = 0; i < count; i++) {
        float centre = from + bay * ((float)i + 0.5f);

        model.u0 = centre - 0.5f * width;
        model.u1 = centre + 0.5f * width;
        openings_add(o, model);
    }
}

WallTop top_flat(float width, float height) {
    return (WallTop){.points = {{0, height}, {width, height}}, .n = 2};
}

WallTop top_gable(float width, float eaves, float ridge) {
    return (WallTop){.points = {{0, eaves}, {0.5f * width, ridge}, {width, eaves}}, .n = 3};
}

Frame volume_frame(const Volume *v, Side side) {
    switch (side) {
    case SIDE_RIGHT:
        return (Frame){{v->x1, v->y0, v->z0}, {0, 0, 1}, {0, 1, 0}, {1, 0, 0}};
    case SIDE_BACK:
        return (Frame){{v->x1, v->y0, v->z1}, {-1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    case SIDE_LEFT:
        return (Frame){{v->x0, v->y0, v->z1}, {0, 0, -1}, {0, 1, 0}, {-1, 0, 0}};
    case SIDE_FRONT:
    default:
        return (Frame){{v->x0, v->y0, v->z0}, {1, 0, 0}, {0, 1, 0}, {0, 0, -1}};
    }
}

float volume_width(const Volume *v, Side side) {
    return side == SIDE_FRONT || side == SIDE_BACK ? v->x1 - v->x0 : v->z1 - v->z0;
}

/* Height of the wall's top over u. */
static float top_at(const WallTop *top, float u) {
    for (int i = 0; i + 1 < top->n; i++) {
        const float *a = top->points[i], *b = top->points[i + 1];

        if (u <= b[0])
            return a[1] + (b[1] - a[1]) * clampf((u - a[0]) / maxf(b[0] - a[0], 1e-6f), 0, 1);
    }
    return top->points[top->n - 1][1];
}

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Collect every u at which the wall must be cut, sorted. */
static int find_cuts(const WallTop *top, const Openings *o, float *cuts) {
    int n = 0;

    for (int i = 0; i < top->n; i++)
        cuts[n++] = top->points[i][0];
    for (int i = 0; o != NULL && i < o->n && n + 20 < MAX_CUTS; i++)
        n += opening_steps(&o->list[i], cuts + n);
    qsort(cuts, (size_t)n, sizeof cuts[0], compare_floats);
    return n;
}

/* One quadrilateral of wall, its top edge from va to vb. */
static void piece(Build *b, const Frame *f, int surface, float u0, float u1, const float foot[2],
                  const float head[2]) {
    if (head[0] - foot[0] < 1e-4f && head[1] - foot[1] < 1e-4f)
        return;
    mesh_quad(b->m, surface, frame_at(f, u0, foot[0], 0), frame_at(f, u1, foot[1], 0),
              frame_at(f, u1, head[1], 0), frame_at(f, u0, head[0], 0));
}

/* The strip between two cuts, interrupted by the openings that lie over it. */
static void strip(Build *b, const Frame *f, int surface, float u0, float u1, const WallTop *top,
                  const Openings *o) {
    float middle = 0.5f * (u0 + u1), foot[2] = {0, 0};
    float below = -1.0f;

    for (;;) {
        const Opening *next = NULL;

        for (int i = 0; o != NULL && i < o->n; i++) {
            const Opening *each = &o->list[i];

            if (each->u0 <= middle && each->u1 >= middle && each->v0 > below &&
                (next == NULL || each->v0 < next->v0))
                next = each;
        }
        if (next == NULL)
            break;

        float head[2] = {opening_foot(next, u0), opening_foot(next, u1)};

        piece(b, f, surface, u0, u1, foot, head);
        foot[0] = opening_head(next, u0);
        foot[1] = opening_head(next, u1);
        below = next->v0;
    }

    float head[2] = {top_at(top, u0), top_at(top, u1)};

    piece(b, f, surface, u0, u1, foot, head);
}

void wall_draw(Build *b, const Frame *f, int surface, const WallTop *top, const Openings *o,
               float storey) {
    float cuts[MAX_CUTS];
    int n = find_cuts(top, o, cuts);

    for (int i = 0; i + 1 < n; i++)
        if (cuts[i + 1] - cuts[i] > 1e-4f)
            strip(b, f, surface, cuts[i], cuts[i + 1], top, o);
    for (int i = 0; o != NULL && i < o->n; i++) {
        float level = storey > 0.5f ? floorf((o->list[i].v0 + 0.05f) / storey) * storey : 0.0f;

        opening_fill(b, f, &o->list[i], storey > 0.5f ? storey : 3.0f, level);
    }
}

void volume_wall(Build *b, const Volume *v, Side side, int surface, const Openings *o,
                 float storey) {
    Frame f = volume_frame(v, side);
    WallTop top = top_flat(volume_width(v, side), v->y1 - v->y0);

    wall_draw(b, &f, surface, &top, o, storey);
}
