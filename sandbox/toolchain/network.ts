import { join } from "node:path";
import { readJson, writeAtomic } from "../lib/files.ts";

/** Vendors' download hosts. Package registries are not probed: their clients have their own settings. */
export const hosts = ["github.com", "dl.k8s.io", "get.pulumi.com", "releases.hashicorp.com"] as const;
export type Host = (typeof hosts)[number];

const PROBE_MS = 5_000;
/** An unreachable network is remembered, so that an offline machine waits once and not at every start. */
const REMEMBER_MS = 12 * 3_600_000;

/** Which vendors this machine reaches: asked at most once a run, all together. */
export class Network {
  readonly #file: string;
  readonly #offline: boolean;
  #probe: Promise<ReadonlySet<Host>> | undefined;

  constructor(cache: string, env: NodeJS.ProcessEnv) {
    this.#file = join(cache, "unreachable.json");
    this.#offline = (env.WAREHOUSE_OFFLINE ?? "") !== "";
  }

  /** True when a download from the host is worth a try. */
  async reaches(host: Host): Promise<boolean> {
    if (this.#offline) return false;
    this.#probe ??= this.#ask();
    return (await this.#probe).has(host);
  }

  async #ask(): Promise<ReadonlySet<Host>> {
    const remembered = readJson(this.#file);
    if (typeof remembered === "object" && remembered !== null && "at" in remembered) {
      const age = Date.now() - Number(remembered.at);
      if (age >= 0 && age < REMEMBER_MS) return new Set();
    }
    const answers = await Promise.all(
      hosts.map(async (host) => {
        try {
          await fetch(`https://${host}/`, {
            method: "HEAD",
            redirect: "manual",
            signal: AbortSignal.timeout(PROBE_MS),
          });
          return host;
        } catch {
          return undefined;
        }
      }),
    );
    const reached = new Set(answers.filter((host) => host !== undefined));
    if (reached.size === 0) writeAtomic(this.#file, JSON.stringify({ at: Date.now() }));
    return reached;
  }
}
