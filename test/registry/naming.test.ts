import fc from "fast-check";
import * as naming from "../../registry/naming.ts";
import { uniqueDerivedNames } from "../../registry/rules/identity.ts";
import { issuesOf, loadValid, registryOf } from "../support/registry.ts";

/** Every valid id, with its longest and its trickiest. */
const id = fc
  .oneof(
    fc.stringMatching(/^[a-z](-?[a-z0-9]){2,39}$/),
    fc.constantFrom(
      "abc",
      "a-b",
      "acme-owner",
      "acme-app-a",
      "acme-rw",
      "acme-ro",
      "acme-r1",
      `a${"-b".repeat(19)}c`,
      "a".repeat(40),
    ),
  )
  .filter((text) => text.length >= 3 && text.length <= 40 && naming.TENANT_ID.test(text));

const namesOf = (tenant: string): Record<string, string> => ({
  ...naming.roleNames(tenant),
  namespace: naming.namespaceName(tenant),
  database: naming.databaseName(tenant),
  databaseSecret: naming.databaseSecretName(tenant),
  certificate: naming.certificateName(tenant),
});

describe("names derived from an id", () => {
  it("are at most 63 bytes, so that nothing cuts them", () => {
    fc.assert(
      fc.property(id, (tenant) => {
        for (const name of Object.values(namesOf(tenant)))
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
      }),
    );
  });

  it("are valid for PostgreSQL without quotes and for Kubernetes", () => {
    fc.assert(
      fc.property(id, (tenant) => {
        const { namespace, databaseSecret, certificate, ...postgres } = namesOf(tenant);
        for (const name of Object.values(postgres)) expect(name).toMatch(/^[a-z_][a-z0-9_]*$/);
        for (const name of [namespace, databaseSecret, certificate])
          expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
      }),
    );
  });

  it("are another tenant's in no case: no two ids share a name, of whatever kind", () => {
    fc.assert(
      fc.property(id, id, (one, two) => {
        fc.pre(one !== two);
        const { database: first, ...roles } = namesOf(one);
        const { database: second, ...others } = namesOf(two);
        expect(first).not.toBe(second);
        expect(Object.values(roles).filter((name) => Object.values(others).includes(name))).toEqual([]);
        expect(naming.backupPrefix(one).startsWith(naming.backupPrefix(two))).toBe(false);
        expect(naming.platformHost(one, "x.io")).not.toBe(naming.platformHost(two, "x.io"));
      }),
      { numRuns: 500 },
    );
  });

  it("would be refused if they met", () => {
    const [tenant] = loadValid(registryOf({ id: "acme-eu" })).entries;
    if (tenant === undefined) throw new Error("no entry");
    // No valid ids meet, so one is made invalid.
    const other = { ...tenant, entry: { ...tenant.entry, id: "acme_eu" } };
    const found = uniqueDerivedNames({ tenants: [tenant, other] } as never).map(({ message }) => message);
    expect(found[0]).toBe(
      '"acme_eu" would have the same database warehouse_acme_eu as "acme-eu" at tenants/tenants.yaml:18; choose another id',
    );
    expect(found).toHaveLength(8);
  });

  it.each([
    "ab",
    "Acme",
    "1acme",
    "acme-",
    "-acme",
    "a--b",
    "acme_corp",
    "a".repeat(41),
    "ac me",
    "acmé",
    "acme.eu",
  ])("come from no id like %j", (bad) => {
    expect(issuesOf(registryOf({ id: bad }))).toEqual([expect.stringMatching(/\.id: /)]);
  });
});
