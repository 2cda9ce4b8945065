import type { Found, ToolchainContext } from "./context.ts";
import { obtainCrds } from "./crds.ts";
import { obtainGoTool } from "./goTools.ts";
import { type Moto, obtainMoto } from "./moto.ts";
import { obtainPostgres } from "./postgres.ts";

/** Everything the sandbox runs, found or made. */
export interface Toolchain {
  readonly pulumi: Found;
  readonly etcd: Found;
  readonly kubernetes: Found;
  readonly kubectl: Found;
  readonly postgres: Found;
  readonly moto: Moto;
  /** Folder with the definitions of custom resources. */
  readonly crds: string;
}

/** One tool after the other: builds compete for the same cores. */
export async function obtainToolchain(
  context: ToolchainContext,
  note: (text: string) => void,
): Promise<Toolchain> {
  const postgres = await obtainPostgres(context);
  const moto = await obtainMoto(context);
  const crds = await obtainCrds(context);
  const etcd = await obtainGoTool(context, "etcd", note);
  const pulumi = await obtainGoTool(context, "pulumi", note);
  const kubernetes = await obtainGoTool(context, "kubernetes", note);
  const kubectl = await obtainGoTool(context, "kubectl", note);
  note(summary({ pulumi, kubernetes, etcd, PostgreSQL: postgres }));
  return { pulumi, etcd, kubernetes, kubectl, postgres, moto, crds };
}

/** `pulumi 3.250.0, PostgreSQL 15.18 of this machine, …` */
export const summary = (tools: Readonly<Record<string, Found>>): string =>
  Object.entries(tools)
    .map(([name, { version }]) => `${name} ${version}`)
    .join(", ");
