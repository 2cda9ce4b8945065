import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pullFiles, purgeFiles, pushFiles, verifyFiles } from "../../ops/move/files.ts";
import { FolderStore } from "../support/folderStore.ts";

let root: string;
let store: FolderStore;
let logged: string[];
const log = (line: string): void => void logged.push(line);

const at = (side: string) => ({
  tenantId: "acme",
  folder: join(root, side),
  prefix: "customers/acme/",
  retainDays: 14,
});
function put(side: string, path: string, content: string): void {
  const file = join(root, side, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
const contents = (side: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(root, side), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(join(root, side).length + 1), readFileSync(file, "utf8")]),
  );
const push = () => pushFiles(at("a"), store, log);
const pull = () => pullFiles(at("b"), store, log);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "warehouse-files-"));
  store = new FolderStore();
  logged = [];
  put("a", "2026/01/ä b.txt", "first");
  put("a", "2026/01/copy.txt", "first");
  put("a", "big.bin", "x".repeat(100_000));
  put("a", "empty", "");
});
afterEach(() => {
  rmSync(root, { recursive: true });
  store.remove();
});

describe("files on the move", () => {
  it("arrive as they are, with the time of their last change, each content sent once", async () => {
    utimesSync(join(root, "a", "big.bin"), new Date(1e12), new Date(1e12));
    await push();
    expect(logged).toEqual(["4 files, 100010 bytes; 3 sent, the others were there"]);
    await pull();
    expect(contents("b")).toEqual(contents("a"));
    expect(statSync(join(root, "b", "big.bin")).mtimeMs).toBe(1e12);
    await verifyFiles(at("a"), store, log);
    await verifyFiles(at("b"), store, log);
  });

  it("are not sent or fetched again where they are there", async () => {
    await push();
    await pull();
    logged = [];
    put("a", "new", "new");
    await push();
    await pull();
    expect(logged).toEqual([
      "5 files, 100013 bytes; 1 sent, the others were there",
      "5 files, 100013 bytes; 1 received, 0 deleted, the others were there",
    ]);
  });

  it("go where they are gone, and a folder may become a file and a file a folder", async () => {
    put("b", "2026", "was a file");
    put("b", "big.bin/was/a/folder", "x");
    put("b", "left/over", "x");
    await push();
    await pull();
    expect(contents("b")).toEqual(contents("a"));
    expect(readdirSync(join(root, "b")).sort()).toEqual(["2026", "big.bin", "empty"]);
  });

  it("converge after a run that was killed half-way, and one whose connection was cut", async () => {
    store.failAfter = 50_000;
    await expect(push()).rejects.toMatchObject({ exitCode: 41 });
    expect(store.keys().filter((key) => key.endsWith("manifest.json"))).toEqual([]);
    store.failAfter = Number.POSITIVE_INFINITY;
    await push();
    put("b", ".warehouse-arriving/abc", "half a file");
    put("b", "empty", "wrong");
    await pull();
    expect(contents("b")).toEqual(contents("a"));
  });

  it("of a tenant without any are none", async () => {
    await pushFiles({ ...at("nowhere") }, store, log);
    await pullFiles(at("b"), store, log);
    expect(contents("b")).toEqual({});
  });

  it("are refused where the bucket has something else than was sent", async () => {
    await push();
    const [key = ""] = store.keys().filter((name) => statSync(store.path(name)).size === 100_000);
    writeFileSync(store.path(key), `${"x".repeat(99_999)}y`);
    await expect(pull()).rejects.toMatchObject({ exitCode: 50 });
    expect(contents("b")).not.toHaveProperty(["big.bin"]);
  });

  it("are refused where they are another tenant's, lead out of the folder or are no files", async () => {
    await push();
    await expect(pullFiles({ ...at("b"), tenantId: "beta" }, store, log)).rejects.toThrow(
      "the files are those of acme",
    );
    const manifest = store.path("customers/acme/move/manifest.json");
    writeFileSync(
      manifest,
      readFileSync(manifest, "utf8").replace('"path":"empty"', '"path":"../../escaped"'),
    );
    await expect(pull()).rejects.toThrow('"../../escaped" leads out of the tenant\'s folder');
    symlinkSync("/etc/passwd", join(root, "a", "link"));
    await expect(push()).rejects.toThrow("link is no plain file; only plain files can be moved");
  });

  it.each([
    ["another content", "big.bin", "changed"],
    ["one more", "late.txt", "late"],
  ])("are known to differ by %s", async (_what, path, content) => {
    await push();
    put("a", path, content);
    await expect(verifyFiles(at("a"), store, log)).rejects.toThrow(
      `${path} is not as it was sent: go back to cutover, which sends again`,
    );
  });

  it("are known to differ by one less", async () => {
    await push();
    rmSync(join(root, "a", "empty"));
    await expect(verifyFiles(at("a"), store, log)).rejects.toThrow("empty is not as it was sent");
  });

  it("are deleted in their folder and nowhere else", async () => {
    put("b", "neighbour", "kept");
    await purgeFiles(at("a"), log);
    expect(logged).toEqual(["4 files, 100010 bytes; all deleted"]);
    expect(contents("b")).toEqual({ neighbour: "kept" });
    await purgeFiles(at("a"), log);
  });
});
