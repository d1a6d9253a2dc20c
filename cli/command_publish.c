// bangtin publish, publication: from a playlist to the screens in one go, and what is published.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/approve.h"
#include "cli/commands.h"
#include "cli/proposing.h"
#include "cli/rest.h"

static const struct bt_column proposal_columns[] = {
    {"đề nghị / proposal", "id", BT_COLUMN_TEXT},
    {"tình trạng / state", "state", BT_COLUMN_STATE},
    {"bản / version", "version", BT_COLUMN_TEXT},
};
static const struct bt_rest result = {"POST", "", BT_COLUMNS(proposal_columns)};

static int run_publish(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOFINISH(bt_signers_finish) struct bt_signers signers = {0};
    BT_AUTOJSON *proposal = NULL, *signed_proposal = NULL;
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = bt_signers_load(arguments, &signers, err)) < 0 ||
        (r = bt_propose_arguments(client, arguments, &proposal, err)) < 0) {
        return r;
    }
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(proposal, "id"));
    r = bt_approve(client, arguments, id != NULL ? id : "", &signers, &signed_proposal, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Đề nghị / proposal %s", id != NULL ? id : "");
    }
    bt_rest_show(client, &result, signed_proposal);
    const char *state =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(signed_proposal, "state"));
    if (!bt_client_json(client)) {
        puts(bt_str_equal(state, "published")
                 ? "Đã phát; xem / published; see: bangtin status"
                 : "Còn thiếu chữ ký của người khác / other signatures are missing");
    }
    return 0;
}

static const struct bt_option options[] = {BT_PROPOSE_OPTIONS, BT_APPROVE_OPTIONS};

static const struct bt_subcommand commands[] = {
    {NULL, "NAME", 1, 1,
     "Đề nghị và ký luôn bằng khóa của mình; phát ngay khi đủ người ký.\n"
     "Proposes and signs with one's own keys; on the screens as soon as enough have signed.",
     BT_OPTIONS(options), .online = true, .run = run_publish},
};

const struct bt_command_group bt_publish_commands = {
    .name = "publish",
    .summary = "Đề nghị và ký trong một bước / propose and sign in one go",
    .example = "  bangtin publish quang-truong --unit 31333 --playlist l-7K3QZ5MX2A --activate now "
               "--key an.json\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"nội dung / target", "target", BT_COLUMN_TEXT},
    {"bản / version", "version", BT_COLUMN_TEXT},
    {"tình trạng / state", "state", BT_COLUMN_STATE},
    {"tiêu đề / title", "title", BT_COLUMN_TEXT},
    {"phát lúc / published", "published_ms", BT_COLUMN_TIME},
};
static const struct bt_member list_members[] = {
    {"unit", "unit", 0, BT_MEMBER_TEXT, NULL},
    {"state", "state", 0, BT_MEMBER_TEXT, NULL},
};
static const struct bt_option list_options[] = {
    {"unit", "UNIT", "chỉ của đơn vị / of this unit alone"},
    {"state", "WORD", "draft, proposed, approved, published, superseded, withdrawn"},
};
static const struct bt_rest list = {"GET", "/v1/publications", BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns)};
static const struct bt_rest show = {"GET", "/v1/publications/{0}", BT_COLUMNS(columns)};
static const struct bt_rest document = {"GET", "/v1/publications/{0}/document"};
static const struct bt_rest withdraw = {"POST", "/v1/publications/{0}/withdraw",
                                        .done = "Đã bỏ nháp / draft withdrawn"};

// The document itself, whatever the columns.
static int run_document(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *path = bt_rest_path(&document, arguments);
    int r = bt_client_open(arguments, &client, err);
    if (r == 0 && (r = bt_client_get(client, path, &answer, err)) == 0) {
        puts(bt_buf_text(&answer.body));
    }
    return r;
}

static const struct bt_subcommand publication_commands[] = {
    {"list", NULL, 0, 0, "Các nội dung và tình trạng. / All of them.", BT_OPTIONS(list_options),
     .online = true, .run = bt_rest_run, .request = &list},
    {"show", "PUBLICATION", 1, 1, "Một nội dung. / One of them.", .online = true,
     .run = bt_rest_run, .request = &show},
    {"document", "PUBLICATION", 1, 1, "Văn bản JSON sẽ được ký. / The document that is signed.",
     .online = true, .run = run_document},
    {"withdraw", "PUBLICATION", 1, 1, "Bỏ bản nháp. / Gives a draft up.", .online = true,
     .run = bt_rest_run, .request = &withdraw},
};

const struct bt_command_group bt_publication_commands = {
    .name = "publication",
    .summary = "Nội dung phát: nháp, đang phát, đã thay / publications and their states",
    .commands = publication_commands,
    .count = BT_ARRAY_LEN(publication_commands),
};
