/* prompt_writer.h - the prompt that draws, from the user's words and all that is known. */
#ifndef RENDERCHAIN_PROMPT_WRITER_H
#define RENDERCHAIN_PROMPT_WRITER_H

#include "gemini_request.h"
#include "prompt_facts.h"

/* How the sentences begin that the writer adds after the user's own words. */
#define SENTENCE_BUILDING "Keep the building of the earlier images: "
#define SENTENCE_PALETTE "Keep the palette: "
#define SENTENCE_REFERENCE "Follow the reference: "
#define SENTENCE_STYLE "Take the style from the style image: "
#define SENTENCE_LIGHT "Light: "
#define SENTENCE_VIEW "View: "
#define SENTENCE_FINISH "Finish: "

/* {"optimizedPrompt", "negativePrompt"} for a request.  A new reference. */
json_t *prompt_write(const Request *request) __attribute__((warn_unused_result));

/* Read such a prompt, or any other: the user's words, light and view into *wish, the building to
 * keep and references into *keep. */
void prompt_read(const char *prompt, Facts *wish, Facts *keep);

#endif
