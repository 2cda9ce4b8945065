const FIRST_SECONDS = 10;
const MOST_SECONDS = 300;

/** The kubelet's wait before a container is started again: 10 s, doubled each time, five minutes at most. */
export const restartDelay = (restarts: number): number =>
  Math.min(FIRST_SECONDS * 2 ** Math.min(restarts, 10), MOST_SECONDS) * 1000;
