/*
 * scene.c - the order of drawing.
 *
 * The scene is built as a mesh, its light is prepared in depth maps, then the picture is made band
 * by band: the visibility buffer tells which faces a pixel sees, each of them is shaded once and
 * weighted by the samples it covers.
 */
#include "scene.h"

#include "draw_building.h"
#include "draw_plants.h"
#include "draw_sky.h"
#include "draw_surface.h"
#include "draw_surroundings.h"
#include "draw_weather.h"
#include "scene_finish.h"
#include "scene_paint.h"
#include "scene_raster.h"

#include <stdlib.h>

#define BAND_ROWS 24

void world_lamp(World *w, Lamp lamp) {
    if (w->light.lamps < 0.5f || w->light.lit_share < 0.2f || w->n_lamps == WORLD_MAX_LAMPS)
        return;
    lamp.colour =
        v_scale(lamp.colour, w->light.lamps * (w->spec.time == TIME_NIGHT ? 0.8f : 0.55f));
    w->lamps[w->n_lamps++] = lamp;
}

Patch *world_patch(World *w, SceneMaterial material, float x0, float z0, float x1, float z1) {
    if (w->n_patches < WORLD_MAX_PATCHES)
        w->n_patches++;

    Patch *p = &w->patches[w->n_patches - 1];

    *p = (Patch){.surface = world_surface(material, false, v3(0, 0, 0)),
                 .x0 = x0,
                 .z0 = z0,
                 .x1 = x1,
                 .z1 = z1};
    return p;
}

void world_entrance(World *w, float x, float z, float half, bool straight) {
    w->entrance = (Entrance){x, z, half, straight};
}

bool world_ground(const World *w, float x, float y, Vec3 *point) {
    Vec3 origin, d;

    camera_ray(&w->camera, x, y, &origin, &d);
    if (d.y > -1e-3f || origin.y <= 0.0f)
        return false;
    *point = v_mad(origin, d, -origin.y / d.y);
    return true;
}

float world_way_distance(const World *w, float x, float z) {
    float best = 1e9f;

    for (int i = 0; i + 1 < w->way.n; i++) {
        const float *a = w->way.points[i], *b = w->way.points[i + 1];
        float dx = b[0] - a[0], dz = b[1] - a[1], px = x - a[0], pz = z - a[1];
        float t = clampf((px * dx + pz * dz) / maxf(dx * dx + dz * dz, 1e-6f), 0, 1);

        px -= t * dx;
        pz -= t * dz;
        best = minf(best, px * px + pz * pz);
    }
    return sqrtf(best) - w->way.half;
}

Surface world_surface(SceneMaterial material, bool tinted, Vec3 colour) {
    Vec3 own = material_colour(material);

    /* A tint takes the wanted hue, but a material cannot be darker or lighter than it can be. */
    if (tinted) {
        bool painted = material == MATERIAL_PLASTER || material == MATERIAL_LACQUER ||
                       material == MATERIAL_CERAMIC_TILE;
        float gain = clampf(luma(own) / maxf(luma(colour), 0.004f), 0.35f, 2.8f);
        Vec3 kept = v_mix(colour, v_scale(colour, gain), painted ? 0.15f : 0.55f);

        own = v_mix(own, kept, painted ? 0.95f : 0.68f);
    }
    return (Surface){.kind = SURFACE_SOLID,
                     .material = material,
                     .colour = own,
                     .scale = 1.0f,
                     .seed = (uint32_t)material * 7919u};
}

Vec3 world_haze(const World *w, Vec3 c, float distance, Vec3 d) {
    float through = maxf(distance - w->haze_start, 0.0f) * w->light.haze_density;
    Vec3 air = w->light.haze;
    float toward = maxf(v_dot(d, w->light.to_sun), 0.0f);

    if (through <= 0.0f)
        return c;
    air = v_mad(air, w->light.glow, 0.20f * toward * toward * toward);
    return v_mix(c, air, 1.0f - expf(-through));
}

/* Put every value into its range and every default in its place. */
static SceneSpec resolve(const SceneSpec *asked) {
    SceneSpec s = *asked;

#define IN_RANGE(field, count) s.field = (unsigned)s.field < (unsigned)(count) ? s.field : 0
    IN_RANGE(style, STYLE_COUNT);
    IN_RANGE(kind, KIND_COUNT);
    IN_RANGE(time, TIME_COUNT);
    IN_RANGE(weather, WEATHER_COUNT);
    IN_RANGE(view, VIEW_COUNT);
    IN_RANGE(lens, LENS_COUNT);
    IN_RANGE(light, LIGHT_COUNT);
    IN_RANGE(wall, MATERIAL_COUNT);
    IN_RANGE(accent, MATERIAL_COUNT);
    IN_RANGE(roof, MATERIAL_COUNT);
    IN_RANGE(door, MATERIAL_COUNT);
    IN_RANGE(frame, MATERIAL_COUNT);
    IN_RANGE(ground, MATERIAL_COUNT);
    IN_RANGE(path, MATERIAL_COUNT);
#undef IN_RANGE
    s.width = s.width < SCENE_MIN_SIDE   ? SCENE_MIN_SIDE
              : s.width > SCENE_MAX_SIDE ? SCENE_MAX_SIDE
                                         : s.width;
    s.height = s.height < SCENE_MIN_SIDE   ? SCENE_MIN_SIDE
               : s.height > SCENE_MAX_SIDE ? SCENE_MAX_SIDE
                                           : s.height;
    s.storeys = s.storeys < 0 ? 0 : s.storeys > 60 ? 60 : s.storeys;
    s.n_palette = s.n_palette < 0                   ? 0
                  : s.n_palette > SCENE_MAX_COLOURS ? SCENE_MAX_COLOURS
                                                    : s.n_palette;
    s.warmth = s.warmth > -1.0f && s.warmth < 1.0f ? s.warmth
               : s.warmth >= 1.0f                  ? 1.0f
               : s.warmth <= -1.0f                 ? -1.0f
                                                   : 0.0f;
    s.time = s.time == TIME_DEFAULT ? TIME_MORNING : s.time;
    s.weather = s.weather == WEATHER_DEFAULT ? WEATHER_CLEAR : s.weather;
    s.view = s.view == VIEW_DEFAULT ? VIEW_EYE_LEVEL : s.view;

    /* High-rises stand in a town unless another place is asked for. */
    bool high = s.kind == KIND_TOWER ||
                (s.kind == KIND_DEFAULT && (s.style == STYLE_TOWER || s.style == STYLE_ART_DECO));

    if (high && !(s.features & (FEATURE_GARDEN | FEATURE_SEA | FEATURE_MOUNTAINS | FEATURE_DESERT)))
        s.features |= FEATURE_CITY;
    for (int i = 0; i < s.n_palette; i++)
        if ((unsigned)s.palette[i].role >= ROLE_COUNT)
            s.palette[i].role = ROLE_AUTO;
    return s;
}

/* From which side a building is seen: part of its identity. */
static float viewpoint(const World *w) {
    Rng rng = rng_named(w->spec.building_seed, "viewpoint");
    float turn = rng_range(&rng, 0.40f, 0.62f), side = rng_chance(&rng, 0.5f) ? 1.0f : -1.0f;

    if (w->spec.view == VIEW_FRONTAL || w->spec.view == VIEW_ELEVATION)
        return 0.0f;
    if (w->face != 0.0f && rng_chance(&rng, 0.85f))
        side = w->face;
    return side * turn;
}

/* Is there water or wet ground that mirrors the building? */
static bool needs_mirror(const World *w) {
    if (w->camera.parallel)
        return false;
    if (w->spec.weather == WEATHER_RAIN || w->spec.features & FEATURE_SEA ||
        w->land.material == MATERIAL_WATER)
        return true;
    for (int i = 0; i < w->n_patches; i++)
        if (w->patches[i].surface.material == MATERIAL_WATER)
            return true;
    return false;
}

/* The scene behind all faces: ground, sky, or the backdrop of a model. */
static Vec3 background(const World *w, const Camera *c, Vec3 origin, Vec3 d, Hit *hit) {
    bool below = d.y < -1e-4f;
    float t = below ? -origin.y / d.y : -1.0f;
    float x = hit->x / (float)c->width, y = hit->y / (float)c->height;

    if (w->spec.view == VIEW_ELEVATION) {
        if (hit->y > c->cy) { /* the cut through the ground */
            float depth = (hit->y - c->cy) / c->focal;
            Vec3 earth = v_mix(rgb_hex(0xb5a894), w->light.horizon, 0.35f);
            float layer = 0.06f * noise2(hit->x / c->focal * 0.5f, depth * 3.0f, w->seed);

            earth =
                v_scale(earth, (0.25f + luma(w->light.horizon)) * (0.85f - 0.035f * depth + layer));
            return depth < 0.14f ? v_scale(earth, 0.25f) : earth;
        }
        return sky_colour(w, sky_direction(w, hit->x, hit->y), 1.0f / (float)c->height);
    }
    if (t > 0.0f && origin.y > 0.0f) {
        hit->point = v_mad(origin, d, t);
        hit->point.y = 0.0f;
        hit->distance = t;
        hit->footprint = camera_footprint(c, t);
        if (w->spec.view == VIEW_ISOMETRIC &&
            (hit->point.x < w->plot.lo.x || hit->point.x > w->plot.hi.x ||
             hit->point.z < w->plot.lo.z || hit->point.z > w->plot.hi.z)) {
            return sky_backdrop(w, x, y);
        }
        if (t < 4000.0f)
            return world_haze(w, ground_colour(w, hit), t, d);
        return w->light.haze;
    }
    return sky_colour(w, d, 1.0f / c->focal);
}

/* Shade what one group of samples of a pixel sees at (x, y). */
static Vec3 shade(World *w, const Camera *c, uint32_t id, float x, float y) {
    Vec3 origin, d;
    Hit hit = {.x = x, .y = y, .turn = hash_unit((int32_t)x, (int32_t)y, 5)};

    camera_ray(c, x, y, &origin, &d);
    hit.direction = d;
    if (id == 0)
        return background(w, c, origin, d, &hit);

    const Face *face = &w->mesh.faces[id - 1];
    float down = v_dot(face->normal, d);
    float t = (face->offset - v_dot(face->normal, origin)) / (fabsf(down) > 1e-6f ? down : 1e-6f);

    t = clampf(t, 0.01f, 1e5f);
    hit.point = v_mad(origin, d, t);
    hit.distance = t;
    hit.footprint = camera_footprint(c, t);
    return world_haze(w, surface_colour(w, face, &hit), t, d);
}

/* The colour of pixel (x, row) of a band: each face seen is shaded once. */
static Vec3 resolve_pixel(World *w, const Camera *c, const Band *band, int x, int row) {
    uint32_t ids[SAMPLES];
    Vec3 sum = v3(0, 0, 0);

    for (int s = 0; s < SAMPLES; s++)
        ids[s] = band->id[(size_t)(row * SAMPLES + s) * (size_t)band->width + (size_t)x];
    for (int s = 0; s < SAMPLES; s++) {
        float px = 0, py = 0;
        int n = 0;
        bool seen = false;

        for (int k = 0; k < s; k++)
            seen = seen || ids[k] == ids[s];
        if (seen)
            continue;
        for (int k = s; k < SAMPLES; k++)
            if (ids[k] == ids[s]) {
                px += sample_x[k];
                py += ((float)k + 0.5f) / SAMPLES;
                n++;
            }

        Vec3 colour =
            shade(w, c, ids[s], (float)x + px / (float)n, (float)(band->y + row) + py / (float)n);
        float peak = maxf(colour.x, maxf(colour.y, colour.z)), limit = 4.0f;

        if (peak > limit && n < SAMPLES) /* keep edges of lamps from crawling */
            colour = v_scale(colour, limit / peak);
        sum = v_mad(sum, colour, (float)n / SAMPLES);
    }
    return sum;
}

/* Draw the mirrored scene at reduced size, for reflections in level water. */
static bool draw_mirror(World *w) {
    Mirror *m = &w->mirror;
    Camera c = camera_mirrored(&w->camera, 0.0f);
    Outlines outlines;
    Band band;

    m->reduction = 2 + (w->camera.width * w->camera.height > 4000000);
    m->width = (c.width + m->reduction - 1) / m->reduction;
    m->height = (c.height + m->reduction - 1) / m->reduction;

    float scale = 1.0f / (float)m->reduction;
    Vec3 *pixels = malloc((size_t)m->width * (size_t)m->height * sizeof(Vec3));

    c.width = m->width;
    c.height = m->height;
    c.focal *= scale;
    c.cx *= scale;
    c.cy *= scale;
    if (pixels == NULL || !outlines_make(&outlines, &w->mesh, &c)) {
        free(pixels);
        return false;
    }
    if (!band_make(&band, c.width, BAND_ROWS)) {
        outlines_free(&outlines);
        free(pixels);
        return false;
    }
    for (int y = 0; y < c.height; y += BAND_ROWS) {
        band_fill(&band, y, &outlines, &w->mesh);
        for (int row = 0; row < BAND_ROWS && y + row < c.height; row++)
            for (int x = 0; x < c.width; x++) {
                uint32_t id = band.id[(size_t)(row * SAMPLES + 1) * (size_t)c.width + (size_t)x];

                pixels[(size_t)(y + row) * (size_t)c.width + (size_t)x] =
                    (float)(y + row) < w->camera.cy * scale - 3.0f && !id
                        ? w->light.haze
                        : shade(w, &c, id, (float)x + sample_x[1], (float)(y + row) + 0.375f);
            }
    }
    m->pixels = pixels;
    band_free(&band);
    outlines_free(&outlines);
    return true;
}

/* Expose the whole picture. */
static bool draw_picture(World *w, Film *film) {
    Outlines outlines;
    Band band;

    if (!outlines_make(&outlines, &w->mesh, &w->camera))
        return false;
    if (!band_make(&band, w->spec.width, BAND_ROWS)) {
        outlines_free(&outlines);
        return false;
    }
    for (int y = 0; y < w->spec.height; y += BAND_ROWS) {
        band_fill(&band, y, &outlines, &w->mesh);
        for (int row = 0; row < BAND_ROWS && y + row < w->spec.height; row++)
            for (int x = 0; x < w->spec.width; x++)
                film_expose(film, x, y + row, resolve_pixel(w, &w->camera, &band, x, row),
                            w->light.exposure);
    }
    band_free(&band);
    outlines_free(&outlines);
    return true;
}

/* Build the scene: light, building, plants, camera. */
static void set_up(World *w) {
    w->seed = (uint32_t)rng_named(w->spec.scene_seed, "surroundings").state;
    w->paint = paint_choose(&w->spec);
    w->light = light_make(&w->spec, 0.0f); /* builders ask whether lamps are lit */
    building_draw(w);
    w->azimuth = viewpoint(w);
    w->light = light_make(&w->spec, w->azimuth);
    paint_sky(&w->paint, &w->light);

    Bounds shown = w->spec.view == VIEW_ISOMETRIC ? w->plot : w->bounds;

    shown.hi.y = w->bounds.hi.y;
    w->camera = camera_compose(&w->spec, shown, w->azimuth);

    Vec3 middle = v_mix(w->bounds.lo, w->bounds.hi, 0.5f);

    /* Fog is as thick as the building is far, so that it always veils and never hides it. */
    float distance = v_len(v_sub(middle, w->camera.eye));

    w->haze_start = distance * (w->camera.parallel ? 1.2f : 0.45f);
    if (w->spec.weather == WEATHER_FOG && !w->camera.parallel) {
        w->haze_start = 0.04f * distance;
        w->light.haze_density = 0.85f / distance;
    }
    surroundings_draw(w);
    plants_draw(w);
}

/* Light the scene and make the picture; false without memory. */
static bool draw(World *w, Film *film) {
    Vec3 middle = v_mix(w->bounds.lo, w->bounds.hi, 0.5f);
    float radius = 0.5f * v_len(v_sub(w->bounds.hi, w->bounds.lo)) + 9.0f;

    if (w->mesh.failed || !shadows_make(&w->shadows, &w->mesh, &w->light, middle, radius))
        return false;
    surface_light_leaves(w);
    if (needs_mirror(w) && !draw_mirror(w))
        return false;
    return draw_picture(w, film);
}

cairo_surface_t *scene_draw(const SceneSpec *spec) {
    World *w = calloc(1, sizeof *w);
    Film film = {0};
    cairo_surface_t *surface = NULL;

    if (w == NULL)
        return NULL;
    w->spec = resolve(spec);
    set_up(w);
    if (film_make(&film, w->spec.width, w->spec.height) && draw(w, &film)) {
        surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, w->spec.width, w->spec.height);
        if (cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS) {
            film_develop(&film, w, surface);
            weather_draw(w, surface);
        } else {
            cairo_surface_destroy(surface);
            surface = NULL;
        }
    }
    film_free(&film);
    free(w->mirror.pixels);
    shadows_free(&w->shadows);
    mesh_free(&w->mesh);
    free(w);
    return surface;
}
