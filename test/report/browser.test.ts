import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { renderPage } from "../../report/page.ts";
import { which } from "../../sandbox/lib/run.ts";
import { fleetReport } from "../support/fleetReport.ts";

jest.setTimeout(120_000);

/** The machine's; `.ci/run` installs Debian's. */
const executablePath = ["chromium-headless-shell", "chromium", "google-chrome", "chromium-browser"]
  .map((name) => which(name, process.env["PATH"]))
  .find((path) => path !== undefined);
const axe = readFileSync(
  createRequire(join(process.cwd(), "package.json")).resolve("axe-core/axe.min.js"),
  "utf8",
);

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

let browser: Browser;
let folder: string;

/** The page as somebody sees it, what it complained of, and what it asked of the network. */
async function open(
  colorScheme: "light" | "dark",
  width = 1280,
): Promise<{ page: Page; said: string[]; asked: string[] }> {
  const context = await browser.newContext({
    colorScheme,
    viewport: { width, height: 900 },
    bypassCSP: false,
  });
  const page = await context.newPage();
  const [said, asked]: [string[], string[]] = [[], []];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(pathToFileURL(join(folder, "report.html")).href);
  return { page, said, asked };
}

(executablePath === undefined ? describe.skip : describe)("the report in a browser", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "report-"));
    writeFileSync(join(folder, "report.html"), renderPage(fleetReport()));
    // In a container Chromium has no right to make the namespaces of its own sandbox; the page is ours.
    browser = await chromium.launch({ executablePath: executablePath ?? "", args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  it.each(["light", "dark"] as const)("is quiet, asks nobody and is accessible, %s", async (scheme) => {
    const { page, said, asked } = await open(scheme);
    expect(await page.title()).toContain("Tenants");
    const screenshots = process.env["REPORT_SCREENSHOTS"];
    const shot = await page.screenshot();
    expect(shot.length).toBeGreaterThan(50_000);
    if (screenshots !== undefined) {
      mkdirSync(screenshots, { recursive: true });
      writeFileSync(join(screenshots, `report-${scheme}.png`), shot);
    }
    expect(said).toEqual([]);
    expect(asked).toEqual([page.url()]);
    // The page's own policy lets no other script in, so the checker comes by the debugger.
    const found = await page.evaluate<{ readonly violations: Violation[] }>(`${axe}; axe.run(document)`);
    expect(
      found.violations.map(({ id, nodes }) => [
        id,
        nodes.map(({ html, failureSummary }) => [html, failureSummary]),
      ]),
    ).toEqual([]);
  });

  it("differs between light and dark", async () => {
    const background = async (scheme: "light" | "dark"): Promise<unknown> => {
      const { page } = await open(scheme);
      return page.evaluate("getComputedStyle(document.body).backgroundColor");
    };
    expect([await background("light"), await background("dark")]).toEqual([
      "rgb(246, 247, 249)",
      "rgb(15, 20, 26)",
    ]);
  });

  it("shows names as they are written", async () => {
    const { page } = await open("light");
    expect(await page.locator("th", { hasText: "Carla" }).first().innerText()).toContain(
      "Carla's <b>Shop</b> & Sons",
    );
    expect(await page.locator("table b").count()).toBe(0);
  });

  it("sorts by a heading that is pressed, and says so", async () => {
    const { page } = await open("light");
    const table = page.getByRole("region", { name: "Plans, releases and money" });
    const ids = (): Promise<string[]> => table.locator("tbody th code").allInnerTexts();
    const price = table.getByRole("button", { name: "Price" });
    await price.press("Enter");
    expect((await ids()).slice(-3)).toEqual(["erik", "beta", "acme"]);
    await price.press("Enter");
    expect((await ids()).slice(0, 2)).toEqual(["acme", "beta"]);
    const heading = table.getByRole("columnheader", { name: "Price" });
    expect(await heading.getAttribute("aria-sort")).toBe("descending");
    await table.getByRole("button", { name: "Tenant" }).click();
    expect((await ids()).slice(0, 2)).toEqual(["acme", "beta"]);
    expect(await heading.getAttribute("aria-sort")).toBeNull();
  });

  it("fits a phone, its tables scrolling on their own, and paper", async () => {
    const { page } = await open("light", 390);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    const { page: paper } = await open("dark");
    await paper.emulateMedia({ media: "print" });
    expect(await paper.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(
      "rgb(255, 255, 255)",
    );
    expect((await paper.pdf({ format: "A4", landscape: true })).subarray(0, 5).toString()).toBe("%PDF-");
  });
});
