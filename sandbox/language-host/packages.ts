import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** What the host reads of a package.json. */
interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly pulumi?: {
    readonly resource?: boolean;
    readonly name?: string;
    readonly version?: string;
    readonly server?: string;
  };
}

export interface Installed {
  readonly name: string;
  readonly version: string;
}

/** A provider plugin that a package of the program needs. */
export interface RequiredPlugin extends Installed {
  readonly server: string | undefined;
}

const read = (file: string): Manifest => JSON.parse(readFileSync(file, "utf8")) as Manifest;

/** The package.json of a folder or the nearest one above it. */
function nearest(folder: string): string | undefined {
  const file = join(folder, "package.json");
  if (existsSync(file)) return file;
  const parent = dirname(folder);
  return parent === folder ? undefined : nearest(parent);
}

function dependencies(folder: string): readonly (Manifest & Installed)[] {
  const file = nearest(folder);
  if (file === undefined) return [];
  const { dependencies: runtime = {}, devDependencies: development = {} } = read(file);
  // By search path, not by resolution: the manifests of many packages are not among their exports.
  const search = createRequire(file).resolve.paths("package") ?? [];
  return Object.keys({ ...runtime, ...development }).flatMap((name) => {
    const found = search.map((each) => join(each, name, "package.json")).find((each) => existsSync(each));
    if (found === undefined) return [];
    const manifest = read(found);
    return [{ ...manifest, name: manifest.name ?? name, version: manifest.version ?? "" }];
  });
}

/** The program's direct dependencies, as `pulumi about` lists them. */
export const installedPackages = (folder: string): readonly Installed[] =>
  dependencies(folder).map(({ name, version }) => ({ name, version }));

/** The plugins of the SDKs among the program's dependencies. */
export const requiredPlugins = (folder: string): readonly RequiredPlugin[] =>
  dependencies(folder).flatMap(({ name, version, pulumi }) =>
    pulumi?.resource === true
      ? [
          {
            name: pulumi.name ?? name.replace(/^@pulumi\//, "").replace(/^@/, ""),
            version: pulumi.version ?? version,
            server: pulumi.server,
          },
        ]
      : [],
  );
