#include "server/publications/progress.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

const char *const bt_publication_state_words[] = {
    "draft", "proposed", "approved", "published", "superseded", "withdrawn", NULL,
};
const char *const bt_proposal_state_words[] = {
    "queued", "open", "published", "refused", "withdrawn", NULL,
};

struct step {
    int from, event, to;
};

struct machine {
    const char *noun;
    const char *const *words;
    const char *const *deeds;  // what the event does, for the refusal
    const struct step *steps;
    size_t count;
};

static const char *const publication_deeds[BT_PUBLICATION_EVENTS] = {
    "proposed", "refused", "approved", "published", "superseded", "withdrawn",
};
static const struct step publication_steps[] = {
    {BT_PUBLICATION_DRAFT, BT_PUBLICATION_PROPOSE, BT_PUBLICATION_PROPOSED},
    {BT_PUBLICATION_PROPOSED, BT_PUBLICATION_REFUSE, BT_PUBLICATION_DRAFT},
    {BT_PUBLICATION_PROPOSED, BT_PUBLICATION_APPROVE, BT_PUBLICATION_APPROVED},
    {BT_PUBLICATION_APPROVED, BT_PUBLICATION_PUBLISH, BT_PUBLICATION_PUBLISHED},
    {BT_PUBLICATION_PUBLISHED, BT_PUBLICATION_SUPERSEDE, BT_PUBLICATION_SUPERSEDED},
    {BT_PUBLICATION_DRAFT, BT_PUBLICATION_WITHDRAW, BT_PUBLICATION_WITHDRAWN},
    {BT_PUBLICATION_PUBLISHED, BT_PUBLICATION_WITHDRAW, BT_PUBLICATION_WITHDRAWN},
};
static const struct machine publications = {
    "publication",
    bt_publication_state_words,
    publication_deeds,
    publication_steps,
    sizeof(publication_steps) / sizeof(publication_steps[0]),
};

static const char *const proposal_deeds[BT_PROPOSAL_EVENTS] = {
    "opened", "rebased", "published", "refused", "withdrawn",
};
static const struct step proposal_steps[] = {
    {BT_PROPOSAL_QUEUED, BT_PROPOSAL_DO_OPEN, BT_PROPOSAL_OPEN},
    {BT_PROPOSAL_OPEN, BT_PROPOSAL_REBASE, BT_PROPOSAL_OPEN},
    {BT_PROPOSAL_OPEN, BT_PROPOSAL_COMPLETE, BT_PROPOSAL_PUBLISHED},
    {BT_PROPOSAL_QUEUED, BT_PROPOSAL_REFUSE, BT_PROPOSAL_REFUSED},
    {BT_PROPOSAL_OPEN, BT_PROPOSAL_REFUSE, BT_PROPOSAL_REFUSED},
    {BT_PROPOSAL_QUEUED, BT_PROPOSAL_WITHDRAW, BT_PROPOSAL_WITHDRAWN},
    {BT_PROPOSAL_OPEN, BT_PROPOSAL_WITHDRAW, BT_PROPOSAL_WITHDRAWN},
};
static const struct machine proposals = {
    "proposal",
    bt_proposal_state_words,
    proposal_deeds,
    proposal_steps,
    sizeof(proposal_steps) / sizeof(proposal_steps[0]),
};

static int step(const struct machine *machine, const char *state, int event, const char **out,
                struct bt_error *err)
{
    for (size_t i = 0; i < machine->count; i++) {
        const struct step *s = &machine->steps[i];
        if (s->event == event && strcmp(machine->words[s->from], state) == 0) {
            *out = machine->words[s->to];
            return 0;
        }
    }
    return bt_fail(err, -EINVAL, "a %s that is %.32s cannot be %s", machine->noun, state,
                   machine->deeds[event]);
}

int bt_publication_step(const char *state, enum bt_publication_event event, const char **out,
                        struct bt_error *err)
{
    return step(&publications, state, (int)event, out, err);
}

int bt_proposal_step(const char *state, enum bt_proposal_event event, const char **out,
                     struct bt_error *err)
{
    return step(&proposals, state, (int)event, out, err);
}
