import { join } from "node:path";
import type { Command } from "commander";
import { ARTEFACT_NAMES } from "../../report/evidence/artefacts.ts";
import { bundleOf, verifyBundle, writeBundle } from "../../report/evidence/bundle.ts";
import { gather, occupied } from "../evidence/gather.ts";
import { Refusal } from "../failures.ts";
import { paint, table, type Io } from "../io.ts";
import { present, readsRegistry } from "../options.ts";
import { openWorkspace } from "../workspace.ts";
import { placesOf, readReport, readsPlaces, type PlacesOptions } from "./report.ts";

interface EvidenceOptions extends PlacesOptions {
  readonly out?: string;
  readonly month?: string;
  readonly verify?: string;
}

export function registerEvidence(program: Command, io: Io): void {
  const command = program
    .command("evidence")
    .summary("gather evidence for auditors, with checksums; or verify such a bundle")
    .description(
      "Writes a bundle of evidence of controls (SOC 2, GDPR) into a folder of its own, evidence/<day>: one JSON file an artefact, an index that says where each is from or why it is unknown, and SHA256SUMS. It holds no secrets; the same facts give the same bytes. Exits with 1 where --verify finds a bundle changed.",
    )
    .option("--out <folder>", "the bundle's folder (default: evidence/<day>)")
    .option("--month <month>", "the month of the service levels, as 2026-10")
    .option("--verify <folder>", "compare a bundle with its manifest and write nothing");
  readsPlaces(readsRegistry(command)).action(async (options: EvidenceOptions) => {
    if (options.verify !== undefined) verify(io, options.verify);
    else await bundle(io, options);
  });
}

function verify(io: Io, folder: string): void {
  const problems = verifyBundle(folder);
  if (problems.length > 0) throw new Refusal(problems.join("\n"));
  io.out(paint(io, "green", `${folder} is what was bundled`));
}

async function bundle(io: Io, options: EvidenceOptions): Promise<void> {
  const workspace = openWorkspace(io, options);
  const { registry } = workspace;
  const { prometheus, month } = options;
  const report = await readReport(io, workspace, options);
  const { stacks, noStacks } = placesOf(io, options);
  const gathered = await gather({ io, registry, report, stacks, noStacks, prometheus, month });
  const files = bundleOf(gathered, { generatedAt: present(io), commit: report.commit });
  const folder = options.out ?? join("evidence", present(io).slice(0, 10));
  if (!writeBundle(folder, files)) throw occupied(folder);
  const rows = ARTEFACT_NAMES.map((name) => {
    const found = gathered[name];
    return [name, "why" in found ? `unknown: ${found.why}` : `from ${found.from}`];
  });
  for (const line of table(rows)) io.out(line);
  io.out(folder);
}
