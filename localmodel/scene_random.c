/* scene_random.c - SplitMix64 streams and value noise. */
#include "scene_random.h"

#include <math.h>

/* One step of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t step(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

Rng rng_named(uint64_t seed, const char *name)
{
    Rng rng = {seed ^ 0xa0761d6478bd642fu};

    for (; *name != '\0'; name++)
        rng.state = (rng.state ^ (unsigned char)*name) * 0x100000001b3u;
    step(&rng.state);
    return rng;
}

uint32_t rng_next(Rng *rng) { return (uint32_t)(step(&rng->state) >> 32); }

float rng_unit(Rng *rng) { return (float)(rng_next(rng) >> 8) * (1.0f / 16777216.0f); }

float rng_range(Rng *rng, float lo, float hi) { return lo + (hi - lo) * rng_unit(rng); }

int rng_int(Rng *rng, int lo, int hi)
{
    return hi <= lo ? lo : lo + (int)(rng_next(rng) % (uint32_t)(hi - lo + 1));
}

bool rng_chance(Rng *rng, float p) { return rng_unit(rng) < p; }

float noise2(float x, float y, uint32_t seed)
{
    float fx = floorf(x), fy = floorf(y);
    int32_t ix = (int32_t)fx, iy = (int32_t)fy;
    float tx = x - fx, ty = y - fy;

    tx = tx * tx * (3.0f - 2.0f * tx);
    ty = ty * ty * (3.0f - 2.0f * ty);

    float a = hash_unit(ix, iy, seed), b = hash_unit(ix + 1, iy, seed);
    float c = hash_unit(ix, iy + 1, seed), d = hash_unit(ix + 1, iy + 1, seed);
    float top = a + (b - a) * tx, bottom = c + (d - c) * tx;

    return 2.0f * (top + (bottom - top) * ty) - 1.0f;
}

float fbm2(float x, float y, int octaves, uint32_t seed)
{
    float sum = 0.0f, amplitude = 0.5f;

    for (int i = 0; i < octaves; i++) {
        float turned = 0.8f * x - 0.6f * y; /* turning the octaves hides the lattice */

        sum += amplitude * noise2(x, y, seed + (uint32_t)i);
        y = 2.03f * (0.6f * x + 0.8f * y) + 17.3f;
        x = 2.03f * turned + 5.1f;
        amplitude *= 0.5f;
    }
    return sum;
}
