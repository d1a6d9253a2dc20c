-- Which days the plan is known for: plan_daily (0007) has rows of them, or the schedule asked for nothing.

CREATE TABLE plan_done (
    screen TEXT NOT NULL,
    day BIGINT NOT NULL,             -- since 1970-01-01, in the screen's time zone
    inputs TEXT NOT NULL,            -- SHA-256 of the documents in force and of when they were
    made_ms BIGINT NOT NULL,
    PRIMARY KEY (screen, day)
);
