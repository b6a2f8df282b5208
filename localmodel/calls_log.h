/* calls_log.h - what the server was asked, for tests that prove what was sent. */
#ifndef RENDERCHAIN_CALLS_LOG_H
#define RENDERCHAIN_CALLS_LOG_H

#include "gemini_request.h"

typedef struct CallsLog CallsLog;

CallsLog *calls_log_new(void);
void calls_log_free(CallsLog *log);

/* Number a call; *nth gets its number among those of its stage.  Both from 1.  Thread-safe, as are
 * the others.  The times are milliseconds since the server started. */
unsigned long calls_log_begin(CallsLog *log, Task stage, const char *model, const char *prompt,
                              double started_ms, unsigned long *nth);

/* Note how it ended; status 0 means that no answer was given. */
void calls_log_end(CallsLog *log, unsigned long call, int status, double ended_ms);

/* The log as a JSON array.  The caller frees it. */
char *calls_log_json(CallsLog *log);

#endif
