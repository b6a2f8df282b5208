/* Reading the small XML documents that S3 answers with: elements by name, without attributes. */
#ifndef RC_XML_H
#define RC_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

typedef struct XmlPart {
    const char *start, *end; /* what stands between two tags */
} XmlPart;

/* Find the next element of a name in a part, from *at on (NULL: from its start), and move *at
 * behind it. False where there is none. */
bool xml_next(XmlPart whole, const char **at, const char *name, XmlPart *found);

/* The text of the first element of a name, without entities; the caller's. NULL where there is
 * none. */
char *xml_text(XmlPart whole, const char *name);

#endif
