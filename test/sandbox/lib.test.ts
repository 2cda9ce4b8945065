import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SandboxError } from "../../sandbox/lib/errors.ts";
import { secretFile, tail, writeIfChanged } from "../../sandbox/lib/files.ts";
import { lockHolder, tryLock, withLock } from "../../sandbox/lib/lock.ts";
import { choosePorts, freePorts, isFree, rememberedPorts } from "../../sandbox/lib/ports.ts";
import { identify, isAlive } from "../../sandbox/lib/process.ts";
import { plainReport, seconds, terminalReport } from "../../sandbox/lib/report.ts";
import { table } from "../../sandbox/lib/table.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sandbox-lib-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("a lock", () => {
  const lock = (): string => join(folder, "lock");

  it("is held by one process and names it", async () => {
    await withLock({ file: lock(), purpose: "sandbox up", waitMs: 0, onWait: fail }, () => {
      expect(lockHolder(lock())).toMatchObject({ pid: process.pid, purpose: "sandbox up" });
      return Promise.resolve();
    });
    expect(existsSync(lock())).toBe(false);
  });

  it("is released when the action fails", async () => {
    const action = (): Promise<never> => Promise.reject(new Error("broken"));
    await expect(withLock({ file: lock(), purpose: "p", waitMs: 0, onWait: fail }, action)).rejects.toThrow(
      "broken",
    );
    expect(tryLock(lock(), "next")).toBe("acquired");
  });

  it("is taken from a process that no longer runs", async () => {
    const child = spawn("true");
    await once(child, "exit");
    writeFileSync(
      lock(),
      JSON.stringify({ pid: child.pid, start: "1", purpose: "sandbox up", since: "2026-01-01T00:00:00Z" }),
    );
    expect(tryLock(lock(), "next")).toBe("acquired");
    expect(lockHolder(lock())?.purpose).toBe("next");
  });

  it("is taken from a pid that was given to another program", () => {
    writeFileSync(lock(), JSON.stringify({ pid: process.pid, start: "before", purpose: "p", since: "s" }));
    expect(tryLock(lock(), "next")).toBe("acquired");
  });

  it("is taken when its content is unreadable", () => {
    writeFileSync(lock(), "");
    expect(tryLock(lock(), "next")).toBe("acquired");
  });

  it("says who holds it when the wait is over", async () => {
    const holder = { ...identify(process.pid), purpose: "sandbox up", since: "2026-01-01T10:20:30Z" };
    writeFileSync(lock(), JSON.stringify(holder));
    const waits: number[] = [];
    const attempt = withLock(
      { file: lock(), purpose: "p", waitMs: 0, onWait: ({ pid }) => waits.push(pid) },
      () => Promise.resolve(),
    );
    await expect(attempt).rejects.toThrow(
      `"sandbox up" (process ${process.pid}, since 10:20:30 UTC) still works here. Wait for it to end, or end it with: kill ${process.pid}`,
    );
    await expect(attempt).rejects.toBeInstanceOf(SandboxError);
  });
});

const fail = (): void => {
  throw new Error("must not wait");
};

describe("a process identity", () => {
  it("is alive for this process and not after its end", async () => {
    const child = spawn("sleep", ["30"]);
    const identity = identify(child.pid ?? 0);
    expect(identity !== undefined && isAlive(identity)).toBe(true);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(identity !== undefined && isAlive(identity)).toBe(false);
  });
});

describe("the ports", () => {
  const file = (): string => join(folder, "ports.json");
  const never = (): void => {
    throw new Error("no port was taken");
  };

  it("are all different and stay the same", async () => {
    const first = await choosePorts(file(), new Set(), never);
    expect(new Set(Object.values(first)).size).toBe(7);
    expect(await choosePorts(file(), new Set(), never)).toEqual(first);
  });

  it("move when another program took one, and only that one", async () => {
    const first = await choosePorts(file(), new Set(), never);
    const server = createServer().listen(first.postgres, "127.0.0.1");
    await once(server, "listening");
    const taken: unknown[] = [];
    const second = await choosePorts(file(), new Set(), (name, port) => taken.push([name, port]));
    server.close();
    expect(taken).toEqual([["postgres", first.postgres]]);
    expect(second).toEqual({ ...first, postgres: second.postgres });
    expect(second.postgres).not.toBe(first.postgres);
  });

  it("stay with the sandbox's own running servers", async () => {
    const first = await choosePorts(file(), new Set(), never);
    const server = createServer().listen(first.postgres, "127.0.0.1");
    await once(server, "listening");
    expect(await isFree(first.postgres)).toBe(false);
    expect(await choosePorts(file(), new Set(["postgres"]), never)).toEqual(first);
    server.close();
  });

  it("are chosen anew when the file is damaged", () => {
    writeFileSync(file(), '{"postgres": 543');
    expect(rememberedPorts(file())).toEqual({});
    writeFileSync(file(), '{"postgres": 99999, "aws": "80", "apiserver": 6443}');
    expect(rememberedPorts(file())).toEqual({ apiserver: 6443 });
  });

  it("are free when they are given out", async () => {
    for (const port of await freePorts(3)) expect(await isFree(port)).toBe(true);
  });
});

describe("files", () => {
  it("are written only when they differ", () => {
    const file = join(folder, "f");
    expect(writeIfChanged(file, "a")).toBe(true);
    expect(writeIfChanged(file, "a")).toBe(false);
    expect(writeIfChanged(file, "b")).toBe(true);
  });

  it("keep a secret for their owner alone, and the same one", () => {
    const file = join(folder, "secret");
    const secret = secretFile(file);
    expect(secret).toHaveLength(32);
    expect(secretFile(file)).toBe(secret);
  });

  it("show the end of a log with long lines cut", () => {
    const file = join(folder, "log");
    writeFileSync(file, `one\ntwo\n${"x".repeat(400)}\n`);
    expect(tail(file, 2)).toBe(`two\n${"x".repeat(300)}…`);
    expect(tail(join(folder, "none"))).toBe("");
  });
});

describe("a table", () => {
  it("aligns text left and numbers right", () => {
    const rows = [
      ["acme", "enterprise", "2/2", "8"],
      ["beta", "ai_enhanced", "10/10", "12"],
    ];
    expect(table(["tenant", "plan", "pods", "seconds"], rows)).toBe(
      [
        "tenant  plan          pods  seconds",
        "acme    enterprise     2/2        8",
        "beta    ai_enhanced  10/10       12",
      ].join("\n"),
    );
  });

  it("shows its header alone when it has no rows", () => {
    expect(table(["tenant", "plan"], [])).toBe("tenant  plan");
  });
});

describe("the report", () => {
  it("prints each step with its time", async () => {
    const lines: string[] = [];
    const report = plainReport((line) => lines.push(line));
    await report.step("tools", (note) => {
      note("pulumi 3.250.0");
      return Promise.resolve();
    });
    expect(lines[0]).toMatch(/^tools \(pulumi 3\.250\.0\) +0\.0 s$/);
  });

  it("prints no control sequences without a terminal", async () => {
    let text = "";
    const report = terminalReport({ write: (part) => (text += part) }, {});
    await report.step("node", () => Promise.resolve());
    report.warn("careful");
    expect(text).toMatch(/^✓ node +0\.0 s\n! careful\n$/);
  });

  it("draws no colour for NO_COLOR", async () => {
    let text = "";
    const report = terminalReport({ write: (part) => (text += part), isTTY: true }, { NO_COLOR: "1" });
    await report.step("node", () => Promise.resolve());
    expect(text).not.toContain("\u001b[3");
  });

  it("says that a step failed and passes the error on", async () => {
    let text = "";
    const report = terminalReport({ write: (part) => (text += part) }, {});
    await expect(report.step("node", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(text).toMatch(/^✗ node/);
  });

  it("writes durations as people say them", () => {
    expect([400, 12_340, 192_000].map(seconds)).toEqual(["0.4 s", "12.3 s", "3 min 12 s"]);
  });
});

it("this checkout's ignore file covers the sandbox folder", () => {
  expect(readFileSync(".gitignore", "utf8")).toContain(".sandbox/");
});
