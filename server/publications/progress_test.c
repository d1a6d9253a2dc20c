#include "server/publications/progress.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

// One row for each state, one word for each event; NULL: cannot happen.
static const char *const publication_table[BT_PUBLICATION_STATES][BT_PUBLICATION_EVENTS] = {
    {"proposed", NULL, NULL, NULL, NULL, "withdrawn"},
    {NULL, "draft", "approved", NULL, NULL, NULL},
    {NULL, NULL, NULL, "published", NULL, NULL},
    {NULL, NULL, NULL, NULL, "superseded", "withdrawn"},
    {NULL, NULL, NULL, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
static const char *const proposal_table[BT_PROPOSAL_STATES][BT_PROPOSAL_EVENTS] = {
    {"open", NULL, NULL, "refused", "withdrawn"},
    {NULL, "open", "published", "refused", "withdrawn"},
    {NULL, NULL, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static void publications_go_their_way_and_no_other(void **state)
{
    (void)state;
    for (int from = 0; from < BT_PUBLICATION_STATES; from++) {
        for (int event = 0; event < BT_PUBLICATION_EVENTS; event++) {
            const char *to = NULL, *wanted = publication_table[from][event];
            struct bt_error err;
            int r = bt_publication_step(bt_publication_state_words[from],
                                        (enum bt_publication_event)event, &to, &err);
            assert_int_equal(r, wanted == NULL ? -EINVAL : 0);
            if (wanted != NULL) {
                assert_string_equal(to, wanted);
            } else {
                assert_null(to);
            }
        }
    }
}

static void proposals_go_their_way_and_no_other(void **state)
{
    (void)state;
    for (int from = 0; from < BT_PROPOSAL_STATES; from++) {
        for (int event = 0; event < BT_PROPOSAL_EVENTS; event++) {
            const char *to = NULL, *wanted = proposal_table[from][event];
            struct bt_error err;
            int r = bt_proposal_step(bt_proposal_state_words[from], (enum bt_proposal_event)event,
                                     &to, &err);
            assert_int_equal(r, wanted == NULL ? -EINVAL : 0);
            if (wanted != NULL) {
                assert_string_equal(to, wanted);
            }
        }
    }
}

static void the_refusal_says_why(void **state)
{
    (void)state;
    const char *to;
    struct bt_error err;
    assert_int_equal(bt_publication_step("published", BT_PUBLICATION_PROPOSE, &to, &err), -EINVAL);
    assert_string_equal(err.msg, "a publication that is published cannot be proposed");
    assert_int_equal(bt_proposal_step("nonsense", BT_PROPOSAL_REFUSE, &to, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publications_go_their_way_and_no_other),
        cmocka_unit_test(proposals_go_their_way_and_no_other),
        cmocka_unit_test(the_refusal_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
