// From a playlist to a proposal: shared by `propose` and `publish`.
#ifndef BT_CLI_PROPOSING_H
#define BT_CLI_PROPOSING_H

#include "base/options.h"
#include "cli/client.h"

#define BT_PROPOSE_OPTIONS                                                                                      \
    {"unit", "UNIT", "của đơn vị / of the unit", .required = true},                                             \
        {"playlist", "PLAYLIST",                                                                                \
         "thêm danh sách phát; đã có thì cập nhật, thứ khác giữ nguyên / adds a playlist, or " \
         "brings it up to date; all else stays",                                                                \
         .many = true},                                                                                         \
        {"schedule", "SCHEDULE", "chiếu nó lúc nào / when it is shown: bangtin schedule"},                      \
        {"without", "PLAYLIST", "bỏ danh sách phát này / takes this playlist out", .many = true},               \
        {"replace", NULL, "bỏ mọi thứ khác của văn bản / drops all else of the document"},                      \
        {"recipe", "FILE",                                                                                      \
         "toàn bộ theo tệp JSON, cho bố cục nhiều vùng / all of it from a recipe in "               \
         "JSON, for several zones"},                                                                            \
        {"layer", "WORD", "unit (mặc định / default), province, screen, template",                              \
         .words = bt_propose_layers},                                                                           \
        {"title", "TEXT", "tiêu đề / title"},                                                                   \
        {"activate", "WORD",                                                                                    \
         "boundary: hết mục đang chiếu (mặc định); now: ngay / boundary: "                          \
         "when the item on ends; now"},                                                                         \
        {"zone", "NAME", "vùng của màn hình / the screen's zone (chinh)"},                                      \
        {"lift", "TAKEDOWN", "cho chiếu lại thứ đã gỡ bởi lệnh này / ends this takedown",                       \
         .many = true},                                                                                         \
    {                                                                                                           \
        "note", "TEXT", "lời nhắn cho người duyệt / a note for those who sign"                         \
    }

extern const char *const bt_propose_layers[];

// What is proposed; texts are borrowed, NULL where there is none.
struct bt_proposing {
    const char *unit, *layer, *name, *title, *note;
    cJSON *recipe;   // taken by bt_propose
    cJSON *present;  // what it changes, owned; or NULL
};

/**
 * Makes the draft and proposes it. *out_proposal is the answer, for cJSON_Delete.
 */
int bt_propose(struct bt_client *client, struct bt_proposing *proposing, cJSON **out_proposal,
               struct bt_error *err) BT_NODISCARD;

// The same from BT_PROPOSE_OPTIONS: the document NAME is operand 0.
int bt_propose_arguments(struct bt_client *client, const struct bt_arguments *arguments,
                         cJSON **out_proposal, struct bt_error *err) BT_NODISCARD;

#endif
