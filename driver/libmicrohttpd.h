/* libmicrohttpd, which only the command serve takes, loaded late (late.h). */
#ifndef RC_LIBMICROHTTPD_H
#define RC_LIBMICROHTTPD_H

#include <microhttpd.h>

/* Those of its functions that are called somewhere. */
#define LIBMICROHTTPD_FUNCTIONS(F)                                                                 \
    F(add_response_header)                                                                         \
    F(create_response_from_buffer)                                                                 \
    F(create_response_from_callback)                                                               \
    F(create_response_from_fd_at_offset64)                                                         \
    F(destroy_response)                                                                            \
    F(get_connection_values)                                                                       \
    F(get_daemon_info)                                                                             \
    F(get_timeout)                                                                                 \
    F(http_unescape)                                                                               \
    F(lookup_connection_value)                                                                     \
    F(queue_response)                                                                              \
    F(resume_connection)                                                                           \
    F(run)                                                                                         \
    F(set_connection_option)                                                                       \
    F(start_daemon)                                                                                \
    F(stop_daemon)                                                                                 \
    F(suspend_connection)

typedef struct Libmicrohttpd {
#define F(name) __typeof__(MHD_##name) *name;
    LIBMICROHTTPD_FUNCTIONS(F)
#undef F
} Libmicrohttpd;

/* The functions; the first call loads them, and ends the program where there are none. */
const Libmicrohttpd *libmicrohttpd(void);

#define MHD_add_response_header libmicrohttpd()->add_response_header
#define MHD_create_response_from_buffer libmicrohttpd()->create_response_from_buffer
#define MHD_create_response_from_callback libmicrohttpd()->create_response_from_callback
#define MHD_create_response_from_fd_at_offset64 libmicrohttpd()->create_response_from_fd_at_offset64
#define MHD_destroy_response libmicrohttpd()->destroy_response
#define MHD_get_connection_values libmicrohttpd()->get_connection_values
#define MHD_get_daemon_info libmicrohttpd()->get_daemon_info
#define MHD_get_timeout libmicrohttpd()->get_timeout
#define MHD_http_unescape libmicrohttpd()->http_unescape
#define MHD_lookup_connection_value libmicrohttpd()->lookup_connection_value
#define MHD_queue_response libmicrohttpd()->queue_response
#define MHD_resume_connection libmicrohttpd()->resume_connection
#define MHD_run libmicrohttpd()->run
#define MHD_set_connection_option libmicrohttpd()->set_connection_option
#define MHD_start_daemon libmicrohttpd()->start_daemon
#define MHD_stop_daemon libmicrohttpd()->stop_daemon
#define MHD_suspend_connection libmicrohttpd()->suspend_connection

#endif
