import { parse } from "yaml";
import { REGISTRY, inProject, type Project } from "../support.ts";

const stack = (cell: string, more = ""): string => `config:
  warehouse:cell: ${cell}
  warehouse:baseDomain: yourwarehousesaas.com
${more}`;

/** A stack file that the program accepts. */
const COMPLETE = `# Of the first cell.
config:
  warehouse:cell: east # the first
  warehouse:baseDomain: yourwarehousesaas.com
  warehouse:databasePassword:
    secure: v1:abc
  warehouse:kubernetes: { context: prod }
  warehouse:database: { host: db.internal, user: platform }
  warehouse:backup:
    bucket: warehouse-backups
    image: registry.example.com/ops@sha256:${"0".repeat(64)}
    identity: { kind: podIdentity, cluster: prod }
  warehouse:edge: { mode: ingress, ingressClass: nginx, controllerNamespace: ingress-nginx }
  warehouse:network: { clusterCidrs: [10.0.0.0/16], databaseCidrs: [10.0.64.0/20] }
  warehouse:storage: { uploadsClass: efs }
encryptionsalt: v1:salt
`;

const TWO = { "Pulumi.prod.yaml": stack("east"), "Pulumi.west.yaml": stack("west") };

const tenants = (count: number, cell: string | undefined): string =>
  Array.from(
    { length: count },
    (_, n) =>
      `  - { id: t-${cell ?? "any"}-${n}, plan: enterprise, since: "2026-01-01T00:00:00Z"${cell === undefined ? "" : `, cell: ${cell}`} }\n`,
  ).join("");

const cellOfLast = (project: Project): unknown =>
  (parse(project.read()) as { readonly tenants: readonly { readonly cell?: string }[] }).tenants.at(-1)?.cell;

describe("tenant cells", () => {
  it("lists cells with their places, staging and tombstones left out", async () => {
    const files = {
      ...TWO,
      "Pulumi.staging.yaml": stack("staging").replace("yourwarehousesaas.com", "staging.example.com"),
      "tenants/tenants.yaml": `${REGISTRY}${tenants(3, "east")}${tenants(1, "lost")}`.replace(
        "  - id: acme # the first",
        "  - id: acme # the first\n    cell: west",
      ),
    };
    await inProject(async ({ tenant }) => {
      expect((await tenant(["cells"])).out).toEqual([
        "CELL  STACK  REGION     TENANTS  FREE  MOST",
        "east  prod   us-west-2  4        46    100",
        "west  west   us-west-2  2        48    100",
        "lost  -      -          1        0     100",
      ]);
      expect((await tenant(["cells"])).err).toEqual([
        "1 tenants have no cell: every cell deploys them; `npx tenant cells fill` gives them one",
      ]);
      expect(JSON.parse((await tenant(["cells", "--json"])).out.join("\n"))).toMatchObject({
        unassigned: 1,
        cells: [{ cell: "east", stack: "prod", tenants: 4, free: 46 }, { cell: "west" }, { cell: "lost" }],
      });
    }, files);
  });

  it("says where new tenants go and how many cells they need", async () => {
    const files = {
      "Pulumi.prod.yaml": stack("east", '  warehouse:maxTenants: "10"\n'),
      "Pulumi.west.yaml": stack("west"),
    };
    await inProject(async ({ tenant }) => {
      expect((await tenant(["cells", "plan", "--tenants", "120"])).out).toEqual([
        "east: 8",
        "west: 48",
        "64 more need 2 new cells: npx tenant cells add <cell> --from <stack>",
      ]);
      expect(JSON.parse((await tenant(["cells", "plan", "--json"])).out.join("\n"))).toEqual({
        assigned: [{ cell: "east", tenants: 1 }],
        left: 0,
        newCells: 0,
      });
      expect((await tenant(["cells", "plan", "--tenants", "0"])).code).toBe(2);
    }, files);
  });

  it("gives entries without a cell the first with room, in every file, and keeps the rest of the bytes", async () => {
    const files = {
      ...TWO,
      "Pulumi.prod.yaml": stack("east", '  warehouse:maxTenants: "2"\n'),
      "tenants/gamma.yaml": 'id: gamma\nplan: enterprise\nsince: "2026-01-01T00:00:00Z"\n',
    };
    await inProject(async ({ tenant }) => {
      // Three tenants in each cell are more than the first may have.
      expect((await tenant(["cells"])).err[1]).toMatch(
        /tenants.yaml:12:1 tenants: cell east would have 3 tenants and takes at most 2; give new ones/,
      );
    }, files);
    await inProject(
      async ({ tenant, read }) => {
        expect((await tenant(["cells", "fill", "--dry-run"])).err[0]).toBe(
          "dry run, nothing is written: east gets 2 entries",
        );
        expect(await tenant(["cells", "fill"])).toMatchObject({
          code: 0,
          out: [
            "east gets 2 entries",
            "tenants/tenants.yaml is written",
            "east gets 1 entries",
            "tenants/gamma.yaml is written",
          ],
        });
        expect(read().replaceAll("    cell: east\n", "")).toBe(REGISTRY);
        expect(read("tenants/gamma.yaml")).toContain("cell: east\n");
        expect((await tenant(["cells", "fill"])).err).toEqual([
          "every entry has a cell; nothing was written",
        ]);
      },
      { ...files, "Pulumi.prod.yaml": stack("east") },
    );
  });

  it("writes the stack file of a cell beside another, without its secrets", async () => {
    await inProject(
      async ({ tenant, read, exists }) => {
        const args = ["cells", "add", "west", "--from", "prod"];
        expect((await tenant([...args, "--dry-run"])).code).toBe(0);
        expect(exists("Pulumi.west.yaml")).toBe(false);
        expect(await tenant([...args, "--stack", "prod-west", "--qualifier", "w"])).toEqual({
          code: 0,
          err: [],
          out: [
            "Pulumi.prod-west.yaml is written; then:",
            "  pulumi stack init prod-west",
            "  pulumi config set --secret warehouse:databasePassword --stack prod-west",
            "  npx tenant up --cell west",
          ],
        });
        const text = read("Pulumi.prod-west.yaml");
        expect(text).not.toMatch(/secure|salt/);
        expect(text).toContain("warehouse:cell: west # the first");
        expect(parse(text)).toMatchObject({
          config: {
            "warehouse:cell": "west",
            "warehouse:qualifier": "w",
            "warehouse:operations": "false",
            "warehouse:backup": { bucket: "warehouse-backups", manage: false },
          },
        });
        expect((await tenant(args)).err).toEqual(["Pulumi.prod-west.yaml is the cell west already"]);
        expect((await tenant(["cells", "add", "x", "--from", "none"])).err).toEqual([
          "there is no Pulumi.none.yaml; --from names the stack of another cell",
        ]);
      },
      { "Pulumi.prod.yaml": COMPLETE },
    );
  });

  it("has the new stack's secrets encrypted as the other's are", async () => {
    const key = "awskms://alias/warehouse-pulumi?region=us-west-2";
    const other = COMPLETE.replace(/^encryptionsalt.*/m, `secretsprovider: ${key}\nencryptedkey: AQ==`);
    await inProject(
      async ({ tenant, read }) => {
        const { out } = await tenant(["cells", "add", "west", "--from", "prod"]);
        expect(out).toContain(`  pulumi stack init west --secrets-provider "${key}"`);
        expect(read("Pulumi.west.yaml")).not.toMatch(/secretsprovider|encryptedkey/);
      },
      { "Pulumi.prod.yaml": other },
    );
  });
});

describe("tenant add", () => {
  const add = ["add", "gamma", "--plan", "enterprise"];

  it("writes no cell where there is one", async () => {
    await inProject(
      async (project) => {
        expect((await project.tenant(add)).code).toBe(0);
        expect(cellOfLast(project)).toBeUndefined();
      },
      { "Pulumi.prod.yaml": stack("east") },
    );
  });

  it("picks the first cell of the region with room, where there are several", async () => {
    const files = {
      ...TWO,
      "Pulumi.prod.yaml": stack("east", '  warehouse:maxTenants: "5"\n'),
      "Pulumi.south.yaml": stack("south", "  warehouse:region: eu-central-1\n"),
      "tenants/tenants.yaml": `${REGISTRY}${tenants(3, "east")}`,
    };
    await inProject(async (project) => {
      expect((await project.tenant(add)).out[0]).toBe(
        "gamma is added: enterprise, in cell south, on gamma.yourwarehousesaas.com",
      );
      expect(cellOfLast(project)).toBe("south");
      await project.tenant(["add", "delta", "--plan", "enterprise", "--region", "us-west-2"]);
      expect(cellOfLast(project)).toBe("west");
      expect(
        (await project.tenant(["add", "eps", "--plan", "enterprise", "--region", "eu-west-1"])).err,
      ).toEqual([
        "no cell of eu-west-1 has room for another tenant: `npx tenant cells` shows them, `npx tenant cells add` makes one, and --cell chooses one all the same",
      ]);
    }, files);
  });

  it("keeps to the registry's cell as long as it has room", async () => {
    const registry = REGISTRY.replace("tenants:\n", "defaults: { cell: west }\ntenants:\n");
    await inProject(
      async (project) => {
        expect((await project.tenant(add)).code).toBe(0);
        expect(cellOfLast(project)).toBeUndefined();
      },
      { ...TWO, "tenants/tenants.yaml": registry },
    );
    await inProject(
      async (project) => {
        expect((await project.tenant(add)).code).toBe(0);
        expect(cellOfLast(project)).toBe("east");
      },
      { ...TWO, "tenants/tenants.yaml": `${registry}${tenants(48, "west")}` },
    );
  });

  it("refuses the tenant that a cell has no place for", async () => {
    await inProject(
      async ({ tenant }) => {
        expect((await tenant([...add, "--cell", "east"])).err).toEqual([
          "refused; nothing was written:",
          "  tenants: cell east would have 3 tenants and takes at most 2; give new ones another cell: `npx tenant cells` shows where there is room, `npx tenant cells add` makes one",
        ]);
      },
      {
        "Pulumi.prod.yaml": stack("east", '  warehouse:maxTenants: "2"\n'),
      },
    );
  });
});
