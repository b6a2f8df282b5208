/*
 * draw_openings.c - windows, doors and arches: reveal, frame, glass and trim.
 */
#include "draw_building.h"

#define HEAD_STEPS 12

/* Height of the springing line, where an arch begins. */
static float springing(const Opening *o) {
    float w = o->u1 - o->u0;

    switch (o->head) {
    case HEAD_ROUND:
        return o->v1 - 0.5f * w;
    case HEAD_POINTED:
        return o->v1 - 0.95f * w;
    case HEAD_SEGMENT:
        return o->v1 - 0.13f * w;
    case HEAD_CIRCLE:
        return 0.5f * (o->v0 + o->v1);
    case HEAD_FLAT:
    default:
        return o->v1;
    }
}

float opening_head(const Opening *o, float u) {
    float w = o->u1 - o->u0, x = clampf((u - 0.5f * (o->u0 + o->u1)) / (0.5f * w), -1, 1);
    float s = springing(o);

    switch (o->head) {
    case HEAD_ROUND:
    case HEAD_CIRCLE:
        return s + (o->v1 - s) * sqrtf(maxf(1.0f - x * x, 0.0f));
    case HEAD_POINTED: { /* two arcs, each about the foot of the other */
        float r = 1.0f + fabsf(x);

        return s + (o->v1 - s) * sqrtf(maxf(4.0f - r * r, 0.0f)) / 1.7320508f;
    }
    case HEAD_SEGMENT:
        return s + (o->v1 - s) * (1.0f - x * x);
    case HEAD_FLAT:
    default:
        return o->v1;
    }
}

float opening_foot(const Opening *o, float u) {
    if (o->head != HEAD_CIRCLE)
        return o->v0;
    return o->v0 + o->v1 - opening_head(o, u);
}

int opening_steps(const Opening *o, float *us) {
    if (o->head == HEAD_FLAT) {
        us[0] = o->u0;
        us[1] = o->u1;
        return 2;
    }
    for (int i = 0; i <= HEAD_STEPS; i++) { /* closer where the arch is steep */
        float t = -cosf(PI_F * (float)i / HEAD_STEPS);

        us[i] = 0.5f * (o->u0 + o->u1) + 0.5f * t * (o->u1 - o->u0);
    }
    us[0] = o->u0;
    us[HEAD_STEPS] = o->u1;
    return HEAD_STEPS + 1;
}

/* The sides of the hole, from the wall's face inwards. */
static void reveal(Build *b, const Frame *f, const Opening *o, float depth, int surface) {
    float us[HEAD_STEPS + 1];
    int n = opening_steps(o, us);

    for (int i = 0; i + 1 < n; i++) {
        float a = opening_head(o, us[i]), c = opening_head(o, us[i + 1]);

        mesh_quad(b->m, surface, frame_at(f, us[i], a, 0), frame_at(f, us[i + 1], c, 0),
                  frame_at(f, us[i + 1], c, -depth), frame_at(f, us[i], a, -depth));
        a = opening_foot(o, us[i]);
        c = opening_foot(o, us[i + 1]);
        mesh_quad(b->m, surface, frame_at(f, us[i], a, 0), frame_at(f, us[i + 1], c, 0),
                  frame_at(f, us[i + 1], c, -depth), frame_at(f, us[i], a, -depth));
    }
    for (int i = 0; i < 2; i++) {
        float u = i == 0 ? o->u0 : o->u1, foot = opening_foot(o, u), head = opening_head(o, u);

        mesh_quad(b->m, surface, frame_at(f, u, foot, 0), frame_at(f, u, head, 0),
                  frame_at(f, u, head, -depth), frame_at(f, u, foot, -depth));
    }
}

/* Fill the whole opening with one surface at a depth. */
static void sheet(Build *b, const Frame *f, const Opening *o, float depth, int surface, int pane) {
    float us[HEAD_STEPS + 1];
    int n = opening_steps(o, us);

    for (int i = 0; i + 1 < n; i++) {
        Face *face = mesh_quad(b->m, surface, frame_at(f, us[i], opening_foot(o, us[i]), -depth),
                               frame_at(f, us[i + 1], opening_foot(o, us[i + 1]), -depth),
                               frame_at(f, us[i + 1], opening_head(o, us[i + 1]), -depth),
                               frame_at(f, us[i], opening_head(o, us[i]), -depth));

        if (face != NULL) {
            face->pane = pane;
            face->u = f->u;
            face->v = f->v;
        }
    }
}

/* A band of `width` along the edge, inside when positive, standing `proud` of `depth`. */
static void border(Build *b, const Frame *f, const Opening *o, float width, float depth,
                   float proud, int surface, bool foot) {
    float us[HEAD_STEPS + 1], w = o->u1 - o->u0, h = o->v1 - o->v0;
    int n = opening_steps(o, us);
    Opening in = *o;

    in.u0 += width;
    in.u1 -= width;
    in.v1 -= width;
    in.v0 += foot || o->head == HEAD_CIRCLE ? width : 0;
    if (w < 3 * fabsf(width) || h < 3 * fabsf(width))
        return;
    for (int i = 0; i + 1 < n; i++) {
        float t0 = (us[i] - o->u0) / w, t1 = (us[i + 1] - o->u0) / w;
        float a0 = in.u0 + t0 * (in.u1 - in.u0), a1 = in.u0 + t1 * (in.u1 - in.u0);
        float z = -depth + proud;
        Vec3 p = frame_at(f, us[i], opening_head(o, us[i]), z);
        Vec3 q = frame_at(f, us[i + 1], opening_head(o, us[i + 1]), z);
        Vec3 r = frame_at(f, a1, opening_head(&in, a1), z),
             s = frame_at(f, a0, opening_head(&in, a0), z);

        mesh_quad(b->m, surface, p, q, r, s);
        mesh_quad(b->m, surface, s, r, frame_at(f, a1, opening_head(&in, a1), -depth),
                  frame_at(f, a0, opening_head(&in, a0), -depth));
        if (proud > 0.03f || width < 0)
            mesh_quad(b->m, surface, p, q,
                      frame_at(f, us[i + 1], opening_head(o, us[i + 1]), -depth),
                      frame_at(f, us[i], opening_head(o, us[i]), -depth));
        if (o->head == HEAD_CIRCLE)
            mesh_quad(b->m, surface, frame_at(f, us[i], opening_foot(o, us[i]), z),
                      frame_at(f, us[i + 1], opening_foot(o, us[i + 1]), z),
                      frame_at(f, a1, opening_foot(&in, a1), z),
                      frame_at(f, a0, opening_foot(&in, a0), z));
    }
    if (o->head == HEAD_CIRCLE)
        return;

    float s0 = springing(o), s1 = springing(&in), lo = minf(s0, s1);

    for (int i = 0; i < 2; i++) {
        float a = i == 0 ? minf(o->u0, in.u0) : minf(o->u1, in.u1);
        float c = i == 0 ? maxf(o->u0, in.u0) : maxf(o->u1, in.u1);

        mesh_frame_box(b->m, surface, f, v3(a, o->v0, -depth), v3(c, lo, -depth + proud));
    }
    if (foot)
        mesh_frame_box(b->m, surface, f, v3(o->u0, o->v0, -depth),
                       v3(o->u1, in.v0, -depth + proud));
}

/* Upright and level bars of a window. */
static void glazing_bars(Build *b, const Frame *f, const Opening *o, float depth, float bar) {
    int columns = o->columns > 1 ? o->columns : 1, rows = o->rows > 1 ? o->rows : 1;
    float w = o->u1 - o->u0, s = springing(o), h = o->head == HEAD_FLAT ? o->v1 - o->v0 : s - o->v0;

    for (int i = 1; i < columns; i++) {
        float u = o->u0 + w * (float)i / (float)columns;

        mesh_frame_box(b->m, b->frame, f, v3(u - 0.5f * bar, opening_foot(o, u), -depth),
                       v3(u + 0.5f * bar, opening_head(o, u), -depth + 0.045f));
    }
    if (o->head == HEAD_CIRCLE)
        return;
    for (int i = 1; i < rows + (o->head != HEAD_FLAT && rows > 1); i++) {
        float v = o->v0 + h * (float)i / (float)rows;

        mesh_frame_box(b->m, b->frame, f, v3(o->u0, v - 0.5f * bar, -depth),
                       v3(o->u1, v + 0.5f * bar, -depth + 0.04f));
    }
}

/* Stone tracery: two lancets and a circle above. */
static void tracery(Build *b, const Frame *f, const Opening *o, float depth) {
    float w = o->u1 - o->u0, s = springing(o);
    Opening part = *o;

    if (o->head == HEAD_CIRCLE) {
        float r = 0.5f * w, cu = o->u0 + r, cv = o->v0 + r;
        int petals = w > 3.0f ? 12 : 8;

        for (int i = 0; i < petals; i++) {
            float a = 2 * PI_F * (float)i / (float)petals;

            mesh_bar(
                b->m, b->trim,
                frame_at(f, cu + 0.28f * r * cosf(a), cv + 0.28f * r * sinf(a), -depth + 0.03f),
                frame_at(f, cu + r * cosf(a), cv + r * sinf(a), -depth + 0.03f), 0.055f, 0.055f, 4);
        }
        part = (Opening){cu - 0.3f * r,
                         cv - 0.3f * r,
                         cu + 0.3f * r,
                         cv + 0.3f * r,
                         HEAD_CIRCLE,
                         0,
                         0,
                         0,
                         0,
                         0,
                         0,
                         0,
                         0};
        border(b, f, &part, -0.10f, depth, 0.08f, b->trim, true);
        part = (Opening){cu - 0.68f * r,
                         cv - 0.68f * r,
                         cu + 0.68f * r,
                         cv + 0.68f * r,
                         HEAD_CIRCLE,
                         0,
                         0,
                         0,
                         0,
                         0,
                         0,
                         0,
                         0};
        border(b, f, &part, -0.08f, depth, 0.08f, b->trim, true);
        return;
    }
    if (w < 0.9f)
        return;
    for (int i = 0; i < 2; i++) {
        part.u0 = o->u0 + 0.5f * w * (float)i;
        part.u1 = part.u0 + 0.5f * w;
        part.v1 = s + 0.36f * w;
        border(b, f, &part, 0.06f, depth, 0.08f, b->trim, false);
    }
    if (w > 1.3f) {
        float r = 0.17f * w, cu = 0.5f * (o->u0 + o->u1), cv = s + 0.50f * w;

        part = (Opening){cu - r, cv - r, cu + r, cv + r, HEAD_CIRCLE, 0, 0, 0, 0, 0, 0, 0, 0};
        border(b, f, &part, -0.07f, depth, 0.08f, b->trim, true);
    }
}

/* A panelled or boarded door with its handle, and a light above where it is tall. */
static void door_leaf(Build *b, const Frame *f, const Opening *o, float depth, int pane) {
    float w = o->u1 - o->u0, h = o->v1 - o->v0;
    float leaf = o->head == HEAD_FLAT && h > 2.7f ? o->v0 + 2.25f : o->v1;
    Opening panel = *o;

    panel.v1 = leaf;
    if (leaf < o->v1) {
        Opening light = *o;

        light.v0 = leaf;
        sheet(b, f, &light, depth, b->glass, pane);
        border(b, f, &light, 0.05f, depth, 0.05f, b->frame, true);
    }
    sheet(b, f, &panel, depth - 0.02f, b->door, -1);
    border(b, f, &panel, 0.07f, depth, 0.06f, b->door, false);
    if (w > 1.5f)
        mesh_frame_box(b->m, b->dark, f, v3(o->u0 + 0.5f * w - 0.012f, o->v0, -depth),
                       v3(o->u0 + 0.5f * w + 0.012f, leaf, -depth + 0.026f));
    for (int i = 0; i < (w > 1.5f ? 2 : 1); i++) {
        float u = w > 1.5f ? o->u0 + 0.5f * w + (i == 0 ? -0.10f : 0.10f) : o->u1 - 0.16f;

        mesh_frame_box(b->m, b->metal, f, v3(u - 0.015f, o->v0 + 0.75f, -depth + 0.02f),
                       v3(u + 0.015f, o->v0 + 1.45f, -depth + 0.08f));
    }
}

/* Hinged shutters, folded back against the wall. */
static void shutters(Build *b, const Frame *f, const Opening *o) {
    float w = 0.5f * (o->u1 - o->u0);

    for (int i = 0; i < 2; i++) {
        float u = i == 0 ? o->u0 - w - 0.04f : o->u1 + 0.04f;

        mesh_frame_box(b->m, b->accent, f, v3(u, o->v0, 0), v3(u + w, springing(o), 0.05f));
        for (float v = o->v0 + 0.10f; v < springing(o) - 0.08f; v += 0.09f)
            mesh_frame_box(b->m, b->accent, f, v3(u + 0.07f, v, 0.05f),
                           v3(u + w - 0.07f, v + 0.045f, 0.065f));
    }
}

void opening_fill(Build *b, const Frame *f, const Opening *o, float storey, float floor) {
    float depth = o->depth > 0 ? o->depth : 0.16f, w = o->u1 - o->u0;
    bool glazing = o->fill == FILL_GLAZING || o->fill == FILL_SLATS;
    float origin = v_dot(f->o, f->u) + o->u0;
    int pane = mesh_pane(
        b->m, (Pane){.cell_origin = glazing ? origin : origin - 0.8f,
                     .cell_width = glazing ? w / maxf(1.0f, floorf(w / 4.5f)) : w + 1.6f,
                     .floor = f->o.y + floor,
                     .height = storey,
                     .seed = hash3((int32_t)(origin * 64), (int32_t)((f->o.y + o->v0) * 64),
                                   (uint32_t)(fabsf(f->w.x) > 0.5f)),
                     .curtains = o->curtains,
                     .stained = o->fill == FILL_STAINED});

    reveal(b, f, o, depth + (o->fill == FILL_VOID ? 1.2f : 0.0f), o->trim ? b->trim : b->wall);
    switch (o->fill) {
    case FILL_DOOR:
        door_leaf(b, f, o, depth, pane);
        break;
    case FILL_GARAGE:
        sheet(b, f, o, depth, b->accent, -1);
        for (float v = o->v0 + 0.45f; v < o->v1 - 0.1f; v += 0.5f)
            mesh_frame_box(b->m, b->dark, f, v3(o->u0, v, -depth),
                           v3(o->u1, v + 0.02f, -depth + 0.012f));
        break;
    case FILL_HOLE:
        break;
    case FILL_VOID:
        sheet(b, f, o, depth + 1.2f, b->dark, -1);
        break;
    case FILL_STAINED:
        sheet(b, f, o, depth, b->glass, pane);
        border(b, f, o, 0.07f, depth, 0.09f, b->trim, true);
        tracery(b, f, o, depth);
        break;
    case FILL_SLATS:
        part_slats(b, f, o->u0, o->v0, o->u1, o->v1, 0.16f, b->accent);
        /* fall through */
    case FILL_WINDOW:
    case FILL_GLAZING:
        sheet(b, f, o, depth, b->glass, pane);
        border(b, f, o, glazing ? 0.045f : 0.06f, depth, 0.05f, b->frame, true);
        glazing_bars(b, f, o, depth, glazing ? 0.05f : o->columns > 2 ? 0.03f : 0.045f);
        break;
    }
    if (o->trim && o->fill != FILL_STAINED)
        border(b, f, o, -0.14f, 0.0f, 0.05f, b->trim, false);
    if (o->sill)
        mesh_frame_box(b->m, b->trim, f, v3(o->u0 - 0.10f, o->v0 - 0.07f, -0.02f),
                       v3(o->u1 + 0.10f, o->v0, 0.09f));
    if (o->shutters)
        shutters(b, f, o);
}
