#include "cli/verify/testing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "plays/evidence_file.h"
#include "plays/tally.h"
#include "trust/countersign.h"
#include "trust/signing.h"

#define FAR_MS 4102444800000LL  // 2100
#define DAY_MS 86400000LL

// Every play takes as long. Where a day has no room for all of them they lie over each other.
#define PLAY_MS 10000
#define ROOM_MS 86000000

// One play in so many is partial.
#define PARTIAL_EVERY 10

static void must(int r)
{
    assert(r >= 0);
    (void)r;
}

static struct bt_private_key *make_key(const char *holder)
{
    struct bt_private_key *key = NULL;
    must(bt_private_key_generate(BT_PRIVATE_ED25519, &key, NULL));
    bt_private_key_set_holder(key, holder, BT_KEY_FILE, holder);
    return key;
}

static char *text_of_document(cJSON *document)
{
    struct bt_buf text;
    bt_buf_init(&text, 1 << 20);
    must(bt_signing_text(document, &text, NULL));
    return text.data;
}

static char *make_root(const struct bt_test_province *province)
{
    const struct bt_private_key *holders[] = {province->root, province->targets,
                                              province->timestamp, province->timestamp};
    cJSON *keys[4];
    struct bt_role_keys roles[4];
    for (int i = 0; i < 4; i++) {
        keys[i] = bt_private_key_public(holders[i]);
        roles[i] = (struct bt_role_keys){(const cJSON *const *)&keys[i], 1, 1};
    }
    const struct bt_root_roles all = {roles[0], roles[1], roles[2], roles[3]};
    BT_AUTOJSON *document = NULL;
    must(bt_signing_root(1, FAR_MS, &all, &document, NULL));
    must(bt_signing_sign(document, province->root, NULL));
    for (int i = 0; i < 4; i++) {
        cJSON_Delete(keys[i]);
    }
    return text_of_document(document);
}

void bt_test_province_init(struct bt_test_province *province, int journals, int64_t records,
                           int64_t per_batch)
{
    assert(journals <= BT_TEST_MAX_JOURNALS);
    *province = (struct bt_test_province){
        .root = make_key("chu-tich"),
        .targets = make_key("tinh"),
        .technician = make_key("ky-thuat"),
        .timestamp = make_key("may-chu"),
        .stranger = make_key("nguoi-la"),
        .journals = journals,
        .records = records,
        .per_batch = per_batch,
        .named = true,
    };
    for (int i = 0; i < journals; i++) {
        province->players[i] = make_key("may-phat");
    }
    province->root_text = make_root(province);
}

void bt_test_province_finish(struct bt_test_province *province)
{
    bt_private_key_destroy(province->root);
    bt_private_key_destroy(province->targets);
    bt_private_key_destroy(province->technician);
    bt_private_key_destroy(province->timestamp);
    bt_private_key_destroy(province->stranger);
    for (int i = 0; i < province->journals; i++) {
        bt_private_key_destroy(province->players[i]);
    }
    free(province->root_text);
}

/*
 * Lines.
 */

void bt_test_lines_finish(struct bt_test_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->lines[i]);
    }
    free(lines->lines);
}

void bt_test_lines_add(struct bt_test_lines *lines, char *line)
{
    BT_GROW(lines->lines, lines->capacity, lines->count + 1);
    lines->lines[lines->count++] = line;
}

void bt_test_lines_remove(struct bt_test_lines *lines, size_t index)
{
    free(lines->lines[index]);
    memmove(&lines->lines[index], &lines->lines[index + 1],
            (--lines->count - index) * sizeof(*lines->lines));
}

size_t bt_test_lines_find(const struct bt_test_lines *lines, const char *kind, size_t n)
{
    BT_AUTOFREE char *start = bt_strf("{\"kind\":\"%s\"", kind);
    for (size_t i = 0; i < lines->count; i++) {
        if (bt_str_starts(lines->lines[i], start) && n-- == 0) {
            return i;
        }
    }
    assert(!"no such line");
    return 0;
}

static char *line_of(cJSON *object)
{
    char *printed = cJSON_PrintUnformatted(object);
    char *line = bt_strdup(printed);
    cJSON_free(printed);
    cJSON_Delete(object);
    return line;
}

static cJSON *begin(const char *kind)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", kind);
    return object;
}

static void add_opening(struct bt_test_lines *out)
{
    cJSON *line = begin("evidence");
    cJSON_AddNumberToObject(line, "format", BT_EVIDENCE_FORMAT);
    cJSON_AddNumberToObject(line, "definitions", BT_TALLY_DEFINITIONS);
    cJSON_AddNumberToObject(line, "created_ms", (double)(BT_TEST_MIDNIGHT_MS + 2 * DAY_MS + 1));
    cJSON_AddStringToObject(line, "from_day", "2026-11-20");
    cJSON_AddStringToObject(line, "until_day", "2026-11-20");
    cJSON_AddStringToObject(line, "unit", "92");
    cJSON *units = cJSON_AddArrayToObject(line, "units");
    cJSON_AddItemToArray(units, cJSON_CreateString("92"));
    cJSON_AddItemToArray(units, cJSON_CreateString("31333"));
    bt_test_lines_add(out, line_of(line));
}

static void add_metadata(struct bt_test_lines *out, const char *role, const char *text)
{
    cJSON *line = begin("metadata");
    cJSON_AddStringToObject(line, "role", role);
    cJSON_AddNumberToObject(line, "version", 1);
    cJSON_AddStringToObject(line, "text", text);
    bt_test_lines_add(out, line_of(line));
}

static char *screen_document(const struct bt_test_province *province, int screen)
{
    cJSON *document = cJSON_CreateObject();
    cJSON_AddNumberToObject(document, "format", 1);
    if (province->named) {
        cJSON *key = bt_private_key_public(province->players[screen]);
        cJSON *value = cJSON_GetObjectItemCaseSensitive(key, "keyval");
        cJSON *players = cJSON_AddArrayToObject(document, "players");
        cJSON_AddItemToArray(players, cJSON_CreateString(cJSON_GetStringValue(
                                          cJSON_GetObjectItemCaseSensitive(value, "public"))));
        cJSON_Delete(key);
    }
    return line_of(document);
}

static void add_targets(const struct bt_test_province *province, struct bt_test_lines *out)
{
    static const char *const patterns[] = {"s/31333/*"};
    cJSON *key = bt_private_key_public(province->technician);
    const struct bt_role_keys keys = {(const cJSON *const *)&key, 1, 1};
    BT_AUTOJSON *targets = NULL;
    must(bt_signing_targets(1, FAR_MS, &targets, NULL));
    must(bt_signing_delegate(targets, "s-31333", patterns, 1, &keys, NULL));
    must(bt_signing_sign(targets, province->targets, NULL));
    BT_AUTOFREE char *text = text_of_document(targets);
    add_metadata(out, "targets", text);
    cJSON_Delete(key);
}

// Of the player and its screen: in the order of their bytes, as the server lists them.
static int number_of(const struct bt_test_province *province, int journal)
{
    return journal + (province->journals < 10 ? 1 : 101);
}

static void add_screens(const struct bt_test_province *province, struct bt_test_lines *out)
{
    BT_AUTOJSON *targets = NULL;
    must(bt_signing_targets(1, FAR_MS, &targets, NULL));
    struct bt_test_lines documents = {NULL, 0, 0};
    for (int i = 0; i < province->journals; i++) {
        BT_AUTOFREE char *path = bt_strf("s/31333/s-%d.json", number_of(province, i));
        BT_AUTOFREE char *text = screen_document(province, i);
        must(bt_signing_set_target(targets, path, text, strlen(text), NULL));
        cJSON *line = begin("document");
        cJSON_AddStringToObject(line, "path", path);
        cJSON_AddStringToObject(line, "text", text);
        bt_test_lines_add(&documents, line_of(line));
    }
    must(bt_signing_sign(targets, province->technician, NULL));
    BT_AUTOFREE char *text = text_of_document(targets);
    add_metadata(out, "s-31333", text);
    for (size_t i = 0; i < documents.count; i++) {
        bt_test_lines_add(out, documents.lines[i]);
    }
    free(documents.lines);
}

/*
 * Journals.
 */

static const char *journal_of(int journal, char out[33])
{
    must(bt_format(out, 33, "%032d", journal + 1));
    return out;
}

static bool is_complete(int64_t seq)
{
    return seq % PARTIAL_EVERY != 0;
}

// The first record is a start, the others are plays one after the other.
static void write_record(const struct bt_test_province *province, int journal, int64_t seq,
                         struct bt_buf *out)
{
    char id[33];
    int64_t step_ms = BT_MIN((int64_t)PLAY_MS, ROOM_MS / (province->records + 1));
    int64_t mono_ms = seq * step_ms;
    int64_t start_ms = BT_TEST_MIDNIGHT_MS + mono_ms, end_ms = start_ms + PLAY_MS;
    if (seq == 1) {
        must(bt_buf_appendf(out,
                            "{\"format\":1,\"seq\":1,\"kind\":\"start\",\"boot\":\"b-%d\","
                            "\"screen\":\"Cổng chào\",\"journal\":\"%s\",\"player\":\"0.1.0\","
                            "\"start_ms\":%lld,\"mono_ms\":10000,\"clock\":\"synced\","
                            "\"recovered\":0}",
                            journal, journal_of(journal, id), (long long)start_ms));
        return;
    }
    must(bt_buf_appendf(
        out,
        "{\"format\":1,\"seq\":%lld,\"kind\":\"play\",\"boot\":\"b-%d\",\"screen\":\"Cổng chào\","
        "\"item\":\"anh-%lld\",\"asset\":"
        "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a%02llx\","
        "\"type\":\"image\",\"zone\":\"main\",\"publication\":\"u.31333.quang-truong\","
        "\"version\":42,\"layer\":\"unit\",\"priority\":\"normal\",\"campaign\":\"c-%lld\","
        "\"run\":%lld,\"why_started\":\"schedule\",\"why_ended\":\"schedule\",\"start_ms\":%lld,"
        "\"end_ms\":%lld,\"mono_ms\":%lld,\"clock\":\"synced\",\"planned_ms\":10000,"
        "\"shown_ms\":%d,\"presented\":1,\"repeated\":5,\"dropped\":0,\"complete\":%s,"
        "\"evidence\":\"present\"}",
        (long long)seq, journal, (long long)(seq % 20), (long long)(seq % 20), (long long)(seq % 5),
        (long long)seq, (long long)start_ms, (long long)end_ms, (long long)mono_ms,
        is_complete(seq) ? PLAY_MS : 500, is_complete(seq) ? "true" : "false"));
}

int64_t bt_test_complete(const struct bt_test_province *province)
{
    int64_t complete = 0;
    for (int64_t seq = 2; seq <= province->records; seq++) {
        complete += is_complete(seq);
    }
    return complete;
}

// The chain before a record.
static struct bt_sha256 hash_before(const struct bt_test_province *province, int journal,
                                    int64_t first)
{
    struct bt_sha256 hash = {{0}};
    BT_AUTOBUF body;
    bt_buf_init(&body, BT_RECORD_MAX_BYTES);
    for (int64_t seq = 1; seq < first; seq++) {
        bt_buf_clear(&body);
        write_record(province, journal, seq, &body);
        hash = bt_chain_next(&hash, body.data, body.len);
    }
    return hash;
}

static struct bt_sha256 fill(const struct bt_test_province *province, int journal, int64_t first,
                             struct bt_sha256 hash, struct bt_batch_maker *maker)
{
    BT_AUTOBUF body;
    bt_buf_init(&body, BT_RECORD_MAX_BYTES);
    int64_t end = BT_MIN(first + province->per_batch, province->records + 1);
    for (int64_t seq = first; seq < end; seq++) {
        bt_buf_clear(&body);
        write_record(province, journal, seq, &body);
        hash = bt_chain_next(&hash, body.data, body.len);
        const struct bt_row row = {.seq = seq, .hash = hash, .body = body.data, .len = body.len};
        int r = bt_batch_maker_add(maker, &row, NULL);
        assert(r == 1);
        (void)r;
    }
    return hash;
}

static void sign_header(const struct bt_private_key *key, const struct bt_buf *header,
                        uint8_t out[BT_BATCH_SIGNATURE_BYTES])
{
    BT_AUTOBUF text;
    uint8_t signature[BT_SIGNATURE_MAX_BYTES];
    size_t len;
    bt_buf_init(&text, 2 * BT_BATCH_MAX_HEADER);
    must(bt_buf_appendf(&text, "%s%s", BT_BATCH_SIGNED_PREFIX, bt_buf_text(header)));
    must(bt_private_key_sign(key, text.data, text.len, signature, &len, NULL));
    assert(len == BT_BATCH_SIGNATURE_BYTES);
    memcpy(out, signature, BT_BATCH_SIGNATURE_BYTES);
}

// *hash is the chain before, and becomes the chain after.
static void make_batch(const struct bt_test_province *province, int journal, int64_t first,
                       const struct bt_private_key *by, const char *player, struct bt_sha256 *hash,
                       struct bt_buf *out)
{
    BT_AUTO(bt_batch_maker) maker = bt_batch_maker_create(hash, first);
    *hash = fill(province, journal, first, *hash, maker);
    struct bt_batch_header header = {.now = {.wall_ms = BT_TEST_MIDNIGHT_MS + DAY_MS,
                                             .mono_ns = DAY_MS * 1000000LL,
                                             .clock_trust = BT_CLOCK_SYNCED}};
    BT_AUTOFREE char *own = bt_strf("d-%d", number_of(province, journal));
    must(bt_format(header.player, sizeof(header.player), "%s", player != NULL ? player : own));
    must(bt_format(header.boot, sizeof(header.boot), "b-%d", journal));
    journal_of(journal, header.journal);
    BT_AUTOBUF text;
    uint8_t signature[BT_BATCH_SIGNATURE_BYTES];
    bt_buf_init(&text, BT_BATCH_MAX_HEADER);
    must(bt_batch_maker_header(maker, &header, &text, NULL));
    sign_header(by != NULL ? by : province->players[journal], &text, signature);
    bt_buf_init(out, BT_BATCH_MAX_PACKED);
    must(bt_batch_maker_seal(maker, &text, signature, out, NULL));
}

void bt_test_batch(const struct bt_test_province *province, int journal, int64_t first,
                   const struct bt_private_key *by, struct bt_buf *out)
{
    struct bt_sha256 hash = hash_before(province, journal, first);
    make_batch(province, journal, first, by, NULL, &hash, out);
}

void bt_test_batch_of(const struct bt_test_province *province, int journal, int64_t first,
                      const char *player, struct bt_buf *out)
{
    struct bt_sha256 hash = hash_before(province, journal, first);
    make_batch(province, journal, first, NULL, player, &hash, out);
}

char *bt_test_batch_line(const struct bt_buf *batch)
{
    struct bt_buf line;
    bt_buf_init(&line, BT_EVIDENCE_MAX_LINE);
    must(bt_buf_appendf(&line, "{\"kind\":\"batch\",\"received_ms\":%lld,\"body\":\"",
                        (long long)(BT_TEST_MIDNIGHT_MS + DAY_MS)));
    must(bt_base64_append(batch->data, batch->len, &line));
    must(bt_buf_append(&line, "\"}", 2));
    return line.data;
}

void bt_test_public_key(const struct bt_private_key *key, char out[65])
{
    BT_AUTOJSON *public_key = bt_private_key_public(key);
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(public_key, "keyval");
    bt_copy_cut(out, 65, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(value, "public")));
}

static void add_key(cJSON *object, const struct bt_private_key *key)
{
    char hex[65];
    bt_test_public_key(key, hex);
    cJSON_AddStringToObject(object, "public_key", hex);
}

static cJSON *journal_facts(const struct bt_test_province *province, int journal, cJSON *object,
                            int64_t last_seq)
{
    char id[33], hex[BT_SHA256_HEX_BYTES];
    BT_AUTOFREE char *player = bt_strf("d-%d", number_of(province, journal));
    BT_AUTOFREE char *screen = bt_strf("s-%d", number_of(province, journal));
    struct bt_sha256 hash = hash_before(province, journal, last_seq + 1);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    cJSON_AddStringToObject(object, "player", player);
    cJSON_AddStringToObject(object, "journal", journal_of(journal, id));
    cJSON_AddStringToObject(object, "screen", screen);
    cJSON_AddStringToObject(object, "unit", "31333");
    add_key(object, province->players[journal]);
    cJSON_AddNumberToObject(object, "last_seq", (double)last_seq);
    cJSON_AddStringToObject(object, "last_hash", hex);
    return object;
}

static void add_journal(const struct bt_test_province *province, int journal,
                        struct bt_test_lines *out)
{
    struct bt_sha256 hash = {{0}};
    cJSON *line = journal_facts(province, journal, begin("journal"), province->records);
    cJSON_AddStringToObject(line, "state", "open");
    cJSON_AddStringToObject(line, "screen_name", "Cổng chào");
    cJSON_AddStringToObject(line, "time_zone", "Asia/Ho_Chi_Minh");
    bt_test_lines_add(out, line_of(line));
    for (int64_t first = 1; first <= province->records; first += province->per_batch) {
        BT_AUTOBUF batch = {0};
        make_batch(province, journal, first, NULL, NULL, &hash, &batch);
        bt_test_lines_add(out, bt_test_batch_line(&batch));
    }
}

/*
 * Heads, the report, and the file.
 */

char *bt_test_heads(const struct bt_test_province *province, int64_t day, int64_t last_seq,
                    const struct bt_private_key *by, char previous[65])
{
    char date[40];
    BT_AUTOBUF text;
    cJSON *body = cJSON_CreateObject();
    bt_rfc3339_format(day * DAY_MS, 0, date);
    date[10] = '\0';
    cJSON_AddStringToObject(body, "_type", "plays-heads");
    cJSON_AddNumberToObject(body, "format", 1);
    cJSON_AddStringToObject(body, "day", date);
    cJSON_AddNumberToObject(body, "made_ms", (double)(day * DAY_MS));
    cJSON_AddStringToObject(body, "previous", previous);
    cJSON *list = cJSON_AddArrayToObject(body, "journals");
    for (int i = 0; last_seq > 0 && i < province->journals; i++) {
        cJSON_AddItemToArray(list, journal_facts(province, i, cJSON_CreateObject(), last_seq));
    }
    bt_buf_init(&text, 1 << 20);
    must(bt_countersign(body, by, &text, NULL));
    cJSON_Delete(body);
    struct bt_sha256 hash = bt_sha256_of(text.data, text.len);
    bt_hex(hash.bytes, sizeof(hash.bytes), previous);
    cJSON *line = begin("heads");
    cJSON_AddStringToObject(line, "text", bt_buf_text(&text));
    return line_of(line);
}

static void add_heads(const struct bt_test_province *province, struct bt_test_lines *out)
{
    char previous[65] = "0000000000000000000000000000000000000000000000000000000000000000";
    for (int64_t day = BT_TEST_DAY - 2; day <= BT_TEST_DAY + 1; day++) {
        bt_test_lines_add(out,
                          bt_test_heads(province, day, day < BT_TEST_DAY ? 0 : province->records,
                                        province->timestamp, previous));
    }
}

static void write_columns(struct bt_buf *out)
{
    static const char *const columns[][3] = {
        {"screen", "text", "Màn hình"},      {"screen_id", "text", "Mã màn hình"},
        {"scheduled", "count", "Theo lịch"}, {"complete", "count", "Trọn vẹn"},
        {"partial", "count", "Dở dang"},     {"verified", "count", "Xác minh hiển thị"},
        {"cards", "count", "Lượt thẻ"},      {"shown_ms", "duration_ms", "Thời lượng phát"},
        {"screens", "count", "Số màn hình"}, {"goal", "count", "Chỉ tiêu"},
        {"shortfall", "count", "Còn thiếu"}};
    for (size_t i = 0; i < BT_ARRAY_LEN(columns); i++) {
        must(bt_buf_appendf(out, "%s{\"name\":\"%s\",\"kind\":\"%s\",\"vi\":\"%s\",\"en\":\"\"}",
                            i == 0 ? "" : ",", columns[i][0], columns[i][1], columns[i][2]));
    }
}

static void write_rows(const struct bt_test_province *province, struct bt_buf *out)
{
    int64_t complete = bt_test_complete(province), partial = province->records - 1 - complete;
    int64_t shown_ms = complete * PLAY_MS + partial * 500, n = province->journals;
    for (int i = 0; i < province->journals; i++) {
        must(bt_buf_appendf(out, "[\"Cổng chào\",\"s-%d\",null,%lld,%lld,0,0,%lld,1,null,null]%s\n",
                            number_of(province, i), (long long)complete, (long long)partial,
                            (long long)shown_ms, i + 1 < province->journals ? "," : ""));
    }
    int64_t all_complete = n * complete, all_partial = n * partial, all_ms = n * shown_ms;
    must(bt_buf_appendf(out, "],\"total\":[\"\",\"\",null,%lld,%lld,0,0,%lld,%lld,null,null]",
                        (long long)all_complete, (long long)all_partial, (long long)all_ms,
                        (long long)n));
}

static void write_watermarks(const struct bt_test_province *province, struct bt_buf *out)
{
    char id[33];
    must(bt_buf_appendf(out, ",\"watermarks\":{"));
    for (int i = 0; i < province->journals; i++) {
        must(bt_buf_appendf(out, "%s\"d-%d/%s\":%lld", i == 0 ? "" : ",", number_of(province, i),
                            journal_of(i, id), (long long)province->records));
    }
    must(bt_buf_appendf(out, "}}"));
}

static void add_report(const struct bt_test_province *province, struct bt_test_lines *out)
{
    char hex[BT_SHA256_HEX_BYTES];
    BT_AUTOBUF text;
    bt_buf_init(&text, 1 << 20);
    struct bt_sha256 root = bt_sha256_of(province->root_text, strlen(province->root_text));
    bt_hex(root.bytes, sizeof(root.bytes), hex);
    must(bt_buf_appendf(&text,
                        "{\"format\":1,\"id\":\"r-1\",\"definitions\":%d,\"title\":\"Báo cáo\","
                        "\"from_day\":\"2026-11-20\",\"until_day\":\"2026-11-20\","
                        "\"root_sha256\":\"%s\",\"by\":[\"screen\"],\"filter\":{},\"columns\":[",
                        BT_TALLY_DEFINITIONS, hex));
    write_columns(&text);
    must(bt_buf_appendf(&text, "],\"rows\":[\n"));
    write_rows(province, &text);
    write_watermarks(province, &text);
    cJSON *line = begin("report");
    cJSON_AddObjectToObject(line, "files");
    cJSON_AddStringToObject(line, "text", bt_buf_text(&text));
    bt_test_lines_add(out, line_of(line));
}

void bt_test_evidence(const struct bt_test_province *province, bool report,
                      struct bt_test_lines *out)
{
    *out = (struct bt_test_lines){NULL, 0, 0};
    add_opening(out);
    add_metadata(out, "root", province->root_text);
    add_targets(province, out);
    add_screens(province, out);
    add_heads(province, out);
    if (report) {
        add_report(province, out);
    }
    for (int i = 0; i < province->journals; i++) {
        add_journal(province, i, out);
    }
}

static void seal(struct bt_evidence_writer *writer, const struct bt_private_key *by)
{
    struct bt_sha256 sha256;
    char hex[BT_SHA256_HEX_BYTES];
    BT_AUTOBUF text;
    must(bt_evidence_writer_end(writer, &sha256, NULL));
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    BT_AUTOJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "_type", "plays-evidence");
    cJSON_AddStringToObject(body, "sha256", hex);
    bt_buf_init(&text, BT_EVIDENCE_MAX_SEAL);
    must(bt_countersign(body, by, &text, NULL));
    must(bt_evidence_writer_seal(writer, text.data, text.len, NULL));
}

void bt_test_pack(const struct bt_test_lines *lines, const struct bt_private_key *by,
                  const char *path)
{
    BT_AUTO(bt_evidence_writer) writer = NULL;
    BT_AUTOFREE char *end = bt_strf("{\"kind\":\"end\",\"lines\":%zu}", lines->count + 1);
    (void)unlink(path);
    must(bt_evidence_writer_create(path, &writer, NULL));
    for (size_t i = 0; i < lines->count; i++) {
        must(bt_evidence_writer_add(writer, lines->lines[i], strlen(lines->lines[i]), NULL));
    }
    must(bt_evidence_writer_add(writer, end, strlen(end), NULL));
    seal(writer, by);
}
