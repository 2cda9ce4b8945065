import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPack } from "../../../sandbox/language-host/plugin.ts";

describe("a policy pack", () => {
  it("is run by its SDK, with the engine's address, its folder and the engine's variables alone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pack-"));
    try {
      const runner = join(folder, "node_modules/@pulumi/pulumi/cmd/run-policy-pack");
      mkdirSync(runner, { recursive: true });
      writeFileSync(
        join(runner, "index.js"),
        "console.log(JSON.stringify([process.argv.slice(2), process.env.A, process.env.HOME]))",
      );
      const { stdout } = startPack({ folder, pwd: folder, args: ["127.0.0.1:1"], env: ["A=b=c"] });
      if (stdout === null) throw new Error("its output goes nowhere");
      expect(JSON.parse(await text(stdout))).toEqual([["127.0.0.1:1", folder], "b=c", null]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
