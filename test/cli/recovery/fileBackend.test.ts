import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { backendFolder, removeHalfWritten } from "../../../cli/recovery/fileBackend.ts";

describe("a backend of files", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "warehouse-backend-"));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  it("loses what was half-written, and nothing else", () => {
    const stacks = join(dir, ".pulumi", "stacks", "warehouse");
    mkdirSync(stacks, { recursive: true });
    const files = {
      "a.json": "",
      "a.json.attrs": "",
      "a.json.bak.attrs": '{"md5":"x"}',
      "b.json.attrs": '{"md5',
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(stacks, name), text);
    expect(removeHalfWritten(dir)).toEqual([join(stacks, "a.json.attrs"), join(stacks, "b.json.attrs")]);
    expect(Object.keys(files).filter((name) => existsSync(join(stacks, name)))).toEqual([
      "a.json",
      "a.json.bak.attrs",
    ]);
    expect(removeHalfWritten(dir)).toEqual([]);
    expect(removeHalfWritten(join(dir, "none"))).toEqual([]);
  });

  it.each([
    ["file:///var/state?metadata=skip", "/var/state"],
    ["file://~", homedir()],
    ["file://~/state", join(homedir(), "state")],
    ["file://./state", "state"],
    ["s3://bucket", undefined],
    ["https://app.pulumi.com", undefined],
  ])("is found by what pulumi is logged in to: %s", async (url, folder) => {
    writeFileSync(join(dir, "pulumi"), `#!/bin/sh\necho '{"url":"${url}"}'\n`, { mode: 0o755 });
    const env = { PATH: `${dir}:${process.env["PATH"] ?? ""}` };
    const found = await backendFolder({ cwd: dir, env });
    expect(found).toBe(folder === "state" ? join(dir, "state") : folder);
  });
});
