import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replaceFile } from "../../cli/atomicWrite.ts";
import { Refusal } from "../../cli/failures.ts";

describe("replaceFile", () => {
  let dir = "";
  const path = (name: string): string => join(dir, name);

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "tenant-write-"));
    writeFileSync(path("f.yaml"), "old\n");
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  it("replaces the text and keeps the mode, without leftovers", () => {
    chmodSync(path("f.yaml"), 0o640);
    replaceFile(path("f.yaml"), "old\n", "new\n");
    expect(readFileSync(path("f.yaml"), "utf8")).toBe("new\n");
    expect(statSync(path("f.yaml")).mode & 0o777).toBe(0o640);
    expect(readdirSync(dir)).toEqual(["f.yaml"]);
  });

  it("leaves a file alone that changed, went or came meanwhile", () => {
    expect(() => {
      replaceFile(path("f.yaml"), "older\n", "new\n");
    }).toThrow(Refusal);
    expect(() => {
      replaceFile(path("f.yaml"), undefined, "new\n");
    }).toThrow(Refusal);
    expect(() => {
      replaceFile(path("g.yaml"), "old\n", "new\n");
    }).toThrow(Refusal);
    expect(readFileSync(path("f.yaml"), "utf8")).toBe("old\n");
    expect(readdirSync(dir)).toEqual(["f.yaml"]);
  });

  it("writes through a link", () => {
    symlinkSync(path("f.yaml"), path("link.yaml"));
    replaceFile(path("link.yaml"), "old\n", "new\n");
    expect(lstatSync(path("link.yaml")).isSymbolicLink()).toBe(true);
    expect(readFileSync(path("f.yaml"), "utf8")).toBe("new\n");
  });

  it("leaves nothing behind when it fails", () => {
    expect(() => {
      replaceFile(path("none/g.yaml"), undefined, "new\n");
    }).toThrow("ENOENT");
    expect(readdirSync(dir)).toEqual(["f.yaml"]);
  });
});
