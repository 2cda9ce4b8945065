import { setTimeout as sleep } from "node:timers/promises";

/** Waits until the second ends: names of backups and reports tell seconds, and a name is given once. */
export const nextSecond = (): Promise<void> => sleep(1_000 - (Date.now() % 1_000));
