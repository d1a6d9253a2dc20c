#include "server/where.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "server/http/listen.h"

static bool is_among(const struct bt_where *where, const char *url)
{
    for (size_t i = 0; i < where->count; i++) {
        if (strcmp(where->urls[i], url) == 0) {
            return true;
        }
    }
    return false;
}

// `host` as it stands in an address: of IPv6 in brackets.
static void add(struct bt_where *where, const struct bt_where_facts *facts, const char *host)
{
    char url[BT_WHERE_URL_BYTES];
    bool room = where->count < BT_WHERE_MAX_URLS;
    if (room &&
        bt_format(url, sizeof(url), "%s://%s:%d", facts->tls ? "https" : "http", host,
                  facts->port) == 0 &&
        !is_among(where, url)) {
        memcpy(where->urls[where->count++], url, sizeof(url));
    }
}

// Link-local addresses need the name of the reader's own interface: nobody types them.
static bool others_reach(const struct ifaddrs *each, int family)
{
    if (each->ifa_addr == NULL || each->ifa_addr->sa_family != family ||
        (each->ifa_flags & IFF_UP) == 0 || (each->ifa_flags & IFF_LOOPBACK) != 0) {
        return false;
    }
    struct sockaddr_in6 v6;
    if (family != AF_INET6) {
        return true;
    }
    memcpy(&v6, each->ifa_addr, sizeof(v6));
    return !IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr);
}

static void add_interfaces(struct bt_where *where, const struct bt_where_facts *facts, int family)
{
    for (const struct ifaddrs *each = facts->interfaces; each != NULL; each = each->ifa_next) {
        char text[INET6_ADDRSTRLEN], host[INET6_ADDRSTRLEN + 2];
        if (!others_reach(each, family)) {
            continue;
        }
        bt_address_text(each->ifa_addr, text, sizeof(text));
        if (bt_format(host, sizeof(host), family == AF_INET6 ? "[%s]" : "%s", text) == 0) {
            add(where, facts, host);
        }
    }
}

void bt_where_from(const struct bt_where_facts *facts, struct bt_where *out)
{
    *out = (struct bt_where){.count = 0};
    bool any4 = bt_str_starts(facts->listen, "0.0.0.0:");
    bool any6 = bt_str_starts(facts->listen, "[::]:");
    if (bt_str_starts(facts->listen, "unix:")) {
        bt_copy_cut(out->urls[out->count++], BT_WHERE_URL_BYTES, facts->listen);
        return;
    }
    if (!any4 && !any6) {
        char host[BT_WHERE_URL_BYTES];
        bt_copy_cut(host, sizeof(host), facts->listen);
        char *colon = strrchr(host, ':');
        if (colon != NULL) {
            *colon = '\0';
        }
        add(out, facts, host);
        return;
    }
    add_interfaces(out, facts, AF_INET);
    if (any6) {
        add_interfaces(out, facts, AF_INET6);
    }
    if (out->count == 0) {
        add(out, facts, "localhost");
    } else if (facts->host_name[0] != '\0' && strcmp(facts->host_name, "localhost") != 0) {
        add(out, facts, facts->host_name);
    }
}

void bt_where_find(const char *listen, int port, bool tls, struct bt_where *out)
{
    char name[256] = "";
    struct ifaddrs *interfaces = NULL;
    if (gethostname(name, sizeof(name) - 1) < 0) {
        name[0] = '\0';
    }
    if (getifaddrs(&interfaces) < 0) {
        interfaces = NULL;
    }
    const struct bt_where_facts facts = {
        .listen = listen, .port = port, .tls = tls, .host_name = name, .interfaces = interfaces};
    bt_where_from(&facts, out);
    if (interfaces != NULL) {
        freeifaddrs(interfaces);
    }
}
