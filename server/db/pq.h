/**
 * Connections to PostgreSQL. Inside server/db/ only.
 */
#ifndef BT_SERVER_DB_PQ_H
#define BT_SERVER_DB_PQ_H

struct pg_conn;  // libpq's PGconn

/**
 * A machine that is gone says nothing: keepalives and a bound on what nobody acknowledges notice
 * within half a minute. What `where` says of these itself wins. Never NULL but without memory;
 * PQstatus tells.
 */
struct pg_conn *bt_pq_connect(const char *where);

#endif
