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
    const Model *chosen =
        registry_pick(registry, provider, "image", choose_tier(render, flash, reason));
    return chosen ? chosen : registry_pick(registry, provider, "image", NULL);
}
