import { X509Certificate } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { layout } from "../../sandbox/layout.ts";
import { identify, isAlive } from "../../sandbox/lib/process.ts";
import { platformObjects } from "../../sandbox/manifests.ts";
import { ensurePki } from "../../sandbox/pki/pki.ts";
import { issue, newAuthority } from "../../sandbox/pki/x509.ts";
import { startGuarded } from "../../sandbox/services/guard.ts";
import { describeEnding } from "../../sandbox/services/servers.ts";
import { crdFiles } from "../../sandbox/toolchain/crds.ts";
import { checksumFor } from "../../sandbox/toolchain/download.ts";
import { explainBuildFailure } from "../../sandbox/toolchain/goBuild.ts";
import { cached } from "../../sandbox/toolchain/cache.ts";
import { toolchainContext } from "../../sandbox/toolchain/context.ts";
import { plainReport } from "../../sandbox/lib/report.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sandbox-platform-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("certificates", () => {
  const authority = newAuthority("test");

  it("are signed by their authority and name their hosts", () => {
    const ca = new X509Certificate(authority.certificate);
    const leaf = new X509Certificate(
      issue(authority, { name: "etcd", hosts: ["localhost", "127.0.0.1"] }).certificate,
    );
    expect(ca.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(ca.publicKey)).toBe(true);
    expect(leaf.checkIssued(ca)).toBe(true);
    expect(leaf.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(leaf.checkHost("localhost")).toBe("localhost");
    expect(leaf.checkHost("example.com")).toBeUndefined();
  });

  it("carry the group Kubernetes reads", () => {
    const { certificate } = issue(authority, { name: "node", group: "system:nodes", hosts: [] });
    expect(new X509Certificate(certificate).subject).toBe("O=system:nodes\nCN=node");
  });

  it("are made once, with keys for their owner alone", () => {
    const paths = layout(folder, folder);
    const first = ensurePki(paths);
    const { key, certificate } = first.pair("apiserver");
    const before = readFileSync(certificate, "utf8");
    expect(statSync(key).mode & 0o077).toBe(0);
    expect(statSync(first.tokens).mode & 0o077).toBe(0);
    expect(ensurePki(paths).adminToken).toBe(first.adminToken);
    expect(readFileSync(certificate, "utf8")).toBe(before);
  });
});

describe("a guarded program", () => {
  const start = (argv: readonly string[], stopSeconds = 5) => {
    const out = openSync(join(folder, "out"), "a");
    const guarded = startGuarded({
      argv,
      env: { PATH: process.env.PATH },
      cwd: folder,
      stdout: out,
      stderr: out,
      stopSignal: "TERM",
      stopSeconds,
      pidFile: join(folder, "pid"),
    });
    closeSync(out);
    return guarded;
  };
  const pid = async (): Promise<number> => {
    for (;;) {
      try {
        const text = readFileSync(join(folder, "pid"), "utf8");
        if (text !== "") return Number(text);
      } catch {
        // Not written yet.
      }
      await sleep(10);
    }
  };

  it("passes its exit code on", async () => {
    const { process: guard } = start(["sh", "-c", "exit 7"]);
    expect((await once(guard, "exit"))[0]).toBe(7);
  });

  it("ends when it is released", async () => {
    const guarded = start(["sleep", "60"]);
    await pid();
    guarded.release();
    expect(describeEnding(...((await once(guarded.process, "exit")) as [number, null]))).toBe("SIGTERM");
  });

  it("is killed when it does not listen", async () => {
    const guarded = start(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], 1);
    await pid();
    await sleep(100);
    guarded.release();
    expect(describeEnding(...((await once(guarded.process, "exit")) as [number, null]))).toBe("SIGKILL");
  });

  it("dies with its starter even if that is killed with kill -9", async () => {
    const script = `
      const { startGuarded } = await import(${JSON.stringify(join(process.cwd(), "sandbox/services/guard.ts"))});
      startGuarded({ argv: ["sleep", "60"], env: process.env, cwd: ".", stdout: 1, stderr: 2, stopSignal: "TERM", stopSeconds: 1, pidFile: ${JSON.stringify(join(folder, "pid"))} });
      setInterval(() => undefined, 1000);`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
    const program = identify(await pid());
    expect(program).toBeDefined();
    starter.kill("SIGKILL");
    for (let tries = 0; tries < 100 && program !== undefined && isAlive(program); tries++) await sleep(50);
    expect(program !== undefined && isAlive(program)).toBe(false);
  });
});

describe("the platform's objects", () => {
  it("begin with the namespaces the others live in", () => {
    const kinds = platformObjects().map(({ kind, metadata }) => `${kind} ${metadata.name ?? ""}`);
    expect(kinds.slice(0, 4)).toEqual([
      "Namespace gateway-system",
      "Namespace monitoring",
      "Namespace cert-manager",
      "Namespace ops",
    ]);
    expect(kinds.slice(4).sort()).toEqual([
      "ClusterIssuer letsencrypt-prod",
      "Gateway platform",
      "GatewayClass sandbox",
      "Secret backup-keys",
      "StorageClass uploads",
    ]);
  });

  it("use the definitions that are installed", () => {
    expect(crdFiles).toEqual(
      expect.arrayContaining([
        "gateway.networking.k8s.io_gateways.yaml",
        "gateway.networking.k8s.io_httproutes.yaml",
        "cert-manager.io_clusterissuers.yaml",
        "monitoring.coreos.com_servicemonitors.yaml",
      ]),
    );
    expect(crdFiles).toHaveLength(10);
  });
});

describe("the toolchain", () => {
  const context = () =>
    toolchainContext(
      { WAREHOUSE_CACHE: join(folder, "cache"), WAREHOUSE_OFFLINE: "1" },
      plainReport(() => undefined),
    );
  const complete = (at: string): boolean => {
    try {
      return readFileSync(join(at, "tool"), "utf8") === "whole";
    } catch {
      return false;
    }
  };

  it("keeps nothing of a build that fails, and builds again", async () => {
    const { writeFileSync } = await import("node:fs");
    const failing = cached(context(), "tool-1", complete, (staging) => {
      writeFileSync(join(staging, "tool"), "ha");
      return Promise.reject(new Error("no space left on device"));
    });
    await expect(failing).rejects.toThrow("no space left on device");
    expect(complete(join(folder, "cache", "tool-1"))).toBe(false);
    let builds = 0;
    const fill = (staging: string): Promise<void> => {
      builds++;
      writeFileSync(join(staging, "tool"), "whole");
      return Promise.resolve();
    };
    const at = await cached(context(), "tool-1", complete, fill);
    await cached(context(), "tool-1", complete, fill);
    expect(complete(at)).toBe(true);
    expect(builds).toBe(1);
  });

  it("does not look for vendors when it is offline", async () => {
    expect(await context().network.reaches("github.com")).toBe(false);
  });

  it("reads the vendors' checksum files", () => {
    const hash = "a".repeat(64);
    expect(checksumFor(`${"b".repeat(64)}  other.tar.gz\n${hash}  tool.tar.gz\n`, "tool.tar.gz")).toBe(hash);
    expect(checksumFor(`${hash}\n`, "kube-apiserver")).toBe(hash);
    expect(checksumFor("<html>not found</html>", "tool.tar.gz")).toBeUndefined();
  });

  it.each([
    ["write $WORK/b001/_pkg_.a: no space left on device", "The disk is full"],
    ["verifying module: checksum mismatch", "not the pinned one"],
    [
      "Get https://proxy.golang.org: dial tcp: lookup proxy.golang.org: no such host",
      "module proxy was not reached",
    ],
    ["compile: signal: killed", "want of memory"],
    ["undefined: x", "Nothing half-built was kept"],
  ])("says what to do about %j", (stderr, remedy) => {
    const message = explainBuildFailure("etcd", `go: downloading x v1\n${stderr}\n`);
    expect(message).toContain(remedy);
    expect(message).toContain(stderr);
    expect(message).not.toContain("downloading");
  });
});
