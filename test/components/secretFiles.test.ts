import { CellView } from "../../policy/cell.ts";
import { ownFindings } from "../../policy/checks/index.ts";
import { at, listOf } from "../../policy/fields.ts";
import { manifestsOf } from "../support/manifests.ts";
import { gatewayCell, renderCell } from "../support/cell.ts";
import { loadValid, registryOf } from "../support/registry.ts";

const FILES = registryOf({ id: "acme", plan: "enterprise" }, { id: "carla", plan: "starter" }).replace(
  /(v2\.1\.0: \{ digest: "[^"]+")/,
  "$1, secrets: files",
);

describe("a version of the application that reads secrets from files", () => {
  it("gets its login as files of its group alone, and nothing of it in its environment", async () => {
    const manifests = manifestsOf(await renderCell(loadValid(FILES), gatewayCell));
    const { workloads } = new CellView(manifests);
    const ofApplication = workloads.filter(({ containers }) =>
      containers.some(({ image }) => String(image).includes("warehouse-saas")),
    );
    const named = ofApplication.map(({ namespace, manifest }) => `${namespace}/${manifest.metadata.name}`);
    expect(named.sort()).toEqual([
      "customer-acme/warehouse-app",
      "customer-acme/warehouse-init",
      "pool-starter/warehouse-app",
      "pool-starter/warehouse-init-carla",
      "warehouse-shared/warehouse-migrations",
    ]);
    for (const { manifest, namespace, spec, containers } of ofApplication) {
      const secrets = listOf(spec["volumes"]).filter(({ secret }) => secret !== undefined);
      expect(secrets.map(({ secret }) => at(secret, "defaultMode"))).toEqual([0o440]);
      const mounts = listOf(containers[0]?.["volumeMounts"]).filter(
        ({ name }) => name === secrets[0]?.["name"],
      );
      expect(mounts.map(({ readOnly }) => readOnly)).toEqual([true]);
      if (namespace !== "pool-starter" || manifest.kind === "Job")
        expect(mounts).toMatchObject([{ mountPath: "/etc/warehouse/database" }]);
      expect(listOf(containers[0]?.["env"]).filter(({ valueFrom }) => valueFrom !== undefined)).toEqual([]);
      expect(JSON.stringify(containers[0])).not.toContain("DATABASE_");
    }
    expect(ownFindings(manifests).filter(({ message }) => message.includes("secret"))).toEqual([]);
  });
});
