import pg from "pg";
import { sql } from "./e2e.ts";

/** What a flood of connections did. */
export interface Flood {
  /** Connections that the flooding login could open. */
  readonly opened: number;
  /** Why it could open no more. */
  readonly refusals: readonly string[];
  /** The neighbour's 99th percentile during the flood, as a multiple of its quiet one. */
  readonly slowdown: number;
}

/** Opens all connections that a login may, keeps knocking every 50 ms, and measures what a neighbour notices. */
export async function flood(login: pg.ClientConfig, neighbour: pg.ClientConfig): Promise<Flood> {
  const quiet = await p99(neighbour);
  const opened: pg.Client[] = [];
  const refusals = new Set<string>();
  let over = false;
  const knock = async (): Promise<void> => {
    const client = new pg.Client(login);
    client.on("error", () => undefined);
    try {
      await client.connect();
      opened.push(client);
    } catch (error) {
      refusals.add((error as Error).message);
      await client.end();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  while (refusals.size === 0) await knock();
  const knocking = (async () => {
    while (!over) await knock();
  })();
  const flooded = await p99(neighbour);
  over = true;
  await knocking;
  await Promise.all(opened.map((client) => client.end()));
  return { opened: opened.length, refusals: [...refusals], slowdown: flooded / quiet };
}

/** 99th percentile of the time of a visit: connect, ask, leave; milliseconds. The least of five rounds of 200. */
async function p99(login: pg.ClientConfig): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < 5; round++) {
    const times: number[] = [];
    for (let visit = 0; visit < 200; visit++) {
      const begun = performance.now();
      await sql(login, "select 1");
      times.push(performance.now() - begun);
    }
    rounds.push(times.sort((a, b) => a - b)[197] ?? Number.NaN);
  }
  return Math.min(...rounds);
}
