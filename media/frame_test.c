#include "media/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "media/av.h"

static void images_start_transparent(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = bt_image_create(3, 2);
    assert_non_null(image);
    assert_int_equal(image->stride, 12);
    assert_false(image->opaque);
    for (size_t i = 0; i < 24; i++) {
        assert_int_equal(image->pixels[i], 0);
    }
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    assert_null(bt_image_create(0, 10));
    assert_null(bt_image_create(10, -1));
    assert_null(bt_image_create(32769, 1));
    assert_null(bt_image_create(32768, 32768));
    bt_image_destroy(NULL);
    bt_frame_destroy(NULL);
}

static AVFrame *read_png(const char *path)
{
    BT_AUTOBUF buf;
    bt_buf_init(&buf, 1 << 20);
    assert_int_equal(bt_file_read(path, &buf, NULL), 0);
    BT_AUTOPACKET *packet = av_packet_alloc();
    assert_int_equal(av_new_packet(packet, (int)buf.len), 0);
    memcpy(packet->data, buf.data, buf.len);
    const AVCodec *png = avcodec_find_decoder(AV_CODEC_ID_PNG);
    BT_AUTOCODEC *codec = avcodec_alloc_context3(png);
    assert_int_equal(avcodec_open2(codec, png, NULL), 0);
    assert_int_equal(avcodec_send_packet(codec, packet), 0);
    AVFrame *frame = av_frame_alloc();
    assert_int_equal(avcodec_receive_frame(codec, frame), 0);
    return frame;
}

static AVFrame *write_and_read(const struct bt_image *image)
{
    char path[] = "/tmp/bt-frame-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct bt_error err = {0};
    assert_int_equal(bt_image_write_png(image, path, &err), 0);
    AVFrame *frame = read_png(path);
    unlink(path);
    return frame;
}

static void written_pictures_have_straight_colour(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = bt_image_create(2, 1);
    const uint8_t pixels[] = {0, 64, 128, 128, 10, 20, 30, 255};
    memcpy(image->pixels, pixels, sizeof(pixels));
    BT_AUTOFRAME *frame = write_and_read(image);
    assert_int_equal(frame->format, AV_PIX_FMT_RGBA);
    const uint8_t straight[] = {255, 128, 0, 128, 30, 20, 10, 255};
    assert_memory_equal(frame->data[0], straight, sizeof(straight));
}

static void opaque_pictures_are_written_without_alpha(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = bt_image_create(1, 1);
    const uint8_t pixel[] = {1, 2, 3, 255};
    memcpy(image->pixels, pixel, sizeof(pixel));
    image->opaque = true;
    BT_AUTOFRAME *frame = write_and_read(image);
    assert_int_equal(frame->format, AV_PIX_FMT_RGB24);
    const uint8_t rgb[] = {3, 2, 1};
    assert_memory_equal(frame->data[0], rgb, sizeof(rgb));
}

static void an_unwritable_path_is_an_error(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = bt_image_create(1, 1);
    struct bt_error err = {0};
    assert_true(bt_image_write_png(image, "/nowhere/at/all.png", &err) < 0);
    assert_true(err.msg[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_start_transparent),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(written_pictures_have_straight_colour),
        cmocka_unit_test(opaque_pictures_are_written_without_alpha),
        cmocka_unit_test(an_unwritable_path_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
