/*
 * draw_plants.c - trees made of branches and clumps of leaves.
 *
 * A crown is a set of blobs; on each lie many small leaf faces turned outwards.  Every face is lit
 * once, so a crown has a sunny and a shaded side and dark depths.
 */
#include "draw_plants.h"

#include "draw_material.h"
#include "scene_random.h"

/* How a kind of tree grows. */
typedef struct Kind {
    float height, crown; /* metres; width of the crown by its height */
    float trunk;         /* bare share of the height */
    int blobs, leaves;   /* leaves a blob */
    float leaf;          /* size, metres */
    uint32_t colour, bark;
} Kind;

static const Kind broadleaf = {8.5f, 0.42f, 0.26f, 14, 210, 0.27f, 0x6d8048, 0x5d4c3b};
static const Kind birch = {9.5f, 0.26f, 0.28f, 11, 150, 0.23f, 0x8a9a58, 0xcfc9bd};
static const Kind olive = {4.6f, 0.55f, 0.30f, 9, 150, 0.20f, 0x7f8b62, 0x6b5b4a};

typedef struct Garden {
    World *w;
    Mesh *m;
    int leaf, bark;
    Vec3 tint;
    bool tinted, bare;
} Garden;

static int bark_surface(Garden *g, uint32_t hex) {
    Surface s = world_surface(MATERIAL_THATCH, false, v3(0, 0, 0));

    s.colour = rgb_hex(hex);
    return mesh_surface(g->m, s);
}

/* One tuft of leaves: a narrow rhombus, lit as part of a crown that faces `normal` there. */
static void leaf(Garden *g, Rng *rng, Vec3 at, Vec3 normal, float size, Vec3 colour) {
    Vec3 tilt =
        v_norm(v3(normal.x + rng_range(rng, -0.7f, 0.7f), normal.y + rng_range(rng, -0.5f, 0.7f),
                  normal.z + rng_range(rng, -0.7f, 0.7f)));
    Vec3 a = v_norm(v_cross(tilt, fabsf(tilt.y) > 0.9f ? v3(1, 0, 0) : v3(0, 1, 0)));
    Vec3 b = v_cross(tilt, a), p[4];
    float turn = rng_range(rng, 0, 2 * PI_F), c = cosf(turn), s = sinf(turn);
    const float shape[4][2] = {{-0.6f, 0.05f}, {0.05f, -0.30f}, {0.6f, -0.04f}, {-0.05f, 0.30f}};

    for (int i = 0; i < 4; i++) {
        float x = size * shape[i][0], y = size * shape[i][1];

        p[i] = v_mad(v_mad(at, a, x * c - y * s), b, x * s + y * c);
    }

    Face *face = mesh_polygon(g->m, g->leaf, p, 4);

    if (face != NULL) {
        face->lit = colour;
        face->normal = v_dot(face->normal, normal) < 0 ? v_scale(face->normal, -1) : face->normal;
        face->offset = v_dot(face->normal, p[0]);
    }
}

/* A green between the kind's own and the palette's. */
static Vec3 green(const Garden *g, Rng *rng, uint32_t hex) {
    Vec3 c = rgb_hex(hex);

    if (g->tinted)
        c = v_mix(c, g->tint, 0.55f);
    return v_mul(c, v3(rng_range(rng, 0.88f, 1.12f), rng_range(rng, 0.92f, 1.08f),
                       rng_range(rng, 0.85f, 1.1f)));
}

/* The colour of a broad-leaved crown: as green(), or that of the season. */
static Vec3 foliage(const Garden *g, Rng *rng, uint32_t hex) {
    Vec3 c = green(g, rng, hex);

    if (g->w->spec.features & FEATURE_AUTUMN) {
        static const uint32_t autumn[4] = {0xc8762a, 0xb5492a, 0xd6a23a, 0x9c6a30};

        c = rgb_hex(autumn[rng_int(rng, 0, 3)]);
    }
    if (g->w->spec.features & FEATURE_BLOSSOM)
        c = rgb_hex(rng_chance(rng, 0.7f) ? 0xf2c4d0 : 0xf7ece6);
    return c;
}

/* Leaves over the surface of an ellipsoid, darker inside the crown. */
static void blob(Garden *g, Rng *rng, Vec3 centre, Vec3 radius, int leaves, float size, Vec3 colour,
                 Vec3 heart) {
    for (int i = 0; i < leaves; i++) {
        float y = rng_range(rng, -0.75f, 1.0f), around = rng_range(rng, 0, 2 * PI_F);
        float flat = sqrtf(maxf(1 - y * y, 0)), r = rng_range(rng, 0.72f, 1.05f);
        Vec3 n = v3(flat * cosf(around), y, flat * sinf(around));
        Vec3 at = v3(centre.x + radius.x * n.x * r, centre.y + radius.y * n.y * r,
                     centre.z + radius.z * n.z * r);
        Vec3 out = v_norm(v_add(n, v_scale(v_norm(v_sub(at, heart)), 0.8f)));
        float shade = rng_range(rng, 0.78f, 1.18f) * (0.80f + 0.25f * r);

        leaf(g, rng, at, out, size * rng_range(rng, 0.75f, 1.3f), v_scale(colour, shade));
    }
}

/* Branches from a to ever finer tips. */
static void branches(Garden *g, Rng *rng, Vec3 a, Vec3 direction, float length, float thick,
                     int depth) {
    Vec3 b = v_mad(a, direction, length);

    mesh_bar(g->m, g->bark, a, b, thick, thick * 0.62f, depth > 2 ? 6 : 4);
    if (depth == 0)
        return;
    for (int i = 0; i < 3; i++) {
        float around = 2.1f * (float)i + rng_range(rng, 0, 1.2f),
              spread = rng_range(rng, 0.35f, 0.75f);
        Vec3 side =
            v_norm(v_cross(direction, fabsf(direction.y) > 0.95f ? v3(1, 0, 0) : v3(0, 1, 0)));
        Vec3 other = v_cross(direction, side);
        Vec3 d =
            v_norm(v_add(v_mad(v_scale(side, spread * cosf(around)), other, spread * sinf(around)),
                         v_add(direction, v3(0, 0.15f, 0))));

        branches(g, rng, v_mad(a, direction, length * rng_range(rng, 0.6f, 1.0f)), d,
                 length * rng_range(rng, 0.58f, 0.76f), thick * 0.58f, depth - 1);
    }
}

static void tree(Garden *g, Rng *rng, Vec3 foot, const Kind *k, float scale, float detail) {
    float height = k->height * scale * rng_range(rng, 0.88f, 1.15f), bare = height * k->trunk;
    float wide = height * k->crown * rng_range(rng, 0.9f, 1.1f);
    Vec3 lean = v_norm(v3(rng_range(rng, -0.06f, 0.06f), 1, rng_range(rng, -0.06f, 0.06f)));
    Vec3 heart = v_mad(foot, lean, bare + 0.5f * (height - bare)),
         colour = foliage(g, rng, k->colour);

    g->bark = bark_surface(g, k->bark);
    if (g->bare) {
        branches(g, rng, foot, lean, height * 0.30f, 0.022f * height, 5);
        return;
    }
    mesh_bar(g->m, g->bark, foot, v_mad(foot, lean, bare + 0.55f * (height - bare)),
             0.022f * height, 0.008f * height, 7);
    for (int i = 0; i < k->blobs; i++) {
        float t = ((float)i + 0.5f) / (float)k->blobs,
              around = 2.4f * (float)i + rng_range(rng, 0, 0.9f);
        float level = bare + (height - bare) * (0.10f + 0.80f * t);
        float reach = wide * sqrtf(maxf(1 - powf(2 * t - 0.85f, 2) * 0.9f, 0.05f)) *
                      rng_range(rng, 0.45f, 0.85f);
        Vec3 c = v3(foot.x + lean.x * level + reach * cosf(around), foot.y + level,
                    foot.z + lean.z * level + reach * sinf(around));
        float r = wide * rng_range(rng, 0.34f, 0.52f);

        mesh_bar(g->m, g->bark, v_mad(foot, lean, bare + (level - bare) * 0.45f), c,
                 0.009f * height, 0.003f * height, 4);
        blob(g, rng, c, v3(r, r * 0.72f, r), (int)((float)k->leaves * detail),
             k->leaf * sqrtf(scale) / sqrtf(detail), colour, heart);
    }
}

/* A spruce: tiers of hanging boughs about a straight trunk. */
static void conifer(Garden *g, Rng *rng, Vec3 foot, float height, float detail) {
    Vec3 colour = green(g, rng, 0x4a6240), top = v3(foot.x, 0.97f * height, foot.z);
    int tiers = 11, boughs = (int)(20.0f * detail) + 3;

    g->bark = bark_surface(g, 0x4f4034);
    mesh_bar(g->m, g->bark, foot, top, 0.014f * height, 0.001f * height, 6);
    for (int i = 0; i < tiers; i++) {
        float t = (float)i / (float)(tiers - 1), level = height * (0.10f + 0.86f * t),
              reach = height * 0.21f * powf(1.0f - t, 0.85f) + 0.12f;

        for (int k = 0; k < boughs; k++) {
            float a = 2.4f * (float)i + 2 * PI_F * (float)k / (float)boughs +
                      rng_range(rng, -0.2f, 0.2f),
                  r = reach * rng_range(rng, 0.8f, 1.1f);
            Vec3 out = v3(cosf(a), 0, sinf(a)),
                 root = v3(foot.x, level + 0.13f * height * (1 - t) + 0.05f * height, foot.z);

            for (int n = 0; n < 4; n++) { /* tufts along the bough */
                float s = 0.28f + 0.24f * (float)n;
                Vec3 at =
                    v_add(v_mad(root, out, r * s), v3(0, -0.42f * r * s - 0.04f * height * s, 0));

                leaf(g, rng, at, v_norm(v3(out.x, 0.9f, out.z)),
                     (0.16f + 0.42f * reach * (1.1f - 0.6f * s)) * (detail > 0.5f ? 0.66f : 1.0f),
                     v_scale(colour, 0.62f + 0.45f * s));
            }
        }
    }
}

/* A palm: a slightly bent stem and arching fronds. */
static void palm(Garden *g, Rng *rng, Vec3 foot, float height) {
    Vec3 colour = green(g, rng, 0x6f8a48), at = foot,
         bend = v3(rng_range(rng, -0.09f, 0.09f), 1, rng_range(rng, -0.09f, 0.09f));

    g->bark = bark_surface(g, 0x8a7660);
    for (int i = 0; i < 6; i++) {
        Vec3 next =
            v_mad(at, v3(bend.x * (float)i * 0.5f, 1, bend.z * (float)i * 0.5f), height / 6);

        mesh_bar(g->m, g->bark, at, next, 0.20f - 0.012f * (float)i, 0.19f - 0.012f * (float)i, 8);
        at = next;
    }
    for (int k = 0; k < 22; k++) {
        float a = 2.4f * (float)k, rise = rng_range(rng, -0.1f, 0.9f),
              length = rng_range(rng, 2.2f, 3.0f);
        Vec3 out = v3(cosf(a), 0, sinf(a)), side = v3(-out.z, 0, out.x), from = at;

        for (int n = 0; n < 6; n++) {
            float t = (float)(n + 1) / 6,
                  w0 = 0.30f * sinf(PI_F * (0.15f + 0.85f * (t - 1.0f / 6))),
                  w1 = 0.30f * sinf(PI_F * (0.15f + 0.85f * t)) * (n < 5);
            Vec3 to = v_add(v_mad(at, out, length * t * (1 - 0.25f * t)),
                            v3(0, rise * length * t * 0.7f - 1.1f * length * t * t * 0.6f, 0));

            for (int h = 0; h < 2; h++) { /* both halves of the frond, folded along its rib */
                float s = h ? 1.0f : -1.0f;
                Vec3 drop = v3(0, -0.35f, 0);
                Face *face = mesh_quad(g->m, g->leaf, from, to,
                                       v_add(v_mad(to, side, s * w1), v_scale(drop, w1)),
                                       v_add(v_mad(from, side, s * w0), v_scale(drop, w0)));

                if (face != NULL) {
                    face->lit = v_scale(colour, rng_range(rng, 0.8f, 1.15f));
                    if (face->normal.y < 0) {
                        face->normal = v_scale(face->normal, -1);
                        face->offset = -face->offset;
                    }
                }
            }
            from = to;
        }
    }
}

/* The tree that this place and this prompt ask for. */
static void any_tree(Garden *g, Rng *rng, Vec3 foot, const Kind *kind, float scale, float detail) {
    unsigned wanted = g->w->spec.features;

    if (wanted & FEATURE_PALMS)
        palm(g, rng, foot, 6.5f * scale * rng_range(rng, 0.8f, 1.2f));
    else if (wanted & FEATURE_CONIFERS)
        conifer(g, rng, foot, 9.0f * scale * rng_range(rng, 0.75f, 1.25f), detail);
    else
        tree(g, rng, foot, kind, scale, detail);
}

static void shrub(Garden *g, Rng *rng, Vec3 foot, float size, uint32_t hex, int leaves) {
    Vec3 c = v3(foot.x, foot.y + 0.42f * size, foot.z);

    blob(g, rng, c, v3(0.6f * size, 0.48f * size, 0.6f * size), leaves, 0.20f * sqrtf(size),
         green(g, rng, hex), c);
}

/* Would a plant of this width hide the building?  Only what stands nearer than it can. */
static bool hides(const World *w, Vec3 foot, float half) {
    Vec3 middle = v_mix(w->bounds.lo, w->bounds.hi, 0.5f);
    double x0 = 1e30, x1 = -1e30, x, y, edge;

    if (v_dot(v_sub(foot, middle), w->camera.forward) > 0.0f)
        return false;
    for (int i = 0; i < 4; i++) {
        camera_project(
            &w->camera,
            v3(i & 1 ? w->bounds.hi.x : w->bounds.lo.x, 0, i & 2 ? w->bounds.hi.z : w->bounds.lo.z),
            &x, &y);
        x0 = fmin(x0, x);
        x1 = fmax(x1, x);
    }
    camera_project(&w->camera, foot, &x, &y);
    camera_project(&w->camera, v_mad(foot, w->camera.right, half), &edge, &y);
    half = (float)(edge - x) * 0.75f;
    return x + half > x0 && x - half < x1;
}

/* A stream for one plant: how it grows must not move the others. */
static Rng own_stream(const Garden *g, const char *name, int i) {
    return rng_named(g->w->spec.scene_seed + 1009u * (uint64_t)(i + 1), name);
}

/* Trees beside and behind the building, where they frame it and do not hide it. */
static void plant_trees(Garden *g) {
    World *w = g->w;
    Bounds b = w->bounds;
    float width = b.hi.x - b.lo.x, scale = clampf((b.hi.y - b.lo.y) / 8.0f, 0.8f, 1.6f);
    bool many = w->spec.features & FEATURE_TREES;
    const Kind *kinds[3] = {&broadleaf, &birch, &broadleaf};
    int n = many ? 12 : 7;

    if (w->spec.style == STYLE_MEDITERRANEAN)
        kinds[0] = kinds[1] = kinds[2] = &olive;
    for (int i = 0; i < n; i++) {
        Rng rng = own_stream(g, "tree", i);
        bool right = i & 1, behind = i % 4 >= 2;
        float out = rng_range(&rng, 2.5f, 8.0f) + (float)(i / 4) * 4.0f;
        float x = right ? b.hi.x + out : b.lo.x - out;
        float z =
            behind ? b.hi.z + rng_range(&rng, 2.0f, 12.0f) : rng_range(&rng, b.lo.z + 1.0f, b.hi.z);

        if (behind)
            x = b.lo.x + width * rng_range(&rng, -0.3f, 1.3f);
        if (w->spec.view == VIEW_ISOMETRIC) {
            x = clampf(x, w->plot.lo.x + 2.5f, w->plot.hi.x - 2.5f);
            z = clampf(z, w->plot.lo.z + 2.5f, w->plot.hi.z - 2.0f);
            if (right && w->azimuth > 0 && !behind) /* not before the building */
                x = w->plot.lo.x + 2.5f;
        }

        Vec3 foot = v3(x, 0, z);

        for (int k = 0; k < 8 && !behind && !w->camera.parallel && w->spec.view != VIEW_AERIAL &&
                        hides(w, foot, 2.8f * scale);
             k++)
            foot = v_mad(foot, w->camera.right,
                         v_dot(v_sub(foot, v_mix(b.lo, b.hi, 0.5f)), w->camera.right) > 0 ? 1.6f
                                                                                          : -1.6f);
        if (w->spec.view == VIEW_ISOMETRIC && hides(w, foot, 1.0f))
            continue;
        any_tree(g, &rng, foot, kinds[rng_int(&rng, 0, 2)], scale * rng_range(&rng, 0.8f, 1.1f),
                 behind ? 0.6f : 1.0f);
    }
}

/* Low planting at the foot of the building and in the foreground. */
static void plant_shrubs(Garden *g) {
    static const uint32_t greens[4] = {0x5f7f38, 0x76914a, 0x4f6c34, 0x8a9a5a};
    Bounds b = g->w->bounds;
    int n = g->w->spec.features & FEATURE_GARDEN ? 34 : 16;

    for (int i = 0; i < n; i++) {
        Rng rng = own_stream(g, "shrub", i);
        bool right = rng_chance(&rng, 0.5f);
        float x =
            right ? b.hi.x + rng_range(&rng, 0.8f, 3.5f) : b.lo.x - rng_range(&rng, 0.8f, 3.5f);
        float z = rng_range(&rng, b.lo.z - 3.0f, b.hi.z);

        shrub(g, &rng, v3(x, 0, z), rng_range(&rng, 0.6f, 1.5f), greens[rng_int(&rng, 0, 3)], 90);
    }
}

/* A wood far behind: few, large leaves. */
static void plant_background(Garden *g) {
    World *w = g->w;
    Vec3 middle = v_mix(w->bounds.lo, w->bounds.hi, 0.5f), size = v_sub(w->bounds.hi, w->bounds.lo);
    Vec3 ahead = v_norm(v3(w->camera.forward.x, 0, w->camera.forward.z));
    float extent = maxf(maxf(size.x, size.z), 14.0f);

    if (w->spec.features & FEATURE_SEA)
        return;
    for (int i = 0; i < 44; i++) {
        Rng rng = own_stream(g, "background", i);
        float back = extent * rng_range(&rng, 1.2f, 4.0f),
              across = (back + extent * 1.4f) * rng_range(&rng, -1.1f, 1.1f);
        float height = rng_range(&rng, 4.5f, 9.5f);
        Vec3 foot = v_mad(v_mad(v3(middle.x, 0, middle.z), ahead, back), w->camera.right, across);
        Vec3 heart = v3(foot.x, height * 0.55f, foot.z),
             colour = v_scale(foliage(g, &rng, broadleaf.colour), 0.85f);

        if (foot.x > w->bounds.lo.x - 3 && foot.x < w->bounds.hi.x + 3 &&
            foot.z > w->bounds.lo.z - 3 && foot.z < w->bounds.hi.z + 3)
            continue;
        if (w->spec.features & FEATURE_PALMS || (w->spec.features & FEATURE_CONIFERS && i % 3)) {
            if (w->spec.features & FEATURE_PALMS && i % 2)
                palm(g, &rng, foot, height);
            else if (w->spec.features & FEATURE_CONIFERS)
                conifer(g, &rng, foot, height * 1.2f, 0.25f);
            continue;
        }
        if (g->bare) {
            branches(g, &rng, foot, v3(0, 1, 0), height * 0.32f, 0.02f * height, 4);
            continue;
        }
        mesh_bar(g->m, g->bark, foot, heart, 0.18f, 0.10f, 4);
        for (int k = 0; k < 5; k++)
            blob(g, &rng,
                 v3(foot.x + rng_range(&rng, -0.22f, 0.22f) * height,
                    height * rng_range(&rng, 0.38f, 0.80f),
                    foot.z + rng_range(&rng, -0.22f, 0.22f) * height),
                 v3(height * 0.26f, height * 0.20f, height * 0.26f), 30, 0.085f * height, colour,
                 heart);
    }
}

/* Grass and flowers at the lower edge of the picture, off the way. */
static void plant_foreground(Garden *g) {
    World *w = g->w;
    bool flowers = w->spec.features & FEATURE_GARDEN;
    static const uint32_t petals[4] = {0xe8d05a, 0xd98aa8, 0xf2efe6, 0x8a7fc0};

    for (int i = 0; i < 130; i++) {
        Rng rng = own_stream(g, "tuft", i);
        float x = rng_range(&rng, -0.02f, 1.02f), y = rng_range(&rng, 0.90f, 1.06f),
              edge = fabsf(x - 0.5f);
        Vec3 foot;

        if (!world_ground(w, x * (float)w->camera.width, y * (float)w->camera.height, &foot) ||
            world_way_distance(w, foot.x, foot.z) < 0.35f ||
            (foot.x > w->plot.lo.x - 1 && foot.x < w->plot.hi.x + 1 && foot.z > w->plot.lo.z - 3 &&
             w->spec.ground != MATERIAL_GRASS) ||
            !rng_chance(&rng, 0.25f + 1.4f * edge))
            continue;

        float tall = rng_range(&rng, 0.10f, 0.22f) + 0.35f * edge * rng_unit(&rng);
        Vec3 colour =
            w->spec.weather == WEATHER_SNOW ? rgb_hex(0xa08c60) : green(g, &rng, 0x8a9152);

        for (int k = 0; k < 16; k++) {
            float a = rng_range(&rng, 0, 2 * PI_F), lean = rng_range(&rng, 0.1f, 0.6f) * tall,
                  wide = 0.010f;
            Vec3 base = v3(foot.x + rng_range(&rng, -0.12f, 0.12f), 0,
                           foot.z + rng_range(&rng, -0.12f, 0.12f));
            Vec3 tip = v3(base.x + lean * cosf(a), tall * rng_range(&rng, 0.7f, 1.2f),
                          base.z + lean * sinf(a));
            Vec3 side = v_scale(w->camera.right, wide);
            Face *face =
                mesh_polygon(g->m, g->leaf, (Vec3[]){v_sub(base, side), v_add(base, side), tip}, 3);

            if (face != NULL)
                face->lit = v_scale(colour, rng_range(&rng, 0.75f, 1.25f));
            if (flowers && k < 3)
                leaf(g, &rng, tip, v3(0, 1, 0), 0.06f, rgb_hex(petals[(unsigned)i % 4]));
        }
    }
}

void plants_draw(World *w) {
    Garden g = {.w = w, .m = &w->mesh, .tint = w->paint.plants, .tinted = w->paint.has_plants};
    Surface leaf_surface = world_surface(MATERIAL_GREEN_WALL, false, v3(0, 0, 0));

    leaf_surface.kind = SURFACE_LEAF;
    g.leaf = mesh_surface(&w->mesh, leaf_surface);
    /* Broad-leaved trees stand bare in the snow. */
    g.bare = w->spec.features & FEATURE_BARE_TREES || w->spec.weather == WEATHER_SNOW;
    if (!(w->spec.features & FEATURE_NO_TREES))
        plant_trees(&g);
    plant_shrubs(&g);
    if (w->camera.parallel || w->spec.features & (FEATURE_CITY | FEATURE_DESERT))
        return;
    g.bark = bark_surface(&g, 0x4a4038);
    plant_background(&g);
    if (w->land.material == MATERIAL_GRASS && w->spec.view != VIEW_AERIAL)
        plant_foreground(&g);
}
