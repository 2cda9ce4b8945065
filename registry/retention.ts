/**
 * How many days the bucket keeps an object, by the object's tag `retain-days=<n>`. The bucket has a rule for each of
 * these, used or not, and none for a tenant. A number is never taken off this list: objects that carry it would stay
 * for ever.
 */
export const RETENTION_DAYS = [7, 14, 30, 60, 90, 180, 365, 730, 1095, 1825, 2555, 3650] as const;

export type RetentionDays = (typeof RETENTION_DAYS)[number];

/** Key of the tag. */
export const RETENTION_TAG = "retain-days";
