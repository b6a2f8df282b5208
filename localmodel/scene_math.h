/*
 * scene_math.h - vectors, colours and small scalar helpers of the scene renderer.
 *
 * Coordinates are metres: x to the right, y up, z away from the viewer; fronts of buildings look
 * towards -z.  Colours are linear light, 1 being the white of a lit wall at noon.
 */
#ifndef RENDERCHAIN_SCENE_MATH_H
#define RENDERCHAIN_SCENE_MATH_H

#include <math.h>
#include <stdint.h>

#define PI_F 3.14159265f

typedef struct Vec3 {
    float x, y, z;
} Vec3;

static inline Vec3 v3(float x, float y, float z) {
    return (Vec3){x, y, z};
}
static inline Vec3 v_add(Vec3 a, Vec3 b) {
    return v3(a.x + b.x, a.y + b.y, a.z + b.z);
}
static inline Vec3 v_sub(Vec3 a, Vec3 b) {
    return v3(a.x - b.x, a.y - b.y, a.z - b.z);
}
static inline Vec3 v_mul(Vec3 a, Vec3 b) {
    return v3(a.x * b.x, a.y * b.y, a.z * b.z);
}
static inline Vec3 v_scale(Vec3 a, float s) {
    return v3(a.x * s, a.y * s, a.z * s);
}
static inline Vec3 v_mad(Vec3 a, Vec3 b, float s) {
    return v3(a.x + b.x * s, a.y + b.y * s, a.z + b.z * s);
}
static inline float v_dot(Vec3 a, Vec3 b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
static inline Vec3 v_cross(Vec3 a, Vec3 b) {
    return v3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
static inline float v_len(Vec3 a) {
    return sqrtf(v_dot(a, a));
}
static inline Vec3 v_norm(Vec3 a) {
    float l = v_len(a);

    return l > 1e-12f ? v_scale(a, 1.0f / l) : v3(0, 1, 0);
}
static inline Vec3 v_mix(Vec3 a, Vec3 b, float t) {
    return v3(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t, a.z + (b.z - a.z) * t);
}

static inline float minf(float a, float b) {
    return a < b ? a : b;
}
static inline float maxf(float a, float b) {
    return a > b ? a : b;
}
static inline float clampf(float x, float lo, float hi) {
    return x < lo ? lo : x > hi ? hi : x;
}
static inline float mixf(float a, float b, float t) {
    return a + (b - a) * t;
}
static inline float smooth(float lo, float hi, float x) {
    float t = clampf((x - lo) / (hi - lo), 0.0f, 1.0f);

    return t * t * (3.0f - 2.0f * t);
}

/* floorf() without a call: plain x86-64 has no instruction for it.  |x| must be below 2^31. */
static inline int32_t floori(float x) {
    int32_t i = (int32_t)x;

    return i - (x < (float)i);
}
static inline float fractf(float x) {
    return x - (float)floori(x);
}
static inline float luma(Vec3 c) {
    return 0.2126f * c.x + 0.7152f * c.y + 0.0722f * c.z;
}

/* Turn 0..1 sRGB into linear light. */
static inline float srgb_to_linear(float s) {
    return s <= 0.04045f ? s / 12.92f : powf((s + 0.055f) / 1.055f, 2.4f);
}

/* The linear colour of 0xRRGGBB. */
static inline Vec3 rgb_hex(uint32_t hex) {
    return v3(srgb_to_linear((float)(hex >> 16 & 255) / 255.0f),
              srgb_to_linear((float)(hex >> 8 & 255) / 255.0f),
              srgb_to_linear((float)(hex & 255) / 255.0f));
}

#endif
