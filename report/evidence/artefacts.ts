/** What each artefact of a bundle proves: criteria of SOC 2 (Trust Services) and articles of the GDPR. */
export const ARTEFACTS = {
  changes: { title: "Change record: commits and updates", soc2: ["CC8.1"], gdpr: ["5(2)", "25"] },
  tenants: { title: "Inventory of tenants", soc2: ["CC6.1", "CC2.1"], gdpr: ["30(2)"] },
  resources: { title: "Inventory of resources by tenant", soc2: ["CC6.1", "CC2.1"], gdpr: ["30(2)"] },
  drift: { title: "Drift from what was applied", soc2: ["CC7.1"], gdpr: ["32"] },
  isolation: {
    title: "Isolation: pod security, network policies, quotas",
    soc2: ["CC6.1", "CC6.6"],
    gdpr: ["32"],
  },
  encryption: { title: "Encryption in transit and at rest", soc2: ["CC6.7", "C1.1"], gdpr: ["32"] },
  backups: {
    title: "Backups, their sizes, digests and ages",
    soc2: ["A1.2"],
    gdpr: ["32(1)(b)", "32(1)(c)"],
  },
  drills: {
    title: "Restore drills and measured recovery times",
    soc2: ["A1.3", "CC7.5"],
    gdpr: ["32(1)(c)", "32(1)(d)"],
  },
  deletions: {
    title: "Deletion certificates",
    soc2: ["CC6.5", "C1.2", "P4.3"],
    gdpr: ["17", "28(3)(g)"],
  },
  exports: { title: "Exports of customers' data", soc2: ["P5.1"], gdpr: ["20", "28(3)(g)"] },
  residency: {
    title: "Where each tenant's data is",
    soc2: ["C1.1"],
    gdpr: ["28(2)", "28(4)", "30(2)", "44"],
  },
  service: { title: "Service levels by tenant", soc2: ["A1.1", "CC7.2"], gdpr: [] },
  access: {
    title: "Who owns the code, and how often credentials were replaced",
    soc2: ["CC6.2", "CC6.3"],
    gdpr: ["32"],
  },
  "legal-holds": { title: "Register of legal holds", soc2: ["C1.1"], gdpr: ["17(3)(e)"] },
} as const satisfies Readonly<
  Record<
    string,
    { readonly title: string; readonly soc2: readonly string[]; readonly gdpr: readonly string[] }
  >
>;

export type ArtefactName = keyof typeof ARTEFACTS;
export const ARTEFACT_NAMES = Object.keys(ARTEFACTS) as ArtefactName[];

/** What was gathered for an artefact, or why nothing was. */
export type Gathered =
  { readonly from: string; readonly value: unknown } | { readonly from: string; readonly why: string };
