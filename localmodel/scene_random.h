/*
 * scene_random.h - reproducible randomness: hashes, named streams and noise.
 *
 * Every decision draws from a stream named after what it decides, so that adding one detail does
 * not move all the others.
 */
#ifndef RENDERCHAIN_SCENE_RANDOM_H
#define RENDERCHAIN_SCENE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Rng {
    uint64_t state;
} Rng;

/* A stream of its own for the seed and the name of what is decided. */
Rng rng_named(uint64_t seed, const char *name);
uint32_t rng_next(Rng *rng);
float rng_unit(Rng *rng);                      /* 0 <= x < 1 */
float rng_range(Rng *rng, float lo, float hi); /* lo <= x < hi */
int rng_int(Rng *rng, int lo, int hi);         /* lo <= i <= hi */
bool rng_chance(Rng *rng, float p);

/* Mix three integers into 32 well spread bits. */
static inline uint32_t hash3(int32_t x, int32_t y, uint32_t seed) {
    uint32_t h = (uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u ^ seed * 0xcb1ab31fu;

    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    h ^= h >> 13;
    h *= 0x297a2d39u;
    return h ^ h >> 16;
}

/* The same as a number 0 <= x < 1. */
static inline float hash_unit(int32_t x, int32_t y, uint32_t seed) {
    return (float)(hash3(x, y, seed) >> 8) * (1.0f / 16777216.0f);
}

/* Smooth noise of period 1, -1..1, and the sum of `octaves` of it, about -1..1. */
float noise2(float x, float y, uint32_t seed);
float fbm2(float x, float y, int octaves, uint32_t seed);

#endif
