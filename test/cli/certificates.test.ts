import { execFileSync } from "node:child_process";
import { REGISTRY_FILE } from "../../registry/files.ts";
import { NOW } from "../support/registry.ts";
import { inProject, REGISTRY, type Project } from "./support.ts";

const GATEWAY = [
  "config:",
  "  warehouse:baseDomain: yourwarehousesaas.com",
  "  warehouse:cell: prod",
  "  warehouse:edge: { mode: gateway, clusterIssuer: letsencrypt-prod }",
  "",
].join("\n");
const INGRESS = GATEWAY.replace("mode: gateway", "mode: ingress");

const shop = (at: number): string => `shop-${at}`;
/** Entries of the day before the tests' day, each with more fields. */
const entries = (count: number, more: (at: number) => string = () => "", from = 0): string =>
  Array.from(
    { length: count },
    (_, index) =>
      `\n  - id: ${shop(from + index)}\n    plan: professional\n    since: "2026-11-22T00:00:00Z"\n` +
      `    billing: { subscriptionRef: sub_${from + index} }\n${more(from + index)}`,
  ).join("");
const domain = (host: (at: number) => string) => (at: number) =>
  `    domains: [{ host: ${host(at)}, verification: verified }]\n`;

const budgetOf = async ({ tenant }: Project): Promise<string[]> => {
  const { code, out } = await tenant(["lint"]);
  expect(code).toBe(0);
  return out
    .filter((line) => line.includes("certificates"))
    .map((line) => line.replace(/^.*: (\d+ tenants)/, "$1"));
};

/** Commits what is there, so long before the tests' day. */
function commit(dir: string, daysAgo: number): void {
  const date = new Date(NOW.getTime() - daysAgo * 86_400_000).toISOString();
  const env = { ...process.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
  for (const args of [
    ["init", "-q"],
    ["add", "-A"],
    [...author, "commit", "-qm", "x"],
  ])
    execFileSync("git", args, { cwd: dir, env });
}

const WARNED =
  "43 tenants get new certificates for yourwarehousesaas.com within a week, of the 50 that Let's Encrypt issues: 7 are left";
const OVER =
  "61 tenants get new certificates for yourwarehousesaas.com within a week, of the 50 that Let's Encrypt issues: 11 will wait for up to a week; deploy them later, or serve platform hosts through a Gateway, whose wildcard covers them";

describe("the weekly budget of certificates", () => {
  it("is warned of before it is spent, and when it is, where each host has a certificate", async () => {
    for (const [count, expected] of [
      [39, []],
      [43, [WARNED]],
      [61, [OVER]],
    ] as const)
      await inProject(
        async (project) => {
          expect(await budgetOf(project)).toEqual(expected);
        },
        { [REGISTRY_FILE]: REGISTRY + entries(count), "Pulumi.prod.yaml": INGRESS },
      );
  });

  it("is not touched by platform hosts behind a Gateway, but by custom domains of one owner", async () => {
    const cases = [
      [entries(61), []],
      [
        entries(
          61,
          domain((at) => `wms.customer-${at}.com`),
        ),
        [],
      ],
      [
        entries(
          43,
          domain((at) => `shop-${at}.example.co.uk`),
        ),
        [WARNED.replace("yourwarehousesaas.com", "example.co.uk")],
      ],
    ] as const;
    for (const [more, expected] of cases)
      await inProject(
        async (project) => {
          expect(await budgetOf(project)).toEqual(expected);
        },
        { [REGISTRY_FILE]: REGISTRY + more, "Pulumi.prod.yaml": GATEWAY },
      );
  });

  it("counts what differs from the registry of a week ago, whatever entries say of their age", () =>
    inProject(
      async (project) => {
        commit(project.dir, 8);
        expect(await budgetOf(project)).toEqual([]);
        project.write(REGISTRY + entries(50) + entries(43, undefined, 100));
        expect(await budgetOf(project)).toEqual([WARNED]);
      },
      { [REGISTRY_FILE]: REGISTRY + entries(50), "Pulumi.prod.yaml": INGRESS },
    ));

  it("is another for issuers of trials", () =>
    inProject(
      async (project) => {
        expect(await budgetOf(project)).toEqual([]);
      },
      {
        [REGISTRY_FILE]: REGISTRY + entries(61),
        "Pulumi.prod.yaml": INGRESS.replace("letsencrypt-prod", "letsencrypt-staging"),
      },
    ));
});
