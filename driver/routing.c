/* Which model draws: rules, no network. */
#include <string.h>

#include "model_limits.h"
#include "recipe.h"
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

/* Can a model do what is asked? */
static bool can(const void *context, const Model *model) {
    return limit_passed(context, model) == LIMIT_NONE;
}

/* The best model that can do what is asked, of a tier or (NULL) of any. */
static const Model *pick_able(const Render *render, const char *kind, const char *tier) {
    const App *app = render->app;
    return registry_pick_fitting(&app->registry, app->provider.name, kind, tier, can, render);
}

/* Take the model of a tier; where there is none, or it cannot do what is asked, another one. */
static const Model *take_tier(const Render *render, const char *kind, const char *tier,
                              const char **reason) {
    static const char *const reasons[LIMIT_COUNT] = {
        [LIMIT_NONE] = "",
        [LIMIT_SHAPE] = "the only model that supports the aspect ratio",
        [LIMIT_DURATION] = "the only model that supports the length",
        [LIMIT_REFERENCES] = "the only model that takes so many references",
        [LIMIT_PROMPT] = "the only model that takes so long a prompt",
        [LIMIT_PREVIOUS] = "the only model that goes on from that video"};
    const App *app = render->app;
    const Model *chosen = registry_pick(&app->registry, app->provider.name, kind, tier);
    if (chosen && can(render, chosen))
        return chosen;
    const Model *other = pick_able(render, kind, tier);
    if (!other)
        other = pick_able(render, kind, NULL);
    if (chosen && other)
        *reason = reasons[limit_passed(render, chosen)];
    else if (other)
        *reason = "the only model that the provider has";
    return other;
}

/* Is the video to go on from a file of ours? Services take no other videos than their own. */
static bool goes_on_from_file(const Render *render) {
    const json_t *named = json_object_get(render->request, "previousVideo");
    return render_is_video(render) && named && !json_is_null(named) &&
           !json_object_get(named, "url") && !json_object_get(named, "key");
}

/* Say why the request can be drawn by no model that it may be drawn by. */
char *route_refusal(const Render *render) {
    if (goes_on_from_file(render))
        return mem_strdup("previousVideo is a file, and services go on only from videos of their "
                          "own: give the key of one that was rendered here, or its address at the "
                          "provider");
    const App *app = render->app;
    const char *kind = render_is_video(render) ? "video" : "image";
    const char *forced = request_text(render, "forceModel");
    const Model *model = forced ? registry_find(&app->registry, forced)
                                : registry_pick(&app->registry, app->provider.name, kind, NULL);
    Limit limit = model ? limit_passed(render, model) : LIMIT_NONE;
    if (limit == LIMIT_NONE || (!forced && pick_able(render, kind, NULL)))
        return NULL;
    return limit_explain(render, model, limit);
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

/* The largest size the model has of those that the quality is worth; of these that which is
 * wanted, unless NULL. */
static const char *choose_size(const Model *model, const char *quality, const char *wanted) {
    static const char *const sizes[] = {"4K", "2K", "1K"};
    size_t first = 2;
    if (quality && strcmp(quality, "ultra") == 0)
        first = 0;
    else if (quality && strcmp(quality, "high") == 0)
        first = 1;
    for (size_t i = first; i < 3; i++)
        if ((!wanted || strcmp(sizes[i], wanted) == 0) && model_supports(model, "sizes", sizes[i]))
            return sizes[i];
    return NULL;
}

/* The resolution of a video that its quality is worth. Veo has 1080p only at its full length. */
static const char *choose_resolution(const Render *render, const Model *model) {
    const char *quality = request_text(render, "quality");
    const char *wire = json_string_value(json_object_get(model->definition, "wire"));
    bool fine = quality && strcmp(quality, "standard") != 0;
    bool can = model_supports(model, "resolutions", "1080p") &&
               (render_seconds(render) == 8 || !wire || strcmp(wire, "veo") != 0);
    return fine && can ? "1080p" : "720p";
}

/* Choose the size, which is the recipe's where that is what the quality has been paid for; tells
 * whether it is. */
static bool set_size(Render *render) {
    const char *wanted = recipe_size(render);
    if (render_is_video(render)) {
        const char *best = choose_resolution(render, render->image_model);
        bool fits = !wanted || strcmp(wanted, best) == 0 || strcmp(wanted, "720p") == 0;
        render->image_size = wanted && fits ? wanted : best;
        return fits;
    }
    render->image_size = choose_size(render->image_model, request_text(render, "quality"), wanted);
    return !wanted || render->image_size;
}

/* Choose the size; says what the chosen model cannot do of what a recipe says, or NULL. */
char *route_size(Render *render) {
    const char *quality = request_text(render, "quality");
    const char *id = render->image_model->id;
    if (!set_size(render))
        return mem_printf("the recipe's size is \"%.20s\", which %s does not make at quality %s",
                          recipe_size(render), id, quality ? quality : "standard");
    if (recipe_repeats(render) && !limit_takes_prompt(render->image_model, render->prompt))
        return mem_printf("the recipe's final prompt has more characters than %s takes: name "
                          "another model, or have it written anew with --analyze",
                          id);
    return NULL;
}
