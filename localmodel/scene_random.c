/* scene_random.c - SplitMix64 streams and value noise. */
#include "scene_random.h"

#include "scene_math.h"

/* One step of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t step(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

Rng rng_named(uint64_t seed, const char *name) {
    Rng rng = {seed ^ 0xa0761d6478bd642fu};

    for (; *name != '\0'; name++)
        rng.state = (rng.state ^ (unsigned char)*name) * 0x100000001b3u;
    step(&rng.state);
    return rng;
}

uint32_t rng_next(Rng *rng) {
    return (uint32_t)(step(&rng->state) >> 32);
}

float rng_unit(Rng *rng) {
    return (float)(rng_next(rng) >> 8) * (1.0f / 16777216.0f);
}

float rng_range(Rng *rng, float lo, float hi) {
    return lo + (hi - lo) * rng_unit(rng);
}

int rng_int(Rng *rng, int lo, int hi) {
    return hi <= lo ? lo : lo + (int)(rng_next(rng) % (uint32_t)(hi - lo + 1));
}

bool rng_chance(Rng *rng, float p) {
    return rng_unit(rng) < p;
}

/* Spread the bits of a lattice point; cheaper than hash3(), good enough between neighbours. */
static inline float corner(uint32_t h) {
    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    h ^= h >> 12;
    h *= 0x297a2d39u;
    return (float)(h >> 8) * (1.0f / 16777216.0f);
}

float noise2(float x, float y, uint32_t seed) {
    int32_t ix = floori(x), iy = floori(y);
    float tx = x - (float)ix, ty = y - (float)iy;

    tx = tx * tx * (3.0f - 2.0f * tx);
    ty = ty * ty * (3.0f - 2.0f * ty);

    uint32_t x0 = (uint32_t)ix * 0x8da6b343u ^ seed * 0xcb1ab31fu, y0 = (uint32_t)iy * 0xd8163841u;
    uint32_t x1 = ((uint32_t)ix + 1) * 0x8da6b343u ^ seed * 0xcb1ab31fu, y1 = y0 + 0xd8163841u;
    float a = corner(x0 ^ y0), b = corner(x1 ^ y0), c = corner(x0 ^ y1), d = corner(x1 ^ y1);
    float top = a + (b - a) * tx, bottom = c + (d - c) * tx;

    return 2.0f * (top + (bottom - top) * ty) - 1.0f;
}

float fbm2(float x, float y, int octaves, uint32_t seed) {
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
