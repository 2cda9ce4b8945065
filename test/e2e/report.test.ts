import { join } from "node:path";
import { readdirSync, readFileSync } from "node:fs";
import type { Report } from "../../report/report.ts";
import { commandEnvironment, openWorkplace, run, type Outcome, type Workplace } from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
  expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
}, 40 * MINUTE);
afterAll(() => place.close());

const tenant = (...args: string[]): Promise<Outcome> =>
  run(process.execPath, [join(place.project, "cli/main.ts"), ...args], {
    cwd: place.project,
    env: commandEnvironment(place.platform),
  });
const report = async (...args: string[]): Promise<Report> => {
  const { code, stdout } = await tenant("report", "--json", ...args);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Report;
};

describe("a report of a cell", () => {
  it("tells what stack, bucket and cluster say, and what is missing", async () => {
    for (const operation of ["backup", "drill"]) expect((await tenant(operation, "acme")).code).toBe(0);
    const { sources, tenants, attention } = await report();
    const read = Object.entries(sources).filter(([, source]) => source.read);
    expect(read.map(([name]) => name)).toEqual([
      ...["registry", "applied", "backups", "drills", "certificates", "quotas"],
    ]);
    const [acme, beta] = tenants;
    expect(acme).toMatchObject({
      id: "acme",
      applied: { plan: "enterprise", state: "active", release: "v2.1.0" },
      backup: { id: expect.stringMatching(/^acme-\d{8}T\d{6}Z$/) as unknown },
      drill: { seconds: expect.any(Number) as unknown },
      certificates: [],
    });
    expect(acme?.quota?.share).toBeGreaterThan(0);
    expect(acme?.quota?.share).toBeLessThanOrEqual(1);
    expect(beta).toMatchObject({ backup: null, drill: null });
    expect(attention.filter(({ tenant: id }) => id === "acme")).toEqual([]);
    expect(attention).toContainEqual({
      ...{ severity: "critical", tenant: "beta", message: "has no verified backup" },
    });
  });

  it("tells of drift, from a preview of a refresh", async () => {
    const quota = ["tenant-quota", "-n", "customer-beta"];
    const patch = JSON.stringify({ spec: { hard: { pods: "3" } } });
    expect((await place.kubectl("patch", "resourcequota", ...quota, "--type=merge", "-p", patch)).code).toBe(
      0,
    );
    const { code, stdout } = await place.pulumi("refresh", "--preview-only", "--json");
    expect(code).toBe(0);
    place.write("drift.json", stdout);
    const { tenants } = await report("--drift", join(place.project, "drift.json"));
    expect(tenants.map(({ id, drifted }) => [id, drifted])).toEqual([
      ["acme", 0],
      ["beta", 1],
    ]);
  });

  it("becomes evidence, without the secrets of the stack", async () => {
    const folder = join(place.project, "bundle");
    expect((await tenant("evidence", "--out", folder)).code).toBe(0);
    expect((await tenant("evidence", "--verify", folder)).code).toBe(0);
    const files = new Map(
      readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")] as const),
    );
    const backups = JSON.parse(files.get("backups.json") ?? "") as {
      sandbox: Record<string, { objects: { sha256: string }[] }[]>;
    };
    expect(backups.sandbox["acme"]?.[0]?.objects[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(files.get("isolation.json")).toContain('"podSecurity": "restricted"');
    const { stdout } = await place.kubectl(
      ...["get", "secret", "acme-db-secret", "-n", "customer-acme", "-o", "jsonpath={.data.password}"],
    );
    const password = Buffer.from(stdout, "base64").toString("utf8");
    expect(password.length).toBeGreaterThan(10);
    for (const text of files.values()) expect(text).not.toContain(password);
  });
});
