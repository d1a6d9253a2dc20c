#include "trust/words.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/str.h"

// Both texts are 64 characters of hex.
#define SALT_BYTES 160

// clang-format off
const char *const bt_words_list[BT_WORDS_COUNT] = {
    "ấm", "áo", "bách", "bánh", "báo", "bắp", "bát", "bầu", "bè", "bếp", "biển", "bình", "bò",
    "bóng", "bụi", "bước", "buồm", "bút", "cam", "canh", "cao", "cát", "cau", "cây", "chai", "chăn",
    "chanh", "cháo", "chè", "chén", "chiếu", "chín", "chợ", "chổi", "chữ", "chum", "chuông", "cò",
    "cối", "cơm", "cồng", "cua", "cúc", "cung", "cừu", "đàn", "dao", "đất", "dâu", "dây", "đèn",
    "dép", "địa", "điện", "diều", "đinh", "đò", "đồi", "dong", "dù", "dừa", "dương", "én", "ga",
    "gấc", "gấm", "gạo", "gấu", "ghe", "giao", "giấy", "giếng", "gió", "gỗ", "gốm", "gừng", "gương",
    "hạc", "hai", "hành", "hạt", "hè", "hến", "hiên", "hồ", "hoa", "hồng", "hộp", "hương", "kem",
    "kén", "kênh", "kẹo", "khăn", "khay", "khế", "kho", "khoai", "khói", "kiến", "kim", "kính",
    "lá", "lạc", "lan", "làng", "lê", "lều", "lịch", "liềm", "linh", "lò", "loa", "lúa", "lược",
    "lưới", "mạ", "mai", "mâm", "mận", "măng", "mây", "men", "mèo", "mía", "miền", "mít", "mộc",
    "mũ", "mưa", "mực", "muối", "muỗng", "mướp", "nai", "nấm", "nắng", "nem", "nến", "nếp", "ngà",
    "ngan", "ngao", "ngày", "nghề", "ngô", "ngọc", "ngói", "ngựa", "nhà", "nhạc", "nhãn", "nhật",
    "nhện", "nhím", "nho", "nhung", "nơ", "nôi", "nón", "nong", "núi", "nước", "ốc", "ổi", "ong",
    "phà", "phấn", "pháo", "phố", "phòng", "phúc", "phượng", "quả", "quần", "quạt", "quế", "quýt",
    "rắn", "rau", "rêu", "rổ", "rồng", "rùa", "rừng", "ruộng", "sâm", "sân", "sáng", "sáo", "sen",
    "sim", "sò", "sóc", "sỏi", "sông", "sữa", "sung", "sương", "tai", "tằm", "táo", "tàu", "tem",
    "tên", "thảm", "thang", "thành", "tháp", "thau", "thìa", "thỏ", "thóc", "thông", "thư", "thước",
    "thuyền", "tiêu", "tim", "tơ", "tỏi", "tôm", "trà", "trăng", "tranh", "trâu", "tre", "trống",
    "trúc", "trứng", "trường", "tủ", "tùng", "tường", "tuyết", "vải", "ván", "vàng", "vé", "vịt",
    "vở", "vôi", "vòng", "vui", "vừng", "vườn", "xanh", "xe", "xẻng", "xoài", "xoan", "xôi", "xóm",
    "xuân", "xương", "yên",
};
// clang-format on

// A server in between may choose the code and its root as it likes until the words agree. Each try
// costs it this much, it takes 2^31 of them on average, and a code lives minutes.
#define ITERATIONS 200000

int bt_words(const char *public_key, const char *root_sha256, const char *code,
             char out[BT_WORDS_BYTES])
{
    char salt[SALT_BYTES];
    uint8_t bytes[4];
    int r = bt_format(salt, sizeof(salt), "bangtin-words\n%s\n%s", public_key, root_sha256);
    if (r < 0 ||
        PKCS5_PBKDF2_HMAC(code, (int)strlen(code), (const unsigned char *)salt, (int)strlen(salt),
                          ITERATIONS, EVP_sha256(), sizeof(bytes), bytes) != 1) {
        return -EINVAL;
    }
    return bt_format(out, BT_WORDS_BYTES, "%s %s %s %s", bt_words_list[bytes[0]],
                     bt_words_list[bytes[1]], bt_words_list[bytes[2]], bt_words_list[bytes[3]]);
}
