import { renderTerminal } from "../../report/terminal.ts";
import { renderPage } from "../../report/page.ts";
import { html } from "../../report/markup.ts";
import { fleetReport } from "../support/fleetReport.ts";
import { inProject } from "../cli/support.ts";

const report = fleetReport();
const of = (tenant: string): string[] =>
  report.attention
    .filter((each) => each.tenant === tenant)
    .map(({ severity, message }) => `${severity}: ${message}`);

describe("a report", () => {
  it("counts tenants and money; tombstones are listed, not counted", () => {
    expect(report.totals).toEqual({
      ...{
        tenants: 8,
        billable: 5,
        mrrMinor: 159_500,
        costMinor: 47_000,
        marginMinor: 112_500,
        marginBps: 7053,
      },
    });
    expect(report.distributions.state).toContainEqual({ value: "active", count: 4 });
    expect(report.distributions.version).toEqual([
      { value: "v2.1.0", count: 7 },
      { value: "v2.0.5", count: 1 },
    ]);
    expect(report.tenants.at(-1)).toMatchObject({ id: "gone", state: "deleted", costMinor: 0 });
  });

  it("names what needs attention, the worst first", () => {
    expect(of("beta")).toEqual([
      "critical: newest verified backup is 20 h old; its plan allows 14 h",
      "warning: 2 resources differ from the last up",
    ]);
    expect(of("dora")).toEqual([
      "critical: dora-tls ends in 5 days",
      "warning: waits for an up: active → past_due",
    ]);
    expect(of("carla")).toEqual(["warning: last restore drill was 40 d ago"]);
    expect(of("erik")).toEqual([
      "warning: no restore was tried with success yet",
      "warning: erik-tls is not issued yet",
    ]);
    expect(of("gale")).toEqual([
      "critical: has no verified backup",
      "warning: no restore was tried with success yet",
      "warning: is not deployed yet",
    ]);
    expect(of("acme")).toEqual(["warning: requests.memory: 14Gi of 15Gi in use"]);
    const severities = report.attention.map(({ severity }) => severity);
    expect(severities.lastIndexOf("critical")).toBeLessThan(severities.indexOf("warning"));
  });

  it("tells what is not there from what is not known", () => {
    const [acme] = report.tenants;
    const gale = report.tenants.find(({ id }) => id === "gale");
    expect(gale).toMatchObject({ backup: null, drill: null, applied: null, quota: null, drifted: 0 });
    expect(acme).not.toHaveProperty("service");
    expect(report.sources.service).toEqual({
      ...{ read: false, from: "Prometheus", why: "name it by --prometheus <url>" },
    });
  });

  it("is printed for a terminal", () => {
    const lines = renderTerminal(report, { color: false });
    expect(lines.slice(0, 8)).toMatchInlineSnapshot(`
     [
       "8 tenants, 5 billable: $1,595.00 a month, cost $470.00, margin $1,125.00 (70.5 %)",
       "plan     3 starter, 2 enterprise, 2 professional, 1 ai_enhanced",
       "state    4 active, 1 past_due, 1 suspended, 1 trial, 1 offboarding",
       "ring     7 ring 2, 1 ring 0",
       "version  7 v2.1.0, 1 v2.0.5",
       "",
       "TENANT  PLAN          STATE        VERSION  PRICE    COST     BACKUP  DRILL         QUOTA  DRIFT",
       "acme    enterprise    active       v2.1.0   $699.00  $150.00  3 h     3 d, 2 min    93 %   0",
     ]
    `);
    expect(lines).toContain("critical  gale: has no verified backup");
    expect(lines.at(-1)).toBe("Availability and p95, 30 days:  name it by --prometheus <url>");
  });

  it("is a page that loads nothing", () => {
    const page = renderPage(report);
    expect(page).not.toMatch(/(?:src|href)=|url\(|@import|https?:/);
    expect(page).toContain("Carla&#39;s &lt;b&gt;Shop&lt;/b&gt; &amp; Sons");
  });
});

describe("html", () => {
  it("escapes every value, and leaves markup of its own as it is", () => {
    const evil = `"><script>alert('x')</script>&`;
    const escaped = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;";
    expect(
      html`<i title="${evil}">${evil}${html`<b>${evil}</b>`}${[html`<u></u>`, html`<s></s>`]}${7}</i>`.text,
    ).toBe(`<i title="${escaped}">${escaped}<b>${escaped}</b><u></u><s></s>7</i>`);
  });
});

describe("tenant report", () => {
  it("asks nobody with --offline, and says so of each section", async () => {
    await inProject(async ({ tenant, dir, exists }) => {
      const { code, out } = await tenant(["report", "--offline", "--json"]);
      expect(code).toBe(0);
      const { sources, commit } = JSON.parse(out.join("\n")) as {
        sources: Record<string, { read: boolean; why?: string }>;
        commit: string | null;
      };
      expect(commit).toBeNull();
      const unknown = Object.entries(sources).filter(([, { read }]) => !read);
      expect(unknown.map(([name]) => name)).toEqual([
        ...["applied", "backups", "drills", "certificates", "quotas", "drift", "service"],
      ]);
      expect(sources["backups"]?.why).toBe("--offline");
      const file = `${dir}/page.html`;
      expect(await tenant(["report", "--offline", "--html", file])).toMatchObject({ code: 0, out: [file] });
      expect(exists("page.html")).toBe(true);
    });
  });

  it("says why a cell that does not answer is not known, and tells the rest", async () => {
    await inProject(async ({ tenant }) => {
      const env = { ...process.env, PATH: "/nonexistent" };
      const { code, out } = await tenant(["report", "--json"], undefined, { env });
      const { sources, tenants } = JSON.parse(out.join("\n")) as {
        sources: Record<string, { read: boolean; why?: string }>;
        tenants: object[];
      };
      expect([code, tenants.length]).toEqual([0, 2]);
      expect(sources["applied"]).toEqual({
        ...{ read: false, from: "outputs of stack", why: "no Pulumi.<stack>.yaml is complete" },
      });
    });
  });

  it("refuses a month without --sla, and a file of drift that is none", async () => {
    await inProject(async ({ tenant }) => {
      expect(await tenant(["report", "--month", "2026-10"])).toMatchObject({
        code: 2,
        err: ["--month is for --sla"],
      });
      const { out } = await tenant(["report", "--offline", "--json", "--drift", "/nonexistent.json"]);
      const { sources } = JSON.parse(out.join("\n")) as { sources: Record<string, { why?: string }> };
      expect(sources["drift"]?.why).toContain("ENOENT");
    });
  });
});
