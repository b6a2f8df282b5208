/* libcurl, loaded when it is first needed and not with the program: it brings a dozen libraries,
 * and while they are loaded the server can already start its process for us. Include this in
 * place of curl/curl.h; its functions are called by their own names. */
#ifndef RC_LIBCURL_H
#define RC_LIBCURL_H

#include <curl/curl.h>

/* Those of its functions that are called somewhere. */
#define LIBCURL_FUNCTIONS(F)                                                                       \
    F(easy_cleanup)                                                                                \
    F(easy_escape)                                                                                 \
    F(easy_getinfo)                                                                                \
    F(easy_header)                                                                                 \
    F(easy_init)                                                                                   \
    F(easy_setopt)                                                                                 \
    F(easy_strerror)                                                                               \
    F(free)                                                                                        \
    F(getdate)                                                                                     \
    F(global_cleanup)                                                                              \
    F(global_init)                                                                                 \
    F(multi_add_handle)                                                                            \
    F(multi_assign)                                                                                \
    F(multi_cleanup)                                                                               \
    F(multi_info_read)                                                                             \
    F(multi_init)                                                                                  \
    F(multi_remove_handle)                                                                         \
    F(multi_setopt)                                                                                \
    F(multi_socket_action)                                                                         \
    F(slist_append)                                                                                \
    F(slist_free_all)                                                                              \
    F(url)                                                                                         \
    F(url_cleanup)                                                                                 \
    F(url_get)                                                                                     \
    F(url_set)

/* These are macros of curl.h, too. */
#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

typedef struct Libcurl {
#define F(name) __typeof__(curl_##name) *name;
    LIBCURL_FUNCTIONS(F)
#undef F
} Libcurl;

/* The functions; the first call loads them, and ends the program where there are none. */
const Libcurl *libcurl(void);

#define curl_easy_cleanup libcurl()->easy_cleanup
#define curl_easy_escape libcurl()->easy_escape
#define curl_easy_getinfo libcurl()->easy_getinfo
#define curl_easy_header libcurl()->easy_header
#define curl_easy_init libcurl()->easy_init
#define curl_easy_setopt libcurl()->easy_setopt
#define curl_easy_strerror libcurl()->easy_strerror
#define curl_free libcurl()->free
#define curl_getdate libcurl()->getdate
#define curl_global_cleanup libcurl()->global_cleanup
#define curl_global_init libcurl()->global_init
#define curl_multi_add_handle libcurl()->multi_add_handle
#define curl_multi_assign libcurl()->multi_assign
#define curl_multi_cleanup libcurl()->multi_cleanup
#define curl_multi_info_read libcurl()->multi_info_read
#define curl_multi_init libcurl()->multi_init
#define curl_multi_remove_handle libcurl()->multi_remove_handle
#define curl_multi_setopt libcurl()->multi_setopt
#define curl_multi_socket_action libcurl()->multi_socket_action
#define curl_slist_append libcurl()->slist_append
#define curl_slist_free_all libcurl()->slist_free_all
#define curl_url libcurl()->url
#define curl_url_cleanup libcurl()->url_cleanup
#define curl_url_get libcurl()->url_get
#define curl_url_set libcurl()->url_set

#endif
