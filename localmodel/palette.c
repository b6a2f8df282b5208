/* Pixels are counted in a coarse OKLab grid, the cells are clustered by weighted k-means from
 * farthest-first centres, near clusters are joined, and the clusters that the eye would name are
 * kept: by share, with a bonus for chroma, because a small orange roof is seen before a large grey
 * shadow. */
#include "palette.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { GRID_L = 24, GRID_AB = 32, CENTRES = 16, ROUNDS = 24 };
enum { CELLS = GRID_L * GRID_AB * GRID_AB };

static const float ab_range = 0.32f;       /* a and b of sRGB lie within */
static const float join_distance = 0.055f; /* clusters nearer than this are one colour */
static const float far_distance = 0.22f;   /* from here on two colours are simply different */
static const float mode_distance = 0.045f; /* around the fullest cell of a cluster */
static const float least_share = 0.006f;

typedef struct Cell {
    double l, a, b, y, count;
} Cell;

static int clamp_int(int value, int most) {
    return value < 0 ? 0 : value > most ? most : value;
}

static size_t cell_of(Lab lab) {
    int l = clamp_int((int)(lab.l * GRID_L), GRID_L - 1);
    int a = clamp_int((int)((lab.a / ab_range + 1) * GRID_AB / 2), GRID_AB - 1);
    int b = clamp_int((int)((lab.b / ab_range + 1) * GRID_AB / 2), GRID_AB - 1);
    return ((size_t)l * GRID_AB + (size_t)a) * GRID_AB + (size_t)b;
}

static Lab cell_lab(const Cell *cell) {
    return (Lab){(float)(cell->l / cell->count), (float)(cell->a / cell->count),
                 (float)(cell->b / cell->count)};
}

static void add_cell(Cell *sum, const Cell *cell) {
    sum->l += cell->l, sum->a += cell->a, sum->b += cell->b;
    sum->y += cell->y, sum->count += cell->count;
}

/* Count the pixels of each cell and pack the cells that have any.  The caller frees them. */
static Cell *count_cells(const Raster *raster, size_t *used) {
    Cell *cells = mem_new(CELLS, sizeof *cells);
    for (int y = 0; y < raster->height; y++) {
        for (int x = 0; x < raster->width; x++) {
            Lab lab = raster->lab[(size_t)y * (size_t)raster->width + (size_t)x];
            Cell one = {lab.l, lab.a, lab.b, (y + 0.5) / raster->height, 1};
            add_cell(&cells[cell_of(lab)], &one);
        }
    }
    *used = 0;
    for (size_t i = 0; i < CELLS; i++)
        if (cells[i].count > 0)
            cells[(*used)++] = cells[i];
    return cells;
}

/* How far apart two colours are for clustering: lightness counts less than chroma, or every shadow
 * would be a colour of its own. */
static float cluster_distance(Lab one, Lab two) {
    float l = (one.l - two.l) * 0.75f, a = one.a - two.a, b = one.b - two.b;
    return sqrtf(l * l + (a * a + b * b) * 1.6f);
}

static int nearest(const Lab *centres, int count, Lab lab, float *distance) {
    int best = 0;
    float least = INFINITY;
    for (int i = 0; i < count; i++) {
        float d = cluster_distance(centres[i], lab);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    if (distance)
        *distance = least;
    return best;
}

/* Start from the fullest cell, then always from the cell that is far from all centres and full. */
static int first_centres(const Cell *cells, size_t used, Lab *centres) {
    float *least = mem_new(used, sizeof *least);
    int count = 0;
    for (size_t i = 0; i < used; i++)
        least[i] = 1;
    while (count < CENTRES && (size_t)count < used) {
        size_t best = 0;
        double most = -1;
        for (size_t i = 0; i < used; i++) {
            double worth = sqrt(cells[i].count) * least[i] * least[i];
            if (worth > most) {
                most = worth;
                best = i;
            }
        }
        if (most <= 0)
            break;
        centres[count++] = cell_lab(&cells[best]);
        for (size_t i = 0; i < used; i++) {
            float d = cluster_distance(centres[count - 1], cell_lab(&cells[i]));
            least[i] = d < least[i] ? d : least[i];
        }
    }
    free(least);
    return count;
}

/* Lloyd's rounds; clusters[] gets the sums. */
static int cluster(const Cell *cells, size_t used, Cell *clusters) {
    Lab centres[CENTRES];
    int count = first_centres(cells, used, centres);
    for (int round = 0; round < ROUNDS; round++) {
        memset(clusters, 0, (size_t)count * sizeof *clusters);
        for (size_t i = 0; i < used; i++)
            add_cell(&clusters[nearest(centres, count, cell_lab(&cells[i]), NULL)], &cells[i]);
        int kept = 0;
        for (int i = 0; i < count; i++)
            if (clusters[i].count > 0)
                clusters[kept++] = clusters[i];
        count = kept;
        for (int i = 0; i < count; i++)
            centres[i] = cell_lab(&clusters[i]);
    }
    return count;
}

/* Join the nearest pair until all are farther apart than join_distance. */
static int join(Cell *clusters, int count) {
    while (count > PALETTE_LEAST) {
        int one = 0, two = 0;
        float least = join_distance;
        for (int i = 0; i < count; i++) {
            for (int j = i + 1; j < count; j++) {
                float d = cluster_distance(cell_lab(&clusters[i]), cell_lab(&clusters[j]));
                if (d < least) {
                    least = d;
                    one = i, two = j;
                }
            }
        }
        if (one == two)
            break;
        add_cell(&clusters[one], &clusters[two]);
        clusters[two] = clusters[--count];
    }
    return count;
}

/* What a cluster is worth to a palette that has some already. */
static double salience(const Cell *cluster, double total, const Cell *chosen, int count) {
    double share = cluster->count / total;
    double least = 1;
    for (int i = 0; i < count; i++) {
        double d = cluster_distance(cell_lab(cluster), cell_lab(&chosen[i])) / far_distance;
        least = d < least ? d : least;
    }
    return sqrt(share) * (1 + 14 * colour_chroma(cell_lab(cluster))) * least *
           (share < least_share ? 0.1 : 1);
}

/* Bring the most salient clusters to the front.  Returns how many a palette takes. */
static int choose(Cell *clusters, int count, double total) {
    int chosen = 0;
    while (chosen < count && chosen < PALETTE_MOST) {
        int best = chosen;
        double most = -1;
        for (int i = chosen; i < count; i++) {
            double worth = salience(&clusters[i], total, clusters, chosen);
            if (worth > most) {
                most = worth;
                best = i;
            }
        }
        if (chosen >= PALETTE_LEAST && clusters[best].count / total < least_share)
            break;
        Cell cell = clusters[chosen];
        clusters[chosen++] = clusters[best];
        clusters[best] = cell;
    }
    return chosen;
}

/* A mean greys what it averages: take the colour around the cluster's fullest cell instead. */
static Lab dominant(const Cell *cells, size_t used, const Cell *clusters, int count, int which) {
    Lab centres[CENTRES + PALETTE_LEAST];
    size_t fullest = used;
    Cell sum = {0};
    for (int i = 0; i < count; i++)
        centres[i] = cell_lab(&clusters[i]);
    for (size_t i = 0; i < used; i++)
        if (nearest(centres, count, cell_lab(&cells[i]), NULL) == which &&
            (fullest == used || cells[i].count > cells[fullest].count))
            fullest = i;
    if (fullest == used)
        return centres[which];
    for (size_t i = 0; i < used; i++)
        if (cluster_distance(cell_lab(&cells[i]), cell_lab(&cells[fullest])) < mode_distance)
            add_cell(&sum, &cells[i]);
    return cell_lab(&sum);
}

/* Sort by share, falling; equal shares by lightness so that the order is fixed. */
static void sort_cells(Cell *clusters, int count) {
    for (int i = 1; i < count; i++) {
        for (int j = i; j > 0; j--) {
            Cell one = clusters[j - 1], two = clusters[j];
            if (two.count < one.count || (two.count == one.count && two.l <= one.l))
                break;
            clusters[j - 1] = two;
            clusters[j] = one;
        }
    }
}

/* A picture of fewer colours than a palette has: shades of what is there. */
static int fill_up(Cell *clusters, int count) {
    static const double steps[] = {0.12, -0.12, 0.22, -0.22, 0.32};
    int have = count;
    for (int i = 0; have < PALETTE_LEAST; i++) {
        Cell shade = clusters[0];
        double l = shade.l / shade.count + steps[i % 5];
        shade.l = (l < 0 ? -l * 0.5 : l > 1 ? 2 - l : l) * 1e-6;
        shade.a *= 1e-6 / shade.count, shade.b *= 1e-6 / shade.count;
        shade.y *= 1e-6 / shade.count;
        shade.count = 1e-6;
        clusters[have++] = shade;
    }
    return have;
}

static void write_colour(PaletteColour *colour, const Cell *cell, Lab lab, double total) {
    colour->lab = lab;
    colour->rgb = colour_rgb(lab);
    colour->share = (float)(cell->count / total);
    colour->y = (float)(cell->y / cell->count);
}

/* Have two clusters met in the same colour? */
static bool is_listed(const Palette *palette, int count, Lab lab) {
    Rgb rgb = colour_rgb(lab);
    for (int i = 0; i < count; i++)
        if (memcmp(&palette->colours[i].rgb, &rgb, sizeof rgb) == 0)
            return true;
    return false;
}

/* Two colours of one palette get two names: a memory is compared by names. */
static void name_colours(Palette *palette) {
    const char *taken[PALETTE_MOST];
    for (int i = 0; i < palette->count; i++) {
        PaletteColour *colour = &palette->colours[i];
        taken[i] = colour_name_other(colour->rgb, taken, (size_t)i);
        colour_entry(colour->rgb, taken[i], colour->entry);
    }
}

void palette_measure(const Raster *raster, Palette *palette) {
    size_t used;
    Cell *cells = count_cells(raster, &used);
    Cell clusters[CENTRES + PALETTE_LEAST];
    double total = (double)raster->width * raster->height;
    int found = join(clusters, cluster(cells, used, clusters));
    int count = choose(clusters, found, total);
    sort_cells(clusters, count);
    for (int i = 0; i < count; i++) {
        Lab lab = dominant(cells, used, clusters, found, i);
        if (is_listed(palette, i, lab))
            lab = cell_lab(&clusters[i]);
        write_colour(&palette->colours[i], &clusters[i], lab, total);
    }
    palette->count = fill_up(clusters, count);
    for (int i = count; i < palette->count; i++)
        write_colour(&palette->colours[i], &clusters[i], cell_lab(&clusters[i]), total);
    name_colours(palette);
    free(cells);
}
