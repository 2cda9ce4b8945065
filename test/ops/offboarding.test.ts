import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { FinalBackup } from "../../registry/lifecycle.ts";
import type { Manifest } from "../../ops/backup/manifest.ts";
import { erase, type DeletionCertificate } from "../../ops/offboarding/erase.ts";
import {
  choiceAfterArchive,
  missingParts,
  noteEmptied,
  noteRestored,
} from "../../ops/offboarding/emptied.ts";
import { requireEvidence, writeEvidence } from "../../ops/offboarding/evidence.ts";
import type { DatabaseLogin } from "../../ops/postgres.ts";
import { FolderStore } from "../support/folderStore.ts";
import { PASSWORD, startPostgres, type PostgresServer } from "../support/postgres.ts";

const PREFIX = "customers/acme/";
const TIME = "20260201T000000Z";

let store: FolderStore;
beforeEach(() => (store = new FolderStore()));
afterEach(() => {
  store.remove();
});

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function put(key: string, text: string): void {
  mkdirSync(dirname(store.path(key)), { recursive: true });
  writeFileSync(store.path(key), text);
}

/** A backup of acme with a dump of four bytes and an archive of two. */
function backUp(time: string, kind: Manifest["kind"]): FinalBackup {
  const manifest: Manifest = {
    schemaVersion: 1,
    id: `acme-${time}`,
    kind,
    tenantId: "acme",
    startedAt: "2026-02-01T00:00:00Z",
    finishedAt: "2026-02-01T00:01:00Z",
    retainDays: 30,
    source: { database: "warehouse_acme", scope: "database", serverVersion: 150018, snapshotAt: "" },
    database: {
      key: `${PREFIX}db/${time}.dump`,
      bytes: 4,
      sha256: sha256("dump"),
      format: "pg_dump-custom",
      tables: [],
      schemaDigest: sha256(""),
    },
    files: {
      key: `${PREFIX}files/${time}.tar.zst`,
      bytes: 2,
      sha256: sha256("ab"),
      format: "tar+zstd",
      count: 1,
    },
    tool: { name: "warehouse-ops", pgDump: "15.18" },
  };
  put(manifest.database.key, "dump");
  put(`${PREFIX}files/${time}.tar.zst`, "ab");
  const text = JSON.stringify(manifest);
  put(`${PREFIX}db/${time}.manifest.json`, text);
  return { id: manifest.id, sha256: sha256(text), verifiedAt: "2026-02-01T01:00:00Z" };
}

describe("the evidence of a final backup", () => {
  const refusal = (claimed: FinalBackup): Promise<string> =>
    requireEvidence(store, "acme", PREFIX, claimed).then(
      () => "holds",
      (error: unknown) => (error as Error).message,
    );

  it("holds where the registry names what was verified and all of it is there", async () => {
    const evidence = backUp(TIME, "final");
    await writeEvidence(store, PREFIX, evidence);
    expect(await refusal(evidence)).toBe("holds");
    expect(await refusal({ ...evidence, verifiedAt: "2026-02-01T01:00:00.000Z" })).toBe("holds");
  });

  it("does not hold before the verification", async () => {
    expect(await refusal(backUp(TIME, "final"))).toBe(
      "final backup of acme: none is verified yet; apply state offboarding, which does it",
    );
  });

  it("does not hold for another id, checksum or time, and says which is right", async () => {
    const evidence = backUp(TIME, "final");
    await writeEvidence(store, PREFIX, evidence);
    const right = `write { id: acme-${TIME}, sha256: "${evidence.sha256}", verifiedAt: "2026-02-01T01:00:00Z" }`;
    for (const wrong of [
      { id: "acme-20260131T000000Z" },
      { sha256: "4".repeat(64) },
      { verifiedAt: "2026-02-01T02:00:00Z" },
    ]) {
      const claimed = { ...evidence, ...wrong };
      expect(await refusal(claimed)).toBe(
        `final backup of acme: ${claimed.id} is not what was verified; ${right}`,
      );
    }
  });

  it("does not hold when the tenant was backed up after it, as one is that was served again", async () => {
    const evidence = backUp(TIME, "final");
    await writeEvidence(store, PREFIX, evidence);
    backUp("20260301T000000Z", "scheduled");
    expect(await refusal(evidence)).toBe(
      "final backup of acme: acme-20260301T000000Z (scheduled) was taken after it; apply state offboarding again",
    );
  });

  it("does not hold for a backup of another kind", async () => {
    const evidence = backUp(TIME, "manual");
    await writeEvidence(store, PREFIX, evidence);
    expect(await refusal(evidence)).toBe(`final backup of acme: acme-${TIME} is of kind manual`);
  });

  it("does not hold when the manifest was changed, or an object is gone or shorter", async () => {
    const evidence = backUp(TIME, "final");
    await writeEvidence(store, PREFIX, evidence);
    const archive = `${PREFIX}files/${TIME}.tar.zst`;
    put(archive, "a");
    expect(await refusal(evidence)).toBe(
      `final backup of acme: ${archive} has 1 bytes in the bucket, 2 were verified`,
    );
    rmSync(store.path(archive));
    expect(await refusal(evidence)).toBe(
      `final backup of acme: ${archive} has no bytes in the bucket, 2 were verified`,
    );
    put(archive, "ab");
    const manifest = store.path(`${PREFIX}db/${TIME}.manifest.json`);
    writeFileSync(manifest, `${(await store.read(`${PREFIX}db/${TIME}.manifest.json`)).toString()} `);
    expect(await refusal(evidence)).toBe(
      "final backup of acme: its manifest is not the one that was verified",
    );
  });
});

describe("a tenant that comes back from its archive", () => {
  it("misses what was emptied until it is restored, and what was restored does not become missing", async () => {
    expect(await missingParts(store, PREFIX)).toEqual([]);
    await noteRestored(store, PREFIX, "files", "acme-1");
    expect(store.keys()).toEqual([]);
    await noteEmptied(store, PREFIX, "rows", "acme-2");
    await noteEmptied(store, PREFIX, "files", "acme-2");
    expect(await missingParts(store, PREFIX)).toEqual([
      { part: "rows", finalBackup: "acme-2" },
      { part: "files", finalBackup: "acme-2" },
    ]);
    await noteRestored(store, PREFIX, "rows", "acme-1");
    expect(await missingParts(store, PREFIX)).toEqual([{ part: "files", finalBackup: "acme-2" }]);
    await noteRestored(store, PREFIX, "files", "acme-2");
    expect(await missingParts(store, PREFIX)).toEqual([]);
    // Archived once more.
    await noteEmptied(store, PREFIX, "files", "acme-3");
    expect(await missingParts(store, PREFIX)).toEqual([{ part: "files", finalBackup: "acme-3" }]);
  });

  it("is restored from its final backup, unless another is asked for", async () => {
    await noteEmptied(store, PREFIX, "files", "acme-2");
    expect(await choiceAfterArchive(store, PREFIX, {})).toEqual({ id: "acme-2" });
    expect(await choiceAfterArchive(store, PREFIX, { id: "acme-1" })).toEqual({ id: "acme-1" });
    expect(await choiceAfterArchive(store, PREFIX, { at: "2026-01-01T00:00:00Z" })).toEqual({
      at: "2026-01-01T00:00:00Z",
    });
    await noteRestored(store, PREFIX, "files", "acme-2");
    expect(await choiceAfterArchive(store, PREFIX, {})).toEqual({});
  });
});

describe("erasing what is left of a tenant", () => {
  jest.setTimeout(120_000);
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  }, 120_000);
  afterAll(() => server.stop());

  const query = async <Row extends object>(text: string): Promise<Row[]> => {
    const client = await server.connect("postgres", "postgres");
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const platform = (): DatabaseLogin => ({
    host: server.host,
    port: String(server.port),
    name: "postgres",
    user: "platform",
    password: PASSWORD,
    sslmode: "disable",
  });
  const databases = async (): Promise<string[]> =>
    (
      await query<{ datname: string }>(
        "SELECT datname FROM pg_database WHERE datname LIKE 'warehouse%' ORDER BY 1",
      )
    ).map(({ datname }) => datname);
  const erasing = (finalBackup: FinalBackup): Promise<void> =>
    erase({ tenantId: "acme", prefix: PREFIX, platform: platform(), finalBackup }, store, () => undefined);

  it("takes no neighbour's objects or databases, and leaves a certificate that a second run keeps", async () => {
    await query("CREATE DATABASE warehouse_acme__o260101 OWNER platform");
    await query("CREATE DATABASE warehouse_acme_2 OWNER platform");
    await query("CREATE DATABASE warehouse_acme_2__o260101 OWNER platform");
    const evidence = backUp(TIME, "final");
    put("customers/acme-2/db/kept", "x");
    await erasing(evidence);
    expect(store.keys()).toEqual(["certificates/acme.json", "customers/acme-2/db/kept"]);
    expect(await databases()).toEqual(["warehouse_acme_2", "warehouse_acme_2__o260101"]);
    const certificate = JSON.parse(
      (await store.read("certificates/acme.json")).toString(),
    ) as DeletionCertificate;
    expect(certificate).toMatchObject({
      schemaVersion: 1,
      tenantId: "acme",
      finalBackup: evidence,
      databases: ["warehouse_acme__o260101"],
      objects: { prefix: PREFIX, erased: 3 },
      locked: [],
    });
    await erasing(evidence);
    expect(JSON.parse((await store.read("certificates/acme.json")).toString())).toEqual(certificate);
  });

  it("erases no backup while the database is still there", async () => {
    await query("CREATE DATABASE warehouse_acme OWNER platform");
    const evidence = backUp(TIME, "final");
    const before = store.keys();
    await expect(erasing(evidence)).rejects.toThrow(
      "warehouse_acme is still there; its backups are not erased before it",
    );
    expect(store.keys()).toEqual(before);
    await query("DROP DATABASE warehouse_acme");
  });
});
