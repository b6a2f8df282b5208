#include "sending.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { DRIP_STEPS = 40, DRIP_MS = 50, WAIT_STEP_MS = 100, HUGE_BLOCK = 16384 };

/* A body that is sent with some fault. */
typedef struct Stream {
    const atomic_bool *stopping;
    char *data; /* owned */
    size_t length;
    FaultKind kind;
} Stream;

/* Sleep until `ms` after a moment. */
void sleep_until(const struct timespec *from, int ms) {
    struct timespec at = *from;
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

/* Queue a whole body; takes over the memory. */
enum MHD_Result send_body(struct MHD_Connection *connection, int status, char *body,
                          size_t length) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", "application/json; charset=UTF-8");
    if (status == 405)
        MHD_add_response_header(response, "Allow", "GET, POST");
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

enum MHD_Result send_reply(struct MHD_Connection *connection, Reply reply) {
    return send_body(connection, reply.status, reply.body, reply.length);
}

enum MHD_Result send_video(struct MHD_Connection *connection, const unsigned char *bytes,
                           size_t length) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)bytes, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "video/mp4");
    enum MHD_Result queued = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}

/* Wait until the client goes away or the server stops. */
void wait_for_end(const atomic_bool *stopping, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd fd = {.fd = info ? info->connect_fd : -1, .events = POLLRDHUP};
    while (!atomic_load(stopping))
        if (poll(&fd, 1, WAIT_STEP_MS) > 0)
            return;
}

/* Give the next piece of a faulty body. */
static ssize_t stream_read(void *context, uint64_t position, char *buffer, size_t most) {
    Stream *stream = context;
    size_t end = stream->length, step = most;
    if (atomic_load(stream->stopping))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (stream->kind == FAULT_HUGE) {
        memset(buffer, ' ', most);
        if (position == 0)
            buffer[0] = '{';
        return (ssize_t)most;
    }
    if (stream->kind == FAULT_CUT && position >= end / 2)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (stream->kind == FAULT_CUT)
        end /= 2;
    if (stream->kind == FAULT_SLOW) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        sleep_until(&now, DRIP_MS);
        step = stream->length / DRIP_STEPS + 1;
    }
    size_t left = end - (size_t)position;
    size_t length = left < most ? left : most;
    length = length < step ? length : step;
    memcpy(buffer, stream->data + position, length);
    return (ssize_t)length;
}

static void stream_free(void *context) {
    Stream *stream = context;
    free(stream->data);
    free(stream);
}

/* Queue a body that is cut, drips or never ends; takes over the reply. */
enum MHD_Result send_stream(const atomic_bool *stopping, struct MHD_Connection *connection,
                            Reply reply, FaultKind kind) {
    Stream *stream = mem_new(1, sizeof *stream);
    *stream = (Stream){stopping, reply.body, reply.length, kind};
    uint64_t size = kind == FAULT_HUGE ? MHD_SIZE_UNKNOWN : reply.length;
    struct MHD_Response *response =
        MHD_create_response_from_callback(size, HUGE_BLOCK, stream_read, stream, stream_free);
    if (!response) {
        stream_free(stream);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", "application/json; charset=UTF-8");
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)reply.status, response);
    MHD_destroy_response(response);
    return queued;
}
