#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "address.h"

#include "kill_point.h"

enum {
    RECEIVE_MOST = 16 << 10,
    SEND_MOST = 512 << 10,
    SEND_ROOM = 4 << 20 /* that buffers for sending share, as long as few calls are out */
};

struct Http {
    Loop *loop;
    Trace *trace;
    const char
        *authorities; /* a file with who is trusted to vouch for servers; NULL: the system's */
    unsigned next_id;
    unsigned out; /* calls */
};

struct HttpCall {
    Http *http;
    CURL *easy;
    LoopTransfers *group; /* that its transfer is in */
    HttpRequest request;
    HttpDone *done;
    void *context;
    Buf body;
    Bytes *kept; /* the body, where it is to come as bytes */
    bool too_large, not_public;
    double retry_after_ms;
    size_t body_sent; /* bytes of the request's body that libcurl has taken */
    unsigned id;
    LoopTimer *failing; /* set while fail_to_start is due */
    bool unreadable;    /* the request's body cannot be had any more */
    char error[CURL_ERROR_SIZE];
};

/* Is what comes the body of a success, which was asked for as bytes? */
static bool is_kept(HttpCall *call) {
    long status = 0;
    if (call->request.kept && !call->kept && !call->body.length &&
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
        status == 200) {
        call->kept = bytes_begin(call->request.reply_maximum);
        if (call->request.hashed)
            bytes_hash(call->kept);
    }
    return call->kept != NULL;
}

/* Collect the body up to the maximum; past it the transfer is ended. */
static size_t take_body(char *data, size_t size, size_t count, void *context) {
    HttpCall *call = context;
    curl_off_t whole;
    if (is_kept(call)) {
        if (bytes_append(call->kept, data, size * count))
            return size * count;
        call->too_large = size * count > call->request.reply_maximum - bytes_length(call->kept);
        return CURL_WRITEFUNC_ERROR;
    }
    if (!call->body.capacity &&
        curl_easy_getinfo(call->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole) == CURLE_OK &&
        whole > 0)
        buf_reserve(&call->body, (size_t)whole);
    if (buf_append(&call->body, data, size * count))
        return size * count;
    call->too_large = true;
    return CURL_WRITEFUNC_ERROR;
}

/* Give libcurl the next bytes of the request's body. */
static size_t give_body(char *data, size_t size, size_t count, void *context) {
    HttpCall *call = context;
    const HttpRequest *request = &call->request;
    size_t left = request->body_length - call->body_sent;
    size_t length = left < size * count ? left : size * count;
    if (request->pieces)
        length = body_read(request->pieces, call->body_sent, data, length);
    else
        memcpy(data, request->body + call->body_sent, length);
    if (length == BODY_UNREADABLE) {
        call->unreadable = true;
        return CURL_READFUNC_ABORT;
    }
    call->body_sent += length;
    return length;
}

/* Refuse to send a body again, unless that does no harm. libcurl does that by itself when a kept
 * connection dies before an answer comes, but the request may have been done, and billed: whether
 * to send it again is decided in outcome.c. */
static int rewind_body(void *context, curl_off_t offset, int origin) {
    HttpCall *call = context;
    (void)origin;
    if (call->request.repeatable && offset >= 0 && (size_t)offset <= call->request.body_length) {
        call->body_sent = (size_t)offset;
        return CURL_SEEKFUNC_OK;
    }
    return offset == (curl_off_t)call->body_sent ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

/* Keep Retry-After, the only header that changes what we do (RFC 9110, 10.2.3). */
static size_t take_header(char *data, size_t size, size_t count, void *context) {
    static const char name[] = "retry-after:";
    HttpCall *call = context;
    size_t length = size * count;
    if (length > sizeof name - 1 && strncasecmp(data, name, sizeof name - 1) == 0) {
        char *value = mem_strndup(data + sizeof name - 1, length - (sizeof name - 1));
        char *end;
        double seconds = strtod(value, &end);
        if (end == value) {
            time_t when = curl_getdate(value, NULL);
            seconds = when < 0 ? -1 : difftime(when, time(NULL));
            if (when >= 0 && seconds < 0)
                seconds = 0;
        }
        call->retry_after_ms = seconds < 0 ? -1 : seconds * 1e3;
        free(value);
    }
    return length;
}

/* Open a socket, unless it would lead to an address that is not public. What is judged is the
 * address that is connected to, whatever names resolve to at other times. */
static curl_socket_t open_public(void *context, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
    HttpCall *call = context;
    (void)purpose;
    if (!address_is_public(&address->addr)) {
        call->not_public = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Nothing of the request's body is read any more. */
static void stop_sending(HttpCall *call) {
    if (call->request.pieces)
        body_let_go(call->request.pieces);
}

/* Free a call; its transfer must be out of the loop. */
static void free_call(HttpCall *call) {
    call->http->out--;
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->request.headers);
    free(call->request.url);
    bytes_free(call->kept);
    buf_free(&call->body);
    free(call);
}

/* Say in which part of a transfer the time went, for messages about timeouts. */
static char *explain(HttpCall *call, CURLcode code) {
    double connected = 0, started = 0, total = 0;
    curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME, &connected);
    curl_easy_getinfo(call->easy, CURLINFO_STARTTRANSFER_TIME, &started);
    curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME, &total);
    const char *words = call->error[0] ? call->error : curl_easy_strerror(code);
    if (code == CURLE_SEND_FAIL_REWIND)
        words = "the connection was closed without an answer";
    if (call->too_large)
        return mem_printf("response too large: the limit is %zu bytes", call->body.maximum);
    if (call->unreadable)
        return mem_strdup(body_error(call->request.pieces));
    return mem_printf("%s (connected after %.0f ms, first byte after %.0f ms, ended after %.0f ms)",
                      words, connected * 1e3, started * 1e3, total * 1e3);
}

/* Hand a finished transfer to its caller. */
static void transfer_done(void *context, CURL *easy, CURLcode code) {
    (void)context;
    HttpCall *call;
    long status = 0, request_size = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_size);
    char *error = code == CURLE_OK ? mem_strdup("") : explain(call, code);
    stop_sending(call);
    HttpReply reply = {.code = code,
                       .status = status,
                       .sent = request_size > 0,
                       .unreadable = call->unreadable,
                       .too_large = call->too_large,
                       .not_public = call->not_public,
                       .call = call,
                       .retry_after_ms = call->retry_after_ms,
                       .body = &call->body,
                       .kept = call->kept ? &call->kept : NULL,
                       .error = error};
    kill_point();
    trace_write(call->http->trace, "http_done", call->id, NULL);
    call->done(call->context, &reply);
    free(error);
    free_call(call);
}

/* The file that says who is trusted, as curl's own program has it; libcurl does not look. */
static const char *authorities_file(void) {
    static const char *const variables[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *file = getenv(variables[i]);
        if (file && *file)
            return file;
    }
    return NULL;
}

/* Make a loop for requests and whatever else waits. */
Http *http_new(Trace *trace) {
    Http *http = mem_alloc(sizeof *http);
    http->loop = loop_new(transfer_done, http);
    http->trace = trace;
    http->authorities = authorities_file();
    return http;
}

/* Stop it. */
void http_free(Http *http) {
    if (!http)
        return;
    loop_free(http->loop);
    free(http);
}

/* The loop that drives the transfers. */
Loop *http_loop(Http *http) {
    return http->loop;
}

/* Judge every address. A connection that another call has opened was not judged, so none is
 * used again. */
static void set_public_only(HttpCall *call) {
    curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETFUNCTION, open_public);
    curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
}

static bool has_body(const HttpRequest *request) {
    return request->body || request->pieces;
}

/* Set the method. A body is always sent as that of a POST, under the method's name: so small ones
 * do not wait for the server's consent on any version of libcurl. */
static void set_method(CURL *easy, const HttpRequest *request) {
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (has_body(request))
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (strcmp(request->method, "PUT") == 0 || strcmp(request->method, "DELETE") == 0)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* How large a buffer libcurl shall have for so much: it keeps it while the answer is awaited, and
 * a thousand answers may be. */
static long buffer_size(size_t wanted, long most) {
    enum { LEAST = 4 << 10 };
    return wanted < LEAST ? LEAST : wanted > (size_t)most ? most : (long)wanted;
}

/* How large it shall be for sending: the larger, the fewer pieces the body is sent in. */
static long send_buffer_size(const HttpCall *call) {
    size_t length = call->request.body_length, share = SEND_ROOM / call->http->out;
    size_t wanted = length < share ? length : share;
    return buffer_size(wanted > length / 8 ? wanted : length / 8, SEND_MOST);
}

/* Set everything that is the same for every call: no redirects are followed,
 * since a key in a header must never reach another host. */
static void set_options(HttpCall *call) {
    CURL *easy = call->easy;
    const HttpRequest *request = &call->request;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (request->direct || request->public_only)
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1000L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, request->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, request->total_timeout_ms);
    /* It looks at the speed of every call once a second. */
    if (!request->total_timeout_ms || request->idle_timeout_ms < request->total_timeout_ms) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, request->idle_timeout_ms / 1000);
    }
    /* Calls that are made at once share one connection where the server can do that: the others
     * wait until the first one's handshake has told. Without TLS nothing would tell it. */
    if (strncasecmp(request->url, "https:", 6) == 0)
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    if (call->http->authorities)
        curl_easy_setopt(easy, CURLOPT_CAINFO, call->http->authorities);
    if (request->public_only)
        set_public_only(call);
    if (request->sigv4) {
        curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, request->sigv4);
        curl_easy_setopt(easy, CURLOPT_USERNAME, request->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, request->password);
    }
    set_method(easy, request);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                     buffer_size(request->reply_maximum / 1024, RECEIVE_MOST));
    if (has_body(request)) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, send_buffer_size(call));
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(easy, CURLOPT_READDATA, call);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_body);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    }
}

/* Report a call that could not even be started, from the loop and not from within the caller. */
static void fail_to_start(void *context) {
    HttpCall *call = context;
    stop_sending(call);
    HttpReply reply = {.code = CURLE_FAILED_INIT,
                       .retry_after_ms = -1,
                       .body = &call->body,
                       .error = "could not start the transfer"};
    call->done(call->context, &reply);
    free_call(call);
}

/* Send a request. */
HttpCall *http_send(Http *http, HttpRequest request, HttpDone *done, void *context) {
    HttpCall *call = mem_alloc(sizeof *call);
    kill_point();
    call->http = http;
    http->out++;
    call->request = request;
    if (request.pieces)
        call->request.body_length = body_length(request.pieces);
    call->done = done;
    call->context = context;
    call->retry_after_ms = -1;
    call->id = ++http->next_id;
    buf_init(&call->body, request.reply_maximum);
    loop_prepare_transfers(http->loop);
    call->easy = curl_easy_init();
    if (call->easy)
        set_options(call);
    if (call->easy)
        call->group = loop_transfer(http->loop, call->easy);
    if (!call->group)
        call->failing = loop_after(http->loop, 0, fail_to_start, call);
    trace_write(http->trace, "http_send", call->id, request.shown ? request.shown : request.url);
    return call;
}

/* A header of a reply. */
const char *http_header(const HttpReply *reply, const char *name) {
    struct curl_header *header;
    if (!reply->call ||
        curl_easy_header(reply->call->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

/* Is it a whole URL that a request can be sent to? */
static bool is_usable(const char *url) {
    CURLU *parts = curl_url();
    bool web = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
    bool usable = web && parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(parts);
    return usable;
}

/* Where a reply leads. */
const char *http_redirect(const HttpReply *reply) {
    char *url = NULL;
    if (!reply->call ||
        curl_easy_getinfo(reply->call->easy, CURLINFO_REDIRECT_URL, &url) != CURLE_OK || !url)
        return NULL;
    return is_usable(url) ? url : NULL;
}

/* Give up on a call. */
void http_drop(HttpCall *call) {
    if (!call)
        return;
    if (call->failing)
        loop_cancel(call->http->loop, call->failing);
    else
        loop_drop(call->group, call->easy);
    stop_sending(call);
    trace_write(call->http->trace, "http_drop", call->id, NULL);
    free_call(call);
}
