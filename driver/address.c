#include "address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What is not globally reachable by the registries of special addresses (RFC 6890 and the
 * updates of it), and multicast. Metadata services of clouds live in these ranges too. */
static const struct {
    uint8_t bytes[4];
    int bits;
} special4[] = {
    {{0, 0, 0, 0}, 8},        /* this network */
    {{10, 0, 0, 0}, 8},       /* private */
    {{100, 64, 0, 0}, 10},    /* carriers (RFC 6598) */
    {{127, 0, 0, 0}, 8},      /* this machine */
    {{169, 254, 0, 0}, 16},   /* link-local; 169.254.169.254 is metadata */
    {{172, 16, 0, 0}, 12},    /* private */
    {{192, 0, 0, 0}, 24},     /* protocol assignments; 192.0.0.192 is metadata */
    {{192, 0, 2, 0}, 24},     /* documentation */
    {{192, 88, 99, 0}, 24},   /* 6to4 relays */
    {{192, 168, 0, 0}, 16},   /* private */
    {{198, 18, 0, 0}, 15},    /* benchmarks */
    {{198, 51, 100, 0}, 24},  /* documentation */
    {{203, 0, 113, 0}, 24},   /* documentation */
    {{168, 63, 129, 16}, 32}, /* a cloud's platform service, which is public by its number only */
    {{224, 0, 0, 0}, 3},      /* multicast, reserved, broadcast */
};

/* Of IPv6 only 2000::/3 is given out, so what is special within it is all there is to name. */
static const struct {
    uint8_t bytes[16];
    int bits;
} special6[] = {
    {{0x20, 0x01, 0x00}, 23},       /* protocol assignments; Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4, which holds an IPv4 address */
    {{0x3f, 0xff, 0x00}, 20},       /* documentation */
};

/* Do the first bits agree? */
static bool starts_with(const uint8_t *address, const uint8_t *prefix, int bits) {
    int whole = bits / 8, rest = bits % 8;
    if (memcmp(address, prefix, (size_t)whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

static bool is_public4(const uint8_t *address) {
    for (size_t i = 0; i < sizeof special4 / sizeof special4[0]; i++)
        if (starts_with(address, special4[i].bytes, special4[i].bits))
            return false;
    return true;
}

/* Judge IPv6. Mapped, compatible and translated IPv4 addresses (::/96, ::ffff:0:0/96,
 * 64:ff9b::/96), unique local, link-local and multicast ones are all outside of 2000::/3. */
static bool is_public6(const uint8_t *address) {
    static const uint8_t global[] = {0x20};
    if (!starts_with(address, global, 3))
        return false;
    for (size_t i = 0; i < sizeof special6 / sizeof special6[0]; i++)
        if (starts_with(address, special6[i].bytes, special6[i].bits))
            return false;
    return true;
}

/* Is it an address that anybody can be reached at? */
bool address_is_public(const struct sockaddr *address) {
    if (address->sa_family == AF_INET)
        return is_public4(
            (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    if (address->sa_family == AF_INET6)
        return is_public6(
            (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    return false;
}
