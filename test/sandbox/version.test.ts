import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compareVersions, fits, parseVersion } from "../../sandbox/toolchain/version.ts";
import * as versions from "../../sandbox/versions.ts";

describe("parseVersion", () => {
  it.each([
    ["v3.250.0", [3, 250, 0]],
    ["Kubernetes v1.37.2", [1, 37, 2]],
    ["etcd Version: 3.6.8\nGit SHA: Not provided", [3, 6, 8]],
    ["postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", [15, 18, 0]],
    ["postgres (PostgreSQL) 18beta2", [18, 0, 0]],
    ["go version go1.26.8 linux/amd64", [1, 26, 8]],
    ["Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", [1, 32, 4]],
  ])("reads %j", (text, expected) => {
    expect(parseVersion(text)).toEqual(expected);
  });

  it("finds none where there is none", () => {
    expect(parseVersion("command not found")).toBeUndefined();
  });
});

describe("fits", () => {
  const range = { from: "15.0", below: "19.0" };

  it("includes the first version and excludes the last", () => {
    expect(fits("postgres (PostgreSQL) 15.0", range)).toBe(true);
    expect(fits("postgres (PostgreSQL) 18.4", range)).toBe(true);
    expect(fits("postgres (PostgreSQL) 19.0", range)).toBe(false);
    expect(fits("postgres (PostgreSQL) 14.12", range)).toBe(false);
  });

  it("compares numbers, not text", () => {
    expect(compareVersions([3, 9, 0], [3, 250, 0])).toBeLessThan(0);
  });

  it("refuses what names no version", () => {
    expect(fits("error: unknown flag", range)).toBe(false);
  });
});

describe("the pinned versions", () => {
  it("are read from the files that pin them", () => {
    const goMod = readFileSync(join("sandbox", "toolchain", "kubernetes", "go.mod"), "utf8");
    expect(goMod).toContain(`k8s.io/kubernetes v${versions.kubernetes}`);
    expect(versions.pulumi).toBe(versions.npmVersion("@pulumi/pulumi"));
  });

  it("have a checksum for every module of custom resources", () => {
    expect(Object.keys(versions.crdZips)).toEqual([
      `github.com/cert-manager/cert-manager@${versions.certManager}`,
      `github.com/prometheus-operator/prometheus-operator@${versions.prometheusOperator}`,
      `sigs.k8s.io/gateway-api@${versions.gatewayApi}`,
    ]);
  });

  it("names what is missing", () => {
    expect(() => versions.goModuleVersion("etcd", "example.com/none")).toThrow(
      "sandbox/toolchain/etcd/go.mod does not require example.com/none",
    );
  });
});
