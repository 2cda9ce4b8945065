import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import {
  certificateWarnings,
  WEEK_MS,
  type Baseline,
  type CertificateContext,
  type EdgeMode,
} from "../registry/certificates.ts";
import { CATALOGUE_FILE } from "../registry/files.ts";
import type { Issue } from "../registry/issues.ts";
import { checkRegistry, type LoadedRegistry } from "../registry/load.ts";
import { cellOf } from "../registry/resolve.ts";
import { commitBefore, registryTextsAt } from "./git.ts";
import type { Io } from "./io.ts";
import { allTenants } from "./workspace.ts";

/** What of a stack's file decides about certificates. */
interface Edge {
  readonly cell: string;
  readonly mode: EdgeMode;
}

/** Warns of certificates that the authority would not issue this week, by what the registry was a week ago. */
export function certificateBudget(io: Io, registry: LoadedRegistry): Issue[] {
  const edges = readEdges(io.projectDir);
  const context: CertificateContext = {
    baseDomain: registry.context.baseDomain,
    modeOf: (entry) => {
      const cell = cellOf(entry, registry.defaults);
      const own = edges.filter((edge) => cell === undefined || edge.cell === cell);
      return own.find(({ mode }) => mode === "ingress")?.mode ?? own[0]?.mode;
    },
  };
  return certificateWarnings(allTenants(registry), aWeekAgo(io, registry), context);
}

/** The registry of a week ago; where Git does not have it, what entries say of their age. */
function aWeekAgo(io: Io, { context }: LoadedRegistry): Baseline {
  const then = io.now().getTime() - WEEK_MS;
  const commit = commitBefore(io.projectDir, new Date(then));
  if (commit === undefined) return { newSince: then };
  const texts = new Map(registryTextsAt(io.projectDir, commit));
  // Plans say nothing of certificates, and may have been of an older format.
  texts.set(CATALOGUE_FILE, readFileSync(join(io.projectDir, CATALOGUE_FILE), "utf8"));
  const checked = checkRegistry(texts, context);
  return checked.ok ? { entries: allTenants(checked.value).map(({ entry }) => entry) } : { newSince: then };
}

/** Edges of the stacks, but those whose issuer is for trials (its name says staging). */
function readEdges(projectDir: string): Edge[] {
  return readdirSync(projectDir)
    .filter((name) => /^Pulumi\..+\.yaml$/.test(name))
    .flatMap((name) => {
      const { config = {} } = (parse(readFileSync(join(projectDir, name), "utf8")) ?? {}) as {
        readonly config?: Readonly<Record<string, unknown>>;
      };
      const edge = config["warehouse:edge"] as
        { readonly mode?: string; readonly clusterIssuer?: string } | undefined;
      const cell = config["warehouse:cell"];
      if (typeof cell !== "string" || edge?.clusterIssuer?.includes("staging") === true) return [];
      return [{ cell, mode: edge?.mode === "ingress" ? ("ingress" as const) : ("gateway" as const) }];
    });
}
