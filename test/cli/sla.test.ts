import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { SlaReport } from "../../report/sla.ts";
import { freePorts } from "../../sandbox/lib/ports.ts";
import { run } from "../../sandbox/lib/run.ts";
import { prometheusTools } from "../support/prometheusTools.ts";
import { inProject } from "./support.ts";

jest.setTimeout(300_000);

/** A month long gone, of which Prometheus gets a sample a minute for four days. */
const FROM = Date.UTC(2026, 9, 1) / 1000;
const MINUTES = 4 * 1440;

/** Counters of two replicas of acme: 60 requests a minute each; for 20 minutes of the second day a fifth of them fails. */
function samples(): string {
  const lines: string[] = ["# TYPE http_request_duration_seconds histogram"];
  const failing = (minute: number): boolean => minute >= 2000 && minute < 2020;
  const total = { good: 0, bad: 0 };
  const at: [minute: number, good: number, bad: number][] = [];
  for (let minute = 0; minute <= MINUTES; minute++) {
    at.push([minute, total.good, total.bad]);
    const bad = failing(minute) ? 12 : 0;
    total.good += 60 - bad;
    total.bad += bad;
  }
  for (const pod of ["a", "b"]) {
    const series = (name: string, labels: string, of: (good: number, bad: number) => number): void => {
      for (const [minute, good, bad] of at) {
        lines.push(
          `http_request_duration_seconds_${name}{tenant="acme",pod="${pod}",${labels}} ${of(good, bad)} ${FROM + minute * 60}`,
        );
      }
    };
    // Nine in ten within 200 ms, all within 400 ms: the 95th percentile is 300 ms.
    series("bucket", 'code="200",le="0.2"', (good) => good * 0.9);
    series("bucket", 'code="200",le="0.4"', (good) => good);
    series("bucket", 'code="200",le="+Inf"', (good) => good);
    series("count", 'code="200"', (good) => good);
    series("count", 'code="503"', (_, bad) => bad);
  }
  return `${lines.join("\n")}\n# EOF\n`;
}

let folder: string;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  const tools = await prometheusTools();
  folder = mkdtempSync(join(tmpdir(), "sla-"));
  const [metrics, data, config] = ["metrics.txt", "data", "prometheus.yml"].map((name) => join(folder, name));
  if (metrics === undefined || data === undefined || config === undefined) throw new Error("no folder");
  writeFileSync(metrics, samples());
  writeFileSync(config, "{}\n");
  const made = await run(tools.promtool, ["tsdb", "create-blocks-from", "openmetrics", metrics, data]);
  expect([made.code, made.stderr]).toEqual([0, ""]);
  const [port = 0] = await freePorts(1);
  url = `http://127.0.0.1:${port}`;
  server = spawn(
    tools.prometheus,
    [
      ...[`--config.file=${config}`, `--storage.tsdb.path=${data}`, "--storage.tsdb.retention.time=100y"],
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  for (let tries = 0; ; tries++) {
    const ready = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) break;
    if (tries === 300) throw new Error("Prometheus does not start");
    await wait(100);
  }
});
afterAll(async () => {
  const ended = once(server, "exit");
  server.kill();
  await ended;
  rmSync(folder, { recursive: true });
});

describe("tenant report --sla", () => {
  it("tells from a real Prometheus how a tenant was served in a month", async () => {
    await inProject(async ({ tenant }) => {
      const asked = ["report", "--sla", "acme", "--month", "2026-10", "--prometheus", url];
      const { code, out, err } = await tenant([...asked, "--json"]);
      expect([code, err]).toEqual([0, []]);
      const report = JSON.parse(out.join("\n")) as SlaReport;
      expect(report).toMatchObject({
        ...{ tenant: "acme", plan: "enterprise", month: "2026-10", kept: false },
        ...{ from: "2026-10-01T00:00:00Z", to: "2026-11-01T00:00:00Z" },
        objective: { availability: 0.9995, p95Ms: 500 },
      });
      // Of 2 × 60 a minute for four days; increase() extrapolates a little at the edges.
      expect(report.requests / (2 * 60 * MINUTES)).toBeCloseTo(1, 2);
      // 20 minutes of 2 × 12.
      expect(report.failed / 480).toBeCloseTo(1, 1);
      expect(report.availability).toBeCloseTo(1 - 480 / (120 * MINUTES), 5);
      expect(report.budgetUsed).toBeCloseTo(480 / (120 * MINUTES) / 0.0005, 1);
      expect(report.p95Ms).toBeCloseTo(300, 0);
      expect(report.measured).toBeCloseTo(4 / 31, 2);
      expect(report.incidents).toHaveLength(1);
      const [incident] = report.incidents;
      expect(incident?.from).toBe("2026-10-02T09:20:00Z");
      expect(incident?.minutes).toBeGreaterThanOrEqual(20);
      expect(incident?.minutes).toBeLessThanOrEqual(25);
      expect(incident?.worstErrorRatio).toBeCloseTo(0.2, 2);

      const told = await tenant(asked);
      expect(told.out[0]).toBe("acme, enterprise, 2026-10: missed");
      expect(told.out.some((line) => /^p95 +300 ms +500 ms$/.test(line))).toBe(true);
      expect(told.out.some((line) => line.startsWith("1 incidents"))).toBe(true);
    });
  });

  it("says that there is nothing to tell of", async () => {
    await inProject(async ({ tenant }) => {
      const { out } = await tenant(["report", "--sla", "beta", "--month", "2026-10", "--prometheus", url]);
      expect(out[0]).toBe("beta, ai_enhanced, 2026-10: no requests were counted");
    });
  });

  it("tells of all tenants over the last 30 days", async () => {
    await inProject(async ({ tenant }) => {
      const { out } = await tenant(["report", "--json", "--prometheus", url], undefined, {
        now: () => new Date("2026-10-05T00:00:00Z"),
      });
      const { tenants, attention } = JSON.parse(out.join("\n")) as {
        tenants: { id: string; service?: { availability: number } | null }[];
        attention: { severity: string; tenant: string; message: string }[];
      };
      const [acme, beta] = ["acme", "beta"].map((id) => tenants.find((each) => each.id === id)?.service);
      expect(acme?.availability).toBeCloseTo(0.9993, 4);
      expect(beta).toBeNull();
      expect(attention.filter(({ message }) => message.startsWith("availability"))).toEqual([
        {
          severity: "critical",
          tenant: "acme",
          message: "availability 99.931 % over 30 days; its plan promises 99.950 %",
        },
      ]);
    });
  });

  it.each([
    [
      ["--month", "2026-13", "--prometheus", "http://127.0.0.1:1"],
      2,
      '"2026-13" is no month; write e.g. 2026-10',
    ],
    [["--month", "2027-01", "--prometheus", "http://127.0.0.1:1"], 2, "2027-01 has not begun"],
    [["--month", "2026-10"], 2, "--sla needs --month, as 2026-10, and --prometheus <url>"],
    [
      ["--month", "2026-10", "--prometheus", "http://user:secret@127.0.0.1:1/"],
      1,
      /^http:\/\/127\.0\.0\.1:1 does not answer as Prometheus does: /,
    ],
  ])("refuses %j", async (more, code, message) => {
    await inProject(async ({ tenant }) => {
      const outcome = await tenant(["report", "--sla", "acme", ...more]);
      expect(outcome.code).toBe(code);
      expect(outcome.err[0]).toMatch(message);
      expect(outcome.err.join("\n")).not.toContain("secret");
    });
  });

  it("passes on what Prometheus refuses, and sends the token", async () => {
    let token: string | undefined;
    const refusing = createServer((request, response) => {
      token = request.headers.authorization;
      response.end(JSON.stringify({ status: "error", errorType: "execution", error: "too many samples" }));
    }).listen(0, "127.0.0.1");
    await once(refusing, "listening");
    const { port } = refusing.address() as AddressInfo;
    try {
      await inProject(async ({ tenant }) => {
        const place = `http://127.0.0.1:${port}`;
        const outcome = await tenant(
          ["report", "--sla", "acme", "--month", "2026-10", "--prometheus", place],
          undefined,
          { env: { ...process.env, PROMETHEUS_TOKEN: "t0ken" } },
        );
        expect(outcome).toMatchObject({ code: 1, err: [`${place}: execution: too many samples`] });
        expect(token).toBe("Bearer t0ken");
      });
    } finally {
      refusing.closeAllConnections();
      refusing.close();
    }
  });
});
