#include <assert.h>

#include "media/check.h"

// Operators read the Vietnamese sentence first; each says what to do.
static const struct {
    const char *word, *vi, *en;
} codes[BT_MEDIA_CODE_COUNT] = {
    [BT_MEDIA_UNREADABLE] = {"unreadable",
                             "Không mở được tệp: hãy kiểm tra đường dẫn và quyền đọc.",
                             "The file cannot be read: check its path and permissions."},
    [BT_MEDIA_EMPTY] = {"empty", "Tệp rỗng: hãy sao chép lại từ bản gốc.",
                        "The file is empty: copy it again from the original."},
    [BT_MEDIA_NOT_MEDIA] = {"not-media",
                            "Đây không phải ảnh hay video mà máy phát đọc được: hãy xuất lại thành "
                            "PNG, JPEG hoặc MP4 (H.264).",
                            "This is no picture or clip the player can read: export it as PNG, "
                            "JPEG or MP4 (H.264)."},
    [BT_MEDIA_TOO_LARGE] = {"too-large",
                            "Kích thước quá lớn: hãy thu nhỏ xuống dưới 16384 điểm ảnh mỗi cạnh và "
                            "64 triệu điểm ảnh.",
                            "The picture is too large: keep below 16384 pixels a side and 64 "
                            "million in all."},
    [BT_MEDIA_UNSUPPORTED_CODEC] = {"unsupported-codec",
                                    "Máy phát không giải mã được định dạng video này: hãy chuyển "
                                    "sang H.264.",
                                    "The player cannot decode this video format: convert it to "
                                    "H.264."},
    [BT_MEDIA_UNSUPPORTED_PICTURE] = {"unsupported-picture",
                                      "Kiểu ảnh này hiếm gặp và không hiển thị được: hãy lưu lại "
                                      "thành PNG hoặc JPEG thường.",
                                      "This rare kind of picture cannot be shown: save it as an "
                                      "ordinary PNG or JPEG."},
    [BT_MEDIA_NO_PICTURE] = {"no-picture", "Tệp không có hình (chỉ có âm thanh).",
                             "There is no picture in the file (sound only)."},
    [BT_MEDIA_DAMAGED] = {"damaged", "Tệp bị hỏng: hãy xuất hoặc tải lại.",
                          "The file is damaged: export or download it again."},
    [BT_MEDIA_CUT_OFF] = {"cut-off", "Tệp bị thiếu phần cuối: hãy tải lại cho đủ.",
                          "The end of the file is missing: download it again."},
    [BT_MEDIA_TOO_SLOW] = {"too-slow",
                           "Giải mã những khung hình đầu mất quá 2 giây: hãy giảm độ phân giải.",
                           "The first frames take more than 2 seconds to decode: lower the "
                           "resolution."},
    [BT_MEDIA_NOT_REVIEWABLE] = {"not-reviewable",
                                 "Trình duyệt của người duyệt không hiện loại ảnh này đúng như máy "
                                 "phát: hãy lưu thành PNG hoặc JPEG rồi tải lên.",
                                 "Reviewers' browsers do not show this kind of picture as players "
                                 "do: save it as PNG or JPEG and upload that."},
    [BT_MEDIA_MANY_PICTURES] = {"many-pictures",
                                "Video có nhiều luồng hình; người duyệt có thể thấy luồng khác với "
                                "màn hình: hãy xuất lại chỉ còn một luồng hình.",
                                "The clip has several picture tracks, and reviewers may see "
                                "another than the screen: export it with one alone."},
    [BT_MEDIA_CONVERTED] = {"converted",
                            "Ảnh đã được chuyển sang PNG khi tải lên; người duyệt và màn hình đều "
                            "thấy bản PNG này. Nên xem lại trước khi đề nghị phát.",
                            "The picture was converted to PNG at upload; reviewers and screens see "
                            "that PNG. Look at it before you propose it."},
    [BT_MEDIA_SOME_DAMAGE] = {"some-damage",
                              "Một số khung hình bị lỗi, có thể thấy vỡ hình: nên xuất lại.",
                              "Some frames are damaged and may show: better export it again."},
    [BT_MEDIA_HDR] = {"hdr",
                      "Video HDR: máy phát tự chuyển cho màn hình thường; nên xuất bản SDR để màu "
                      "đúng ý.",
                      "An HDR clip: the player converts it for ordinary screens; export SDR to "
                      "choose the colours yourself."},
    [BT_MEDIA_ABOVE_1080P] = {"above-1080p",
                              "Video lớn hơn 1920×1080: máy phát nhỏ có thể không kịp giải mã.",
                              "Larger than 1920×1080: small players may not keep up."},
    [BT_MEDIA_NOT_H264] = {"not-h264",
                           "Không phải H.264: nên chuyển sang H.264 để mọi máy phát đều chạy được.",
                           "Not H.264: convert it so that every player can show it."},
    [BT_MEDIA_ABOVE_LEVEL] = {"above-level",
                              "H.264 cao hơn mức High@4.1: bộ giải mã phần cứng có thể từ chối.",
                              "Above H.264 High@4.1: hardware decoders may refuse it."},
    [BT_MEDIA_DEEP_COLOUR] = {"deep-colour", "Màu hơn 8 bit: nên xuất 8 bit (yuv420p).",
                              "More than 8 bits a colour: better export 8 bit (yuv420p)."},
    [BT_MEDIA_NOT_420] = {"not-420", "Lấy mẫu màu không phải 4:2:0: nên xuất yuv420p.",
                          "Chroma is not 4:2:0: better export yuv420p."},
    [BT_MEDIA_INTERLACED] =
        {"interlaced", "Video quét xen kẽ: máy phát tự khử; nên xuất quét liên tục để nét hơn.",
         "Interlaced: the player joins the halves; export progressive for a "
         "sharper picture."},
    [BT_MEDIA_VARIABLE_RATE] = {"variable-rate",
                                "Tốc độ khung hình thay đổi: nên xuất tốc độ cố định.",
                                "The frame rate varies: export a constant one."},
    [BT_MEDIA_ODD_RATE] = {"odd-rate",
                           "Tốc độ khung hình không phải 25, 30, 50 hoặc 60: chuyển động có thể "
                           "giật nhẹ.",
                           "The frame rate is not 25, 30, 50 or 60: movement may judder a little."},
    [BT_MEDIA_HIGH_BIT_RATE] = {"high-bit-rate",
                                "Tốc độ bit cao hơn 20 Mbit/s: tốn dung lượng và khó giải mã.",
                                "More than 20 Mbit/s: heavy to fetch and to decode."},
    [BT_MEDIA_ODD_SIZE] = {"odd-size", "Chiều rộng hoặc chiều cao là số lẻ: nên dùng số chẵn.",
                           "Width or height is odd: better use even numbers."},
    [BT_MEDIA_CMYK] = {"cmyk", "Ảnh hệ màu in CMYK: màu có thể lệch; nên lưu RGB.",
                       "A CMYK picture meant for print: colours may shift; save it as RGB."},
    [BT_MEDIA_LARGE_PICTURE] = {"large-picture",
                                "Ảnh lớn hơn nhiều so với màn hình: nên thu nhỏ để tải nhanh hơn.",
                                "Much larger than a screen: make it smaller to fetch it faster."},
    [BT_MEDIA_HAS_AUDIO] = {"has-audio",
                            "Video có âm thanh: chỉ nghe được khi mục có ghi âm lượng "
                            "(volume_percent) và màn hình cho phép.",
                            "The clip has sound: it is heard only where its item says how loud "
                            "(volume_percent) and the screen allows it."},
};

const char *bt_media_code_word(enum bt_media_code code)
{
    assert(code < BT_MEDIA_CODE_COUNT);
    return codes[code].word;
}

const char *bt_media_advice_vi(enum bt_media_code code)
{
    assert(code < BT_MEDIA_CODE_COUNT);
    return codes[code].vi;
}

const char *bt_media_advice_en(enum bt_media_code code)
{
    assert(code < BT_MEDIA_CODE_COUNT);
    return codes[code].en;
}
