-- What the schedule asked for and an order kept from being shown, and emergencies as they were before
-- they were renewed.

-- Of `planned`, what would have begun while it was taken down, and while an emergency was in force.
ALTER TABLE plan_daily ADD COLUMN taken_down BIGINT NOT NULL DEFAULT 0;
ALTER TABLE plan_daily ADD COLUMN emergency BIGINT NOT NULL DEFAULT 0;

CREATE TABLE emergency_before (
    emergency TEXT NOT NULL REFERENCES emergency (id),
    from_ms BIGINT NOT NULL,         -- it was given, or began if that was later
    until_ms BIGINT NOT NULL,        -- it was over, ended, or renewed
    activation TEXT NOT NULL,
    PRIMARY KEY (emergency, from_ms)
);
