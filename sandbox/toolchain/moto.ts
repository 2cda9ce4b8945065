import { join } from "node:path";
import { readText } from "../lib/files.ts";
import { writeFileSync } from "node:fs";
import { moto } from "../versions.ts";
import { cached } from "./cache.ts";
import type { ToolchainContext } from "./context.ts";
import { isExecutable, run } from "../lib/run.ts";
import { hasPackage, pipInstall } from "./python.ts";

/** The AWS endpoint's program: a Python and the folder with its packages. */
export interface Moto {
  readonly python: string;
  readonly packages: string;
}

/** Installs moto once. The Python is remembered with it: compiled packages fit only the one they came for. */
export async function obtainMoto(context: ToolchainContext): Promise<Moto> {
  const pythonOf = (folder: string): string => (readText(join(folder, "python")) ?? "").trim();
  const folder = await cached(
    context,
    `moto-${moto}`,
    (at) => hasPackage(at, "moto") && isExecutable(pythonOf(at)),
    async (staging) => {
      const python = await pipInstall("moto", staging, context.env);
      // The interpreter itself: a shim on PATH may point to another version in another folder.
      const { stdout } = await run(python, ["-c", "import sys; print(sys.executable)"], { env: context.env });
      writeFileSync(join(staging, "python"), stdout);
    },
  );
  return { python: pythonOf(folder), packages: folder };
}
