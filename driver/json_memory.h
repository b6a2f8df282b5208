/* Where values of JSON are: small pieces, three of four that are asked for at all. With a thousand
 * renders that begin and end malloc was busy for half of the time with putting what had been freed
 * together again. Pieces of a size come from blocks of their own here and are used again as they
 * are. What jansson gives is freed by jansson: of texts json_text() makes one that free() takes. */
#ifndef RC_JSON_MEMORY_H
#define RC_JSON_MEMORY_H

/* Have jansson use it, before anything else does; it is of the thread that does all but syncing. */
void json_use_memory(void);

#endif
