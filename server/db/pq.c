#include "server/db/pq.h"

#include <libpq-fe.h>

PGconn *bt_pq_connect(const char *where)
{
    // What stands behind dbname wins over what stands before it.
    const char *const keys[] = {"connect_timeout",
                                "fallback_application_name",
                                "keepalives_idle",
                                "keepalives_interval",
                                "keepalives_count",
                                "tcp_user_timeout",
                                "dbname",
                                "client_encoding",
                                NULL};
    const char *const values[] = {"10",  "bangtin-server", "10", "5", "3", "25000",
                                  where, "UTF8",           NULL};
    return PQconnectdbParams(keys, values, 1);
}
