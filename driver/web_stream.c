/* Answers that go on: events are sent as they come, and a client that reads more slowly than they
 * come is told so by those who send, or let go. */
#include <stdlib.h>
#include <string.h>

#include "web_private.h"

enum { STREAM_BLOCK = 4 << 10, STREAM_FULL = 256 << 10, STREAM_BUFFERED = 1 << 20 };

struct WebStream {
    WebRequest *request;
    Buf pending;
    bool asleep, ending;
    WebGone *gone;
    WebEmpty *empty;
    void *context;
};

/* Give what is there; sleep where nothing is. */
static ssize_t read_stream(void *context, uint64_t position, char *to, size_t most) {
    WebStream *stream = context;
    (void)position;
    size_t length = stream->pending.length < most ? stream->pending.length : most;
    if (length == 0 && (stream->ending || stream->request->web->stopping))
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (length == 0) {
        stream->asleep = true;
        MHD_suspend_connection(stream->request->connection);
        stream->empty(stream->context);
        return 0;
    }
    memcpy(to, stream->pending.data, length);
    memmove(stream->pending.data, stream->pending.data + length, stream->pending.length - length);
    stream->pending.length -= length;
    return (ssize_t)length;
}

/* The last who held the answer has let it go. */
static void free_stream(void *context) {
    WebStream *stream = context;
    buf_free(&stream->pending);
    free(stream);
}

/* The client is gone, or the stream ended. */
void web_stream_over(WebRequest *request) {
    if (!request->stream)
        return;
    request->web->counts.streams--;
    request->stream->gone(request->stream->context);
    request->stream = NULL;
}

/* Answer with a stream. */
WebStream *web_answer_stream(WebRequest *request, WebGone *gone, WebEmpty *empty, void *context) {
    WebStream *stream = mem_alloc(sizeof *stream);
    *stream = (WebStream){.request = request, .gone = gone, .empty = empty, .context = context};
    buf_init(&stream->pending, STREAM_BUFFERED);
    request->web->counts.streams++;
    request->stream = stream;
    request->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
                                                          read_stream, stream, free_stream);
    web_finish(request, 200, "text/event-stream");
    return stream;
}

/* Wake a stream that sleeps. */
static void wake_stream(WebStream *stream) {
    if (!stream->asleep)
        return;
    stream->asleep = false;
    web_wake(stream->request);
}

/* Does enough wait to be read? */
bool web_stream_is_full(const WebStream *stream) {
    return stream->pending.length >= STREAM_FULL;
}

/* Send. */
void web_stream_send(WebStream *stream, const char *text) {
    if (stream->ending)
        return;
    if (!buf_append(&stream->pending, text, strlen(text)))
        stream->ending = true;
    wake_stream(stream);
}

/* End it. */
void web_stream_end(WebStream *stream) {
    stream->ending = true;
    wake_stream(stream);
}
