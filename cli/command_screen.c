// bangtin screen, group: screens in public, and those that show the same.
#include <errno.h>

#include "cli/approve.h"
#include "cli/commands.h"
#include "cli/proposing.h"
#include "cli/rest.h"
#include "cli/screen_document.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"loại / kind", "kind", BT_COLUMN_TEXT},
    {"rộng / width", "width", BT_COLUMN_TEXT},
    {"cao / height", "height", BT_COLUMN_TEXT},
    {"nơi / place", "place", BT_COLUMN_TEXT},
    {"máy phát / player", "player.state", BT_COLUMN_STATE},
};

#define SCREEN_MEMBERS                                                                             \
    {"kind", "kind", 0, BT_MEMBER_TEXT, NULL}, {"width", "width", 0, BT_MEMBER_INT, NULL},         \
        {"height", "height", 0, BT_MEMBER_INT, NULL}, {"place", "place", 0, BT_MEMBER_TEXT, NULL}, \
        {"duty.name", "duty-name", 0, BT_MEMBER_TEXT, NULL},                                       \
        {"duty.phone", "duty-phone", 0, BT_MEMBER_TEXT, NULL},                                     \
    {                                                                                              \
        "note", "note", 0, BT_MEMBER_TEXT, NULL                                                    \
    }

static const struct bt_member new_members[] = {
    {"name", NULL, 0, BT_MEMBER_TEXT, NULL},
    {"unit", "unit", 0, BT_MEMBER_TEXT, NULL},
    SCREEN_MEMBERS,
};
static const struct bt_member set_members[] = {
    {"name", "name", 0, BT_MEMBER_TEXT, NULL},
    {"unit", "unit", 0, BT_MEMBER_TEXT, NULL},
    SCREEN_MEMBERS,
};
static const struct bt_member list_members[] = {{"unit", "unit", 0, BT_MEMBER_TEXT, NULL}};

static const char *const kind_words[] = {"led", "lcd", "gate", NULL};

#define SCREEN_OPTIONS(needed)                                                                     \
    {"kind", "WORD", "led, lcd, gate (cổng chào)", .words = kind_words, .required = (needed)},     \
        {"width",  "PX",         "rộng, điểm ảnh / width in pixels",                               \
         .min = 1, .max = 16384, .required = (needed)},                                            \
        {"height", "PX",         "cao, điểm ảnh / height in pixels",                               \
         .min = 1, .max = 16384, .required = (needed)},                                            \
        {"place", "TEXT", "đặt ở đâu / where it stands"},                                          \
        {"duty-name", "TEXT", "người trực / whom to call"},                                        \
        {"duty-phone", "TEXT", "điện thoại người trực / their telephone"},                         \
    {                                                                                              \
        "note", "TEXT", "ghi chú / note"                                                          \
    }

static const struct bt_option new_options[] = {
    {"unit", "UNIT", "của đơn vị / its unit", .required = true}, SCREEN_OPTIONS(true)};
static const struct bt_option set_options[] = {
    {"name", "TEXT", "tên mới / new name"},
    {"unit", "UNIT", "chuyển sang đơn vị / moves to the unit"},
    SCREEN_OPTIONS(false),
};
static const struct bt_option list_options[] = {
    {"unit", "UNIT", "chỉ của đơn vị / of this unit alone"}};

static const char *const kept[] = {"unit", "name", "kind",  "width",  "height",   "place",
                                   "note", "duty", "hours", "limits", "location", NULL};

static const struct bt_rest list = {"GET", "/v1/screens", BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns)};
static const struct bt_rest show = {"GET", "/v1/screens/{0}", BT_COLUMNS(columns)};
static const struct bt_rest create = {"POST", "/v1/screens", BT_MEMBERS(new_members),
                                      BT_COLUMNS(columns), .done = "Đã lập / made"};
static const struct bt_rest change = {
    "PUT",         "/v1/screens/{0}",   BT_MEMBERS(set_members),   .keeps = kept,
    .edits = true, BT_COLUMNS(columns), .done = "Đã sửa / changed"};
static const struct bt_rest retire = {"DELETE", "/v1/screens/{0}", .edits = true,
                                      .done = "Đã thôi dùng / retired"};

// What the screen says of itself: its canvas, one zone or those of a file, what it carries.
static int make_recipe(const struct bt_arguments *arguments, const cJSON *screen, cJSON **out,
                       struct bt_error *err)
{
    static const struct bt_member members[] = {
        {"zones", "zones", 0, BT_MEMBER_FILE, NULL},
        {"carries", "carry", 0, BT_MEMBER_LIST, NULL},
        {"limits.volume_percent", "volume-max", 0, BT_MEMBER_INT, NULL},
        {"limits.sound_times", "sound-time", 0, BT_MEMBER_LIST, NULL},
        {"limits.live", "live", 0, BT_MEMBER_FLAG, NULL},
        {"limits.brightness_percent", "brightness-max", 0, BT_MEMBER_INT, NULL},
        {"limits.province_share_percent", "province-share", 0, BT_MEMBER_INT, NULL},
        {"activate", "activate", 0, BT_MEMBER_TEXT, NULL},
    };
    static const struct bt_rest parts = {"POST", "", BT_MEMBERS(members)};
    cJSON *recipe;
    int r = bt_rest_body(&parts, arguments, NULL, &recipe, err);
    if (r < 0) {
        return r;
    }
    cJSON *canvas = cJSON_AddObjectToObject(recipe, "canvas");
    static const char *const sizes[] = {"width", "height"};
    for (size_t i = 0; i < BT_ARRAY_LEN(sizes); i++) {
        const cJSON *size = cJSON_GetObjectItemCaseSensitive(screen, sizes[i]);
        cJSON_AddItemToObject(canvas, sizes[i], cJSON_Duplicate(size, true));
    }
    if (bt_argument(arguments, "zones") == NULL) {
        cJSON *zone = cJSON_CreateObject();
        cJSON_AddStringToObject(zone, "name", "chinh");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(recipe, "zones"), zone);
    }
    *out = recipe;
    return 0;
}

// Who says nothing of what it shows leaves that as it is.
static int make_new_or_same(const struct bt_arguments *arguments, const cJSON *screen,
                            const cJSON *present, cJSON **out, struct bt_error *err)
{
    if (bt_argument_count(arguments, "carry") > 0) {
        return make_recipe(arguments, screen, out, err);
    }
    if (present == NULL) {
        return bt_fail(err, -EINVAL,
                       "chưa có bản nào được ký, cần / nothing is signed yet, needed: "
                       "--carry u/UNIT/NAME");
    }
    *out = bt_screen_document_recipe(present);
    return 0;
}

// Where the canvas stands on the raster: as said now, or as it was signed before.
static int keep_output(const struct bt_arguments *arguments, const cJSON *present, cJSON *recipe,
                       struct bt_error *err)
{
    static const struct bt_member members[] = {{"output", "output", 0, BT_MEMBER_FILE, NULL}};
    static const struct bt_rest part = {"POST", "", BT_MEMBERS(members)};
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(present, "output");
    BT_AUTOJSON *body = NULL;
    int r = bt_rest_body(&part, arguments, NULL, &body, err);
    if (r < 0) {
        return r;
    }
    cJSON *output = cJSON_DetachItemFromObjectCaseSensitive(body, "output");
    if (output == NULL && before != NULL) {
        output = cJSON_Duplicate(before, true);
    }
    if (output != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(recipe, "output");
        cJSON_AddItemToObject(recipe, "output", output);
    }
    return 0;
}

static int propose_screen(struct bt_client *client, const struct bt_arguments *arguments,
                          cJSON **out, struct bt_error *err)
{
    BT_AUTOANSWER screen = {0};
    BT_AUTOFREE char *path = bt_rest_path(&show, arguments);
    int r = bt_client_get(client, path, &screen, err);
    if (r < 0) {
        return r;
    }
    const cJSON *unit = cJSON_GetObjectItemCaseSensitive(screen.json, "unit");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(screen.json, "name");
    struct bt_proposing proposing = {
        .unit = cJSON_GetStringValue(unit),
        .layer = "screen",
        .name = bt_operand(arguments, 0),
        .title = cJSON_GetStringValue(name),
    };
    BT_AUTOJSON *present = NULL;
    r = bt_screen_document_present(client, bt_argument(arguments, "root-sha256"), proposing.unit,
                                   proposing.name, &present, err);
    r = r < 0 ? r : make_new_or_same(arguments, screen.json, present, &proposing.recipe, err);
    r = r < 0 ? r : keep_output(arguments, present, proposing.recipe, err);
    if (r < 0) {
        return r;
    }
    bt_screen_document_bind(proposing.recipe, present, bt_argument(arguments, "player"));
    return bt_propose(client, &proposing, out, err);
}

static int run_sign(const struct bt_arguments *arguments, struct bt_error *err)
{
    static const struct bt_column proposal_columns[] = {
        {"đề nghị / proposal", "id", BT_COLUMN_TEXT},
        {"tình trạng / state", "state", BT_COLUMN_STATE},
    };
    static const struct bt_rest signed_rest = {"POST", "", BT_COLUMNS(proposal_columns)};
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOFINISH(bt_signers_finish) struct bt_signers signers = {0};
    BT_AUTOJSON *proposal = NULL, *result = NULL;
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = bt_signers_load(arguments, &signers, err)) < 0 ||
        (r = propose_screen(client, arguments, &proposal, err)) < 0) {
        return r;
    }
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(proposal, "id");
    if (!cJSON_IsString(id)) {
        return bt_fail(err, -EREMOTEIO, "The server's answer has no proposal");
    }
    r = bt_approve(client, arguments, id->valuestring, &signers, &result, err);
    if (r == 0) {
        bt_rest_show(client, &signed_rest, result);
    }
    return r;
}

static const struct bt_option sign_options[] = {
    {"carry", "u/UNIT/NAME",
     "văn bản phát mà màn hình mang; không nêu thì ký lại bản đang có / a document it shows; "
     "repeat; "
     "without it the present document is signed again",
     .many = true},
    {"player", "HEX",
     "khóa của máy phát được chiếu; không nêu thì giữ máy đang có / the public key of the player "
     "that may show it; without it those of now"},
    {"zones", "FILE",
     "danh sách vùng, JSON; mặc định một vùng 'chinh' cả màn hình / its zones in "
     "JSON; one zone, the whole"},
    {"output", "FILE",
     "vị trí trên màn hình từng điểm ảnh ('output' trong docs/outputs.md), JSON; không nêu thì giữ "
     "/ "
     "where the canvas stands, in JSON; without it as it is"},
    {"volume-max", "PERCENT", "âm lượng lớn nhất / the loudest", .min = 0, .max = 100},
    {"sound-time", "HH:MM-HH:MM",
     "giờ được phát tiếng, lặp lại được; không nêu thì cả ngày / hours in which anything may be "
     "heard; all day without",
     .many = true},
    {"live", NULL, "cho chiếu truyền trực tiếp / live streams may be shown"},
    {"brightness-max", "PERCENT", "sáng nhất / the brightest", .min = 1, .max = 100},
    {"province-share", "PERCENT", "phần của tỉnh nhiều nhất / the province's share at most",
     .min = 1, .max = 100},
    {"activate", "WORD", "boundary (mặc định / default), now"},
    BT_APPROVE_OPTIONS,
};

static const struct bt_subcommand commands[] = {
    {"list", NULL, 0, 0, "Các màn hình. / The screens.", BT_OPTIONS(list_options), .online = true,
     .run = bt_rest_run, .request = &list},
    {"show", "SCREEN", 1, 1, "Một màn hình. / One screen.", .online = true, .run = bt_rest_run,
     .request = &show},
    {"new", "NAME", 1, 1, "Khai màn hình mới. / Makes a screen.", BT_OPTIONS(new_options),
     .online = true, .run = bt_rest_run, .request = &create},
    {"set", "SCREEN", 1, 1, "Sửa. / Changes it.", BT_OPTIONS(set_options), .online = true,
     .run = bt_rest_run, .request = &change},
    {"sign", "SCREEN", 1, 1,
     "Kỹ thuật viên ký bản mô tả của màn hình: kích thước, vùng, giới hạn, và nó mang văn bản "
     "nào.\n"
     "The technician signs what the screen is: size, zones, limits, and which documents it shows.",
     BT_OPTIONS(sign_options), .online = true, .run = run_sign},
    {"retire", "SCREEN", 1, 1, "Thôi dùng; số liệu cũ vẫn giữ. / Out of use; its records stay.",
     .online = true, .run = bt_rest_run, .request = &retire},
};

const struct bt_command_group bt_screen_commands = {
    .name = "screen",
    .summary = "Màn hình / screens",
    .example = "  bangtin screen sign s-7K3QZ5MX2A --carry u/31333/quang-truong --key "
               "ky-thuat.json\n"
               "  bangtin screen new \"Quảng trường\" --unit 31333 --kind led --width 960 --height "
               "540 --duty-name An --duty-phone 0912345678\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};

static const struct bt_column group_columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
};
static const struct bt_member group_members[] = {
    {"name", NULL, 0, BT_MEMBER_TEXT, NULL},
    {"unit", "unit", 0, BT_MEMBER_TEXT, NULL},
};
static const struct bt_option group_options[] = {
    {"unit", "UNIT", "của đơn vị / its unit", .required = true}};
static const struct bt_member member_members[] = {{"screens", NULL, 1, BT_MEMBER_LIST, NULL}};

static const struct bt_rest group_list = {"GET", "/v1/groups", BT_COLUMNS(group_columns)};
static const struct bt_rest group_show = {"GET", "/v1/groups/{0}/screens", BT_COLUMNS(columns)};
static const struct bt_rest group_new = {"POST", "/v1/groups", BT_MEMBERS(group_members),
                                         BT_COLUMNS(group_columns), .done = "Đã lập / made"};
static const struct bt_rest group_set = {"PUT", "/v1/groups/{0}/screens",
                                         BT_MEMBERS(member_members), .edits = true,
                                         .done = "Đã đặt / set"};

static const struct bt_subcommand group_subcommands[] = {
    {"list", NULL, 0, 0, "Các nhóm. / The groups.", .online = true, .run = bt_rest_run,
     .request = &group_list},
    {"show", "GROUP", 1, 1, "Các màn hình của nhóm. / The screens of a group.", .online = true,
     .run = bt_rest_run, .request = &group_show},
    {"new", "NAME", 1, 1, "Lập nhóm. / Makes a group.", BT_OPTIONS(group_options), .online = true,
     .run = bt_rest_run, .request = &group_new},
    {"screens", "GROUP [SCREEN…]", 1, 512,
     "Đặt các màn hình của nhóm. / Says which screens it has.", .online = true, .run = bt_rest_run,
     .request = &group_set},
};

const struct bt_command_group bt_group_commands = {
    .name = "group",
    .summary = "Nhóm màn hình / groups of screens",
    .commands = group_subcommands,
    .count = BT_ARRAY_LEN(group_subcommands),
};
