/* Which model draws: rules, no network. */
#include <string.h>

#include "render.h"

/* Tools whose pictures are measured rather than admired. */
static const char *const exact_tools[] = {"cad", "section", "elevation", "technical"};

/* Does the request come from a tool that needs exactness? */
static bool needs_exactness(const Render *render) {
    const json_t *tool = json_object_get(render->request, "toolContext");
    const char *id = json_string_value(json_object_get(tool, "toolId"));
    for (size_t i = 0; id && i < sizeof exact_tools / sizeof exact_tools[0]; i++)
        if (strstr(id, exact_tools[i]))
            return true;
    return false;
}

/* Say which tier the rules choose, and why. */
static const char *choose_tier(const Render *render, const Model *flash, const char **reason) {
    const char *quality = request_text(render, "quality");
    const char *complexity = json_string_value(json_object_get(render->intent, "complexity"));
    if (complexity && strcmp(complexity, "complex") == 0) {
        *reason = "the prompt is complex";
        return "pro";
    }
    if (quality && strcmp(quality, "ultra") == 0) {
        *reason = "ultra quality";
        return "pro";
    }
    if (needs_exactness(render)) {
        *reason = "the tool needs exact drawing";
        return "pro";
    }
    if (quality && strcmp(quality, "high") == 0) {
        bool able = flash && model_supports(flash, "qualities", "high");
        *reason = able ? "high quality, which the fast model supports"
                       : "high quality, which the fast model does not support";
        return able ? "flash" : "pro";
    }
    *reason = "nothing asks for more than the fast model";
    return "flash";
}

/* Can a model draw the asked shape? One that lists none can. */
static bool has_shape(const Render *render, const Model *model) {
    const json_t *shapes = json_object_get(model->definition, "aspectRatios");
    const char *shape = request_text(render, "aspectRatio");
    return !shape || !json_is_array(shapes) || model_supports(model, "aspectRatios", shape);
}

/* The first model in use that can draw the asked shape, of any tier. */
static const Model *any_with_shape(const Render *render, const char *kind) {
    const App *app = render->app;
    for (size_t i = 0; i < app->registry.count; i++) {
        const Model *model = &app->registry.models[i];
        if (!model->retired && strcmp(model->provider, app->provider.name) == 0 &&
            strcmp(model->kind, kind) == 0 && has_shape(render, model))
            return model;
    }
    return NULL;
}

/* Take the model of a tier; where there is none, or it cannot draw the shape, another one. */
static const Model *take_tier(const Render *render, const char *kind, const char *tier,
                              const char **reason) {
    const App *app = render->app;
    const Model *chosen = registry_pick(&app->registry, app->provider.name, kind, tier);
    if (chosen && has_shape(render, chosen))
        return chosen;
    const Model *other = any_with_shape(render, kind);
    if (chosen && other)
        *reason = "the only model that supports the aspect ratio";
    else if (other)
        *reason = "the only model that the provider has";
    return other;
}

/* Choose the video model. */
const Model *route_video(const Render *render, const char **reason) {
    const char *quality = request_text(render, "quality");
    const char *complexity = json_string_value(json_object_get(render->intent, "complexity"));
    const char *forced = request_text(render, "forceModel");
    bool fine = quality && strcmp(quality, "standard") != 0;
    bool complex = complexity && strcmp(complexity, "complex") == 0;
    *reason = complex ? "the prompt is complex"
              : fine  ? "high or ultra quality"
                      : "nothing asks for more than the fast model";
    if (forced)
        *reason = "the request names it";
    return forced ? registry_find(&render->app->registry, forced)
                  : take_tier(render, "video", complex || fine ? "standard" : "fast", reason);
}

/* Choose the image model. */
const Model *route_image(const Render *render, const char **reason) {
    const Registry *registry = &render->app->registry;
    const char *provider = render->app->provider.name;
    const char *forced = request_text(render, "forceModel");
    if (forced) {
        *reason = "the request names it";
        return registry_find(registry, forced);
    }
    const Model *flash = registry_pick(registry, provider, "image", "flash");
    const char *tier = choose_tier(render, flash, reason);
    return take_tier(render, "image", tier, reason);
}
