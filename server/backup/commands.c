#include "server/backup/commands.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/str.h"
#include "server/backup/convert.h"
#include "server/backup/move.h"
#include "server/backup/restore.h"
#include "server/media/store_options.h"

#define BAR_COLUMNS 30
#define DEFAULT_KEEP 7

static void draw_bar(const char *what, int64_t done, int64_t total)
{
    char bar[BAR_COLUMNS + 1];
    int64_t filled = total > 0 ? done * BAR_COLUMNS / total : 0;
    memset(bar, '.', BAR_COLUMNS);
    memset(bar, '#', (size_t)BT_CLAMP(filled, (int64_t)0, (int64_t)BAR_COLUMNS));
    bar[BAR_COLUMNS] = '\0';
    fprintf(stderr, "\r\033[K%s [%s] %3lld %%", what, bar,
            total > 0 ? (long long)(done * 100 / total) : 0LL);
}

// A tenth of a second at least between two, and the last one always.
static void show(const char *what, int64_t done, int64_t total)
{
    static int64_t next_ns;
    int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
    if (isatty(STDERR_FILENO) && (now_ns >= next_ns || done >= total)) {
        next_ns = now_ns + BT_NS_PER_S / 10;
        draw_bar(what, done, total);
    }
}

static void end_bar(void)
{
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
}

static long long mebibytes(int64_t bytes)
{
    return (long long)((bytes + 1024 * 1024 - 1) / (1024 * 1024));
}

static char *database_of(const struct bt_arguments *arguments)
{
    const char *said = bt_argument(arguments, "database");
    return said != NULL ? bt_strdup(said)
                        : bt_strf("sqlite:%s/bangtin.db", bt_argument(arguments, "data"));
}

static void say_backup(const struct bt_backup_result *result, const char *to)
{
    printf("Bản sao lưu / backup: %s/%s\n", to, result->name);
    printf("  cơ sở dữ liệu / database %lld MiB; %lld tệp nội dung / blobs, %lld MiB\n",
           mebibytes(result->database_bytes), (long long)result->blobs,
           mebibytes(result->blob_bytes));
    printf(
        "CHÚ Ý: thư mục này có khóa của máy chủ và dữ liệu tài khoản. Giữ kín như chính máy chủ.\n"
        "NOTE: it holds the server's keys and accounts. Guard it as you guard the server.\n");
    if (result->same_disk) {
        puts(
            "CHÚ Ý: nằm cùng ổ đĩa với dữ liệu, hỏng đĩa là mất cả hai; hãy chép đi nơi khác.\n"
            "NOTE: it is on the same file system as the data and dies with it; copy it elsewhere.");
    }
}

static int run_backup(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_backup_result result;
    BT_AUTOFREE char *database = database_of(arguments);
    struct bt_backup_request request = {
        .data = bt_argument(arguments, "data"),
        .database = database,
        .to = bt_argument(arguments, "to"),
        .keep = (size_t)bt_argument_int(arguments, "keep", DEFAULT_KEEP),
        .progress = show};
    bt_store_take(arguments, &request.store);
    int r = bt_backup_make(&request, &result, err);
    end_bar();
    if (r < 0) {
        return r;
    }
    say_backup(&result, request.to);
    return result.damaged == 0
               ? BT_EXIT_OK
               : bt_fail(
                     err, -EBADMSG,
                     "%lld tệp nội dung đã hỏng và không có trong bản sao lưu; phần còn lại nguyên"
                     " vẹn / %lld blobs are damaged and left out, all else is there: %s …",
                     (long long)result.damaged, (long long)result.damaged, result.first_damaged);
}

static void say_restored(const struct bt_restore_result *result)
{
    char at[BT_RFC3339_BYTES];
    bt_rfc3339_format(result->made_ms / 1000 * 1000, 7 * 3600, at);
    printf("Đã phục hồi bản / restored: %s (%s), %lld tệp nội dung / blobs, %lld MiB\n",
           result->name, at, (long long)result->blobs, mebibytes(result->blob_bytes));
    puts("Những gì làm SAU lúc ấy phải làm lại / what was done AFTER that has to be done again:\n"
         "  - tệp đã tải lên; gốc và người được ký: 'bangtin repository push' từ kho ký\n"
         "    files uploaded; root and who may sign: 'bangtin repository push' from its folder\n"
         "  - gỡ khẩn cấp: máy phát vẫn giữ lệnh, máy chủ thì không; hãy gỡ lại\n"
         "    takedowns: players keep them, the server does not know them\n"
         "  - ghép, thu hồi máy phát; khóa tài khoản, thu quyền, hủy mã truy cập\n"
         "    players paired or revoked; accounts, rights and tokens that were taken away\n"
         "Mọi người đăng nhập lại. Máy phát tự nộp lại nội dung đã ký và lượt phát, không đếm hai "
         "lần.\n"
         "Everybody logs in again. Players bring back by themselves what was signed, and their "
         "plays,\n"
         "which are not counted twice.");
}

static int run_restore(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_restore_result result;
    BT_AUTOFREE char *database = database_of(arguments);
    struct bt_restore_request request = {.from = bt_argument(arguments, "from"),
                                         .data = bt_argument(arguments, "data"),
                                         .database = database,
                                         .generation = bt_argument(arguments, "generation"),
                                         .progress = show};
    bt_store_take(arguments, &request.store);
    if (sodium_init() < 0) {
        return bt_fail(err, -EIO, "libsodium does not start");
    }
    int r = bt_restore_run(&request, &result, err);
    end_bar();
    if (r < 0) {
        return r;
    }
    say_restored(&result);
    return BT_EXIT_OK;
}

static int run_migrate(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_copy_result result;
    int r = bt_convert_run(bt_argument(arguments, "from"), bt_argument(arguments, "to"), show,
                           &result, err);
    end_bar();
    if (r < 0) {
        return r;
    }
    printf("Đã chuyển và đối chiếu / moved and compared: %lld bảng / tables, %lld dòng / rows\n",
           (long long)result.tables, (long long)result.rows);
    puts("Từ nay chạy máy chủ với --database của nơi mới; đừng chạy lại trên nơi cũ.\n"
         "From now on start the server with the new --database, and not on the old one again.");
    return BT_EXIT_OK;
}

static int run_blobs(const struct bt_arguments *arguments, struct bt_error *err)
{
    struct bt_move_result result;
    struct bt_move_request request = {.from = bt_argument(arguments, "from"),
                                      .to = bt_argument(arguments, "to"),
                                      .remove = bt_argument_flag(arguments, "remove"),
                                      .progress = show};
    if (!bt_str_equal(bt_operand(arguments, 0), "move")) {
        return bt_fail(err, -EINVAL, "bangtin-server blobs move --from … --to …");
    }
    bt_store_take_trust(arguments, &request.store);
    int r = bt_move_run(&request, &result, err);
    end_bar();
    if (r < 0) {
        return r;
    }
    printf("Đã chép và đối chiếu / copied and compared: %lld tệp nội dung / blobs, %lld MiB\n",
           (long long)result.blobs, mebibytes(result.bytes));
    return result.damaged == 0
               ? BT_EXIT_OK
               : bt_fail(err, -EBADMSG,
                         "%lld tệp nội dung đã hỏng và ở lại / blobs are damaged and stay: %s …",
                         (long long)result.damaged, result.first_damaged);
}

static const struct bt_option blobs_options[] = {
    {"from", "WHERE", "thư mục hoặc kho / a folder or https://HOST/BUCKET[/PREFIX]",
     .required = true},
    {"to", "WHERE", "cái kia / the other one", .required = true},
    {"remove", NULL, "chép xong thì xóa ở chỗ cũ / remove what was copied from where it was"},
    BT_STORE_TRUST_OPTIONS,
};

static const struct bt_option backup_options[] = {
    {"data", "DIR", "thư mục dữ liệu / the data directory", .required = true},
    {"to", "DIR", "nơi giữ các bản sao lưu / where backups are kept", .required = true},
    {"database", "WHERE", "như của máy chủ / as the server's (sqlite:DATA/bangtin.db)"},
    {"keep", "N", "giữ bao nhiêu bản / how many are kept (7)", .min = 1, .max = 1000},
    BT_STORE_OPTIONS,
};

static const struct bt_option restore_options[] = {
    {"from", "DIR", "nơi giữ các bản sao lưu / where backups are kept", .required = true},
    {"data", "DIR", "thư mục dữ liệu trống / an empty data directory", .required = true},
    {"database", "WHERE", "cơ sở dữ liệu trống / an empty database (sqlite:DATA/bangtin.db)"},
    {"generation", "NAME", "bản nào / which one (mới nhất / the newest)"},
    BT_STORE_OPTIONS,
};

static const struct bt_option migrate_options[] = {
    {"from", "WHERE", "sqlite:PATH hoặc / or postgresql://…", .required = true},
    {"to", "WHERE", "trống / empty", .required = true},
};

static const struct bt_subcommand commands[] = {
    {.name = "backup",
     .about = "Sao lưu, cả khi máy chủ đang chạy; đứt giữa chừng thì chạy lại.\n"
              "Makes a backup, also while the server runs; broken off, run it again.",
     BT_OPTIONS(backup_options),
     .check = bt_store_check,
     .run = run_backup},
    {.name = "restore",
     .about = "Phục hồi vào nơi trống; đứt giữa chừng thì chạy lại.\n"
              "Restores into an empty place; broken off, run it again.",
     BT_OPTIONS(restore_options),
     .check = bt_store_check,
     .run = run_restore},
    {.name = "migrate",
     .about = "Chuyển cơ sở dữ liệu sang nơi khác rồi đối chiếu từng dòng; máy chủ phải dừng. Đứt "
              "giữa chừng\nthì chạy lại.\n"
              "Moves the database and compares every row; no server may run. Broken off, run it "
              "again.",
     BT_OPTIONS(migrate_options),
     .run = run_migrate},
    {.name = "blobs",
     .operands = "move",
     .min_operands = 1,
     .max_operands = 1,
     .about = "Chép nội dung từ thư mục vào kho S3 hoặc ngược lại, đối chiếu từng tệp; đứt giữa "
              "chừng thì chạy lại.\n"
              "Copies content from a folder into an S3 store, or back, and compares each; broken "
              "off, run it again.",
     BT_OPTIONS(blobs_options),
     .run = run_blobs},
};

bool bt_backup_is_command(const char *word)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(commands); i++) {
        if (bt_str_equal(commands[i].name, word)) {
            return true;
        }
    }
    return false;
}

int bt_backup_command(int argc, char **argv)
{
    static const struct bt_program program = {.name = "bangtin-server"};
    static const struct bt_command_group group = {
        .summary =
            "bangtin-server: sao lưu, phục hồi, chuyển cơ sở dữ liệu / backup, restore, move",
        .commands = commands,
        .count = BT_ARRAY_LEN(commands)};
    return bt_command_group_run(&program, &group, argc, argv);
}
