/* scene_light.h - the sun, the colours of the sky and the air, by time of day and weather. */
#ifndef RENDERCHAIN_SCENE_LIGHT_H
#define RENDERCHAIN_SCENE_LIGHT_H

#include "scene.h"

#include "scene_math.h"

typedef struct Light {
    Vec3 to_sun;                  /* unit vector towards the sun, or the moon at night */
    Vec3 sun;                     /* its light on a surface that faces it */
    Vec3 zenith, middle, horizon; /* the sky from above to the ground line */
    Vec3 glow;                    /* around the sun */
    Vec3 haze;                    /* what distance fades to */
    Vec3 cloud_lit, cloud_shade;
    float cloud_cover;  /* 0 none .. 1 closed */
    float haze_density; /* a metre */
    float sky_gain;     /* of the sky as a source of light */
    float stars;        /* 0..1 */
    float lamps;        /* strength of lamps and lit rooms */
    float lit_share;    /* of the rooms that have their lights on */
    float exposure;
    bool moon;
} Light;

/* The light of a scene seen along `azimuth` (radians; 0 looks along +z). */
Light light_make(const SceneSpec *spec, float azimuth);

/* The clear sky in a direction, without clouds, sun disc or stars. */
Vec3 light_sky(const Light *light, Vec3 direction);

#endif
