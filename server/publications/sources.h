// Where a document's parts come from: the arrangements and assets in the database.
#ifndef BT_SERVER_PUBLICATIONS_SOURCES_H
#define BT_SERVER_PUBLICATIONS_SOURCES_H

#include "server/db/db.h"
#include "server/publications/compose.h"
#include "server/publications/desk.h"

struct bt_source_context {
    struct bt_db *db;
    struct bt_unit_facts unit;  // whose document it is: it may use its own and what stands above
};

// The context must outlive the sources.
struct bt_compose_sources bt_sources(struct bt_source_context *context);

#endif
