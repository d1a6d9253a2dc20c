// Emergency activations, and filling a template with what they bring: the result is a publication
// with the very items of the template, whatever the values.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "playlists/publication.h"
#include "sync/activation.h"
#include "sync/template.h"

static const char template_text[] =
    "{\"format\":1,\"id\":\"t\",\"version\":1,\"layer\":\"emergency\",\"fields\":["
    "{\"name\":\"ten\",\"type\":\"text\",\"max_bytes\":256},"
    "{\"name\":\"cap\",\"type\":\"number\",\"max_bytes\":16}],"
    "\"playlists\":[{\"name\":\"p\",\"items\":[{\"id\":\"i\",\"type\":\"text\","
    "\"text\":\"{ten} {cap}\",\"seconds\":5}]}],"
    "\"schedule\":[{\"zone\":\"z\",\"playlist\":\"p\"}]}";

static void fill(const struct bt_activation *activation)
{
    BT_AUTOFREE char *text = NULL;
    BT_AUTO(bt_publication) publication = NULL;
    struct bt_error err = {0};
    if (bt_template_fill(template_text, strlen(template_text), activation, &text, &err) < 0) {
        assert(text == NULL && err.msg[0] != '\0');
        return;
    }
    int r = bt_publication_parse(text, strlen(text), BT_UNKNOWN_REFUSE, &publication, &err);
    assert(r == 0 && publication->playlist_count == 1);
    assert(publication->playlists[0].item_count == 1 && publication->rule_count == 1);
    assert(publication->valid_from_ms == activation->from_ms);
    assert(publication->valid_until_ms == activation->until_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_activation activation;
    struct bt_error err = {0};
    char role[BT_ROLE_BYTES];
    if (bt_activation_parse((const char *)data, size, &activation, &err) < 0) {
        assert(err.msg[0] != '\0');
        return 0;
    }
    assert(activation.level >= 1 && activation.level <= 5);
    assert(activation.until_ms > activation.from_ms);
    assert(activation.until_ms - activation.from_ms <= BT_ACTIVATION_MAX_MS);
    assert(activation.field_count <= BT_ACTIVATION_MAX_FIELDS);
    // Nobody's signature is enough.
    const struct bt_keyring nobody = {.threshold = 1};
    assert(bt_activation_verify((const char *)data, size, &activation, &nobody, 0, &err) < 0);
    if (bt_activation_role(&activation, role, &err) == 0) {
        assert(strncmp(role, "em-", 3) == 0);
    }
    fill(&activation);
    return 0;
}
