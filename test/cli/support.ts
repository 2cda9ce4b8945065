import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Io } from "../../cli/io.ts";
import { run } from "../../cli/program.ts";
import { CATALOGUE_FILE, REGISTRY_FILE } from "../../registry/files.ts";
import { NOW, realCatalogue } from "../support/registry.ts";

/** What a command said and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

export interface Project {
  readonly dir: string;
  /** Runs a command as a script would, or with somebody who answers its question. */
  readonly tenant: (
    args: readonly string[],
    answer?: (question: string) => boolean,
    more?: Partial<Io>,
  ) => Promise<Outcome>;
  readonly read: (file?: string) => string;
  readonly write: (text: string, file?: string) => void;
  readonly exists: (file: string) => boolean;
}

/** The registry of these tests, in a layout of its own. */
export const REGISTRY = `apiVersion: tenantstack.io/tenants/v1
releases:
  image: registry.example.com/warehouse-saas
  versions:
    v2.2.0: { digest: "sha256:${"1".repeat(64)}" }
    v2.1.0: { digest: "sha256:${"2".repeat(64)}" }
    v2.0.5: { digest: "sha256:${"3".repeat(64)}" }
  rings:
    "0": { name: internal, version: v2.2.0 } # ahead
    "1": { name: early, version: v2.1.0 }
    "2": { name: general, version: v2.1.0 }
tenants:
  - id: acme # the first
    displayName: ACME Corp
    plan: enterprise
    since: "2025-10-01T00:00:00Z"
    billing: { subscriptionRef: sub_acme }

  - id: beta
    plan: ai_enhanced
    since: "2025-11-01T00:00:00Z"
    ring: 1
    pin: { version: v2.0.5, until: "2027-03-31", reason: ERP freeze }
    billing: { subscriptionRef: sub_beta }
`;

/** A tenant in a file of its own. */
export const GAMMA =
  'id: gamma\nplan: enterprise # by contract\nsince: "2026-01-01T00:00:00Z"\nring: 0\nbilling: { subscriptionRef: sub_gamma }\n';

const STACK = "config:\n  warehouse:baseDomain: yourwarehousesaas.com\n";

/** Runs a test with a project of its own. */
export async function inProject(
  test: (project: Project) => Promise<void>,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "tenant-command-"));
  try {
    mkdirSync(join(dir, "tenants"));
    const all = {
      [REGISTRY_FILE]: REGISTRY,
      [CATALOGUE_FILE]: realCatalogue,
      "Pulumi.prod.yaml": STACK,
      ...files,
    };
    for (const [file, text] of Object.entries(all)) writeFileSync(join(dir, file), text);
    await test({
      dir,
      tenant: (args, answer, more) => tenant(dir, args, answer, more),
      read: (file = REGISTRY_FILE) => readFileSync(join(dir, file), "utf8"),
      write: (text, file = REGISTRY_FILE) => {
        writeFileSync(join(dir, file), text);
      },
      exists: (file) => existsSync(join(dir, file)),
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function tenant(
  dir: string,
  args: readonly string[],
  answer: ((question: string) => boolean) | undefined,
  more: Partial<Io> = {},
): Promise<Outcome> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(args, {
    projectDir: dir,
    // Whatever the shell is set up for.
    env: { ...process.env, PULUMI_STACK: undefined },
    out: (line) => void out.push(...line.split("\n")),
    err: (line) => void err.push(...line.split("\n")),
    ask: answer === undefined ? undefined : (question) => Promise.resolve(answer(question)),
    askFor: undefined,
    onInterrupt: () => () => undefined,
    now: () => NOW,
    color: false,
    ...more,
  });
  return { code, out, err };
}
