/* scene_mesh.c - growing lists of faces, and the solids made of them. */
#include "scene_mesh.h"

#include <stdlib.h>

/* Return the list with room for `more` elements; NULL (and mesh->failed) without memory. */
static void *grown(Mesh *mesh, void *list, size_t *cap, size_t used, size_t more, size_t size) {
    if (mesh->failed)
        return NULL;
    if (used + more <= *cap)
        return list;

    size_t wanted = *cap == 0 ? 1024 : *cap * 2;
    void *bigger = realloc(list, wanted * size);

    if (bigger == NULL)
        mesh->failed = true;
    else
        *cap = wanted;
    return bigger;
}

void mesh_free(Mesh *mesh) {
    free(mesh->points);
    free(mesh->faces);
    free(mesh->panes);
}

int mesh_surface(Mesh *mesh, Surface surface) {
    if (mesh->n_surfaces < MESH_MAX_SURFACES)
        mesh->n_surfaces++;
    mesh->surfaces[mesh->n_surfaces - 1] = surface;
    return mesh->n_surfaces - 1;
}

int mesh_pane(Mesh *mesh, Pane pane) {
    Pane *panes = grown(mesh, mesh->panes, &mesh->cap_panes, mesh->n_panes, 1, sizeof(Pane));

    if (panes == NULL)
        return -1;
    mesh->panes = panes;
    mesh->panes[mesh->n_panes] = pane;
    return (int)mesh->n_panes++;
}

/* Newell's normal: right for any flat polygon, however its first corners lie. */
static Vec3 polygon_normal(const Vec3 *p, int n) {
    Vec3 sum = v3(0, 0, 0);

    for (int i = 0; i < n; i++)
        sum = v_add(sum, v_cross(v_sub(p[i], p[0]), v_sub(p[(i + 1) % n], p[0])));
    return sum;
}

Face *mesh_polygon(Mesh *mesh, int surface, const Vec3 *points, int n) {
    Vec3 normal = polygon_normal(points, n);
    float area = v_len(normal);

    if (n < 3 || n > FACE_MAX_POINTS || area < 1e-7f)
        return NULL;

    Vec3 *room =
        grown(mesh, mesh->points, &mesh->cap_points, mesh->n_points, (size_t)n, sizeof(Vec3));

    if (room == NULL)
        return NULL;
    mesh->points = room;

    Face *faces = grown(mesh, mesh->faces, &mesh->cap_faces, mesh->n_faces, 1, sizeof(Face));

    if (faces == NULL)
        return NULL;
    mesh->faces = faces;

    Face *face = &mesh->faces[mesh->n_faces++];

    *face = (Face){.first = (uint32_t)mesh->n_points,
                   .n = (uint8_t)n,
                   .surface = (uint8_t)surface,
                   .coverage = 15,
                   .pane = -1,
                   .normal = v_scale(normal, 1.0f / area)};
    /* u runs level along the face, v up its slope, so that courses lie as a mason lays them. */
    if (fabsf(face->normal.y) > 0.999f)
        face->u = v3(1, 0, 0);
    else
        face->u = v_norm(v_cross(v3(0, 1, 0), face->normal));
    face->v = v_cross(face->normal, face->u);
    face->offset = v_dot(face->normal, points[0]);
    for (int i = 0; i < n; i++)
        mesh->points[mesh->n_points++] = points[i];
    return face;
}

Face *mesh_quad(Mesh *mesh, int surface, Vec3 a, Vec3 b, Vec3 c, Vec3 d) {
    return mesh_polygon(mesh, surface, (Vec3[]){a, b, c, d}, 4);
}

void mesh_triangle(Mesh *mesh, int surface, Vec3 a, Vec3 b, Vec3 c) {
    mesh_polygon(mesh, surface, (Vec3[]){a, b, c}, 3);
}

void mesh_frame_box(Mesh *mesh, int surface, const Frame *f, Vec3 lo, Vec3 hi) {
    /* The corners of each side, as bits x = 1, y = 2, z = 4, so that normals point outwards for a
     * right-handed frame; shading turns normals to the viewer anyway. */
    static const uint8_t sides[6][4] = {{0, 1, 3, 2}, {4, 6, 7, 5}, {0, 4, 5, 1},
                                        {2, 3, 7, 6}, {0, 2, 6, 4}, {1, 5, 7, 3}};
    Vec3 corner[8];

    for (int i = 0; i < 8; i++)
        corner[i] = frame_at(f, i & 1 ? hi.x : lo.x, i & 2 ? hi.y : lo.y, i & 4 ? hi.z : lo.z);
    for (int i = 0; i < 6; i++)
        mesh_quad(mesh, surface, corner[sides[i][0]], corner[sides[i][1]], corner[sides[i][2]],
                  corner[sides[i][3]]);
}

void mesh_box(Mesh *mesh, int surface, Vec3 lo, Vec3 hi) {
    const Frame world = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

    mesh_frame_box(mesh, surface, &world, lo, hi);
}

void mesh_lathe(Mesh *mesh, int surface, Vec3 c, const float (*profile)[2], int n, int sides,
                float turn) {
    for (int s = 0; s < sides; s++) {
        float a = turn + 2.0f * PI_F * (float)s / (float)sides;
        float b = turn + 2.0f * PI_F * (float)(s + 1) / (float)sides;
        Vec3 da = v3(cosf(a), 0, sinf(a)), db = v3(cosf(b), 0, sinf(b));

        for (int i = 0; i + 1 < n; i++) {
            float r0 = profile[i][0], r1 = profile[i + 1][0];
            Vec3 low = v3(c.x, c.y + profile[i][1], c.z);
            Vec3 top = v3(c.x, c.y + profile[i + 1][1], c.z);

            Face *face = mesh_quad(mesh, surface, v_mad(low, da, r0), v_mad(top, da, r1),
                                   v_mad(top, db, r1), v_mad(low, db, r0));

            if (face != NULL) {
                face->round = true;
                face->lit = c;
            }
        }
    }
}

void mesh_column(Mesh *mesh, int surface, Vec3 foot, float height, float r0, float r1, int sides) {
    float profile[3][2] = {{r0, 0}, {r1, height}, {0, height}};

    mesh_lathe(mesh, surface, foot, profile, 3, sides, 0.3f);
}

void mesh_bar(Mesh *mesh, int surface, Vec3 a, Vec3 b, float thick_a, float thick_b, int sides) {
    Vec3 axis = v_norm(v_sub(b, a));
    Vec3 side = v_norm(v_cross(axis, fabsf(axis.y) > 0.9f ? v3(1, 0, 0) : v3(0, 1, 0)));
    Vec3 other = v_cross(axis, side);

    for (int s = 0; s < sides; s++) {
        float t0 = 2.0f * PI_F * ((float)s + 0.5f) / (float)sides;
        float t1 = 2.0f * PI_F * ((float)s + 1.5f) / (float)sides;
        Vec3 d0 = v_mad(v_scale(side, cosf(t0)), other, sinf(t0));
        Vec3 d1 = v_mad(v_scale(side, cosf(t1)), other, sinf(t1));

        mesh_quad(mesh, surface, v_mad(a, d0, thick_a), v_mad(b, d0, thick_b),
                  v_mad(b, d1, thick_b), v_mad(a, d1, thick_a));
    }
}
