/* Which network addresses belong to the public internet. */
#ifndef RC_ADDRESS_H
#define RC_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Is it an IPv4 or IPv6 address that anybody can be reached at? Not those of this machine, of
 * private networks, of links, of carriers behind address translation, of multicast or of any
 * other special use; nor those that lead to such by a gateway or a mapping. */
bool address_is_public(const struct sockaddr *address);

#endif
