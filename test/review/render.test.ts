import fc from "fast-check";
import MarkdownIt from "markdown-it";
import { readPreview } from "../../review/preview.ts";
import { COMMENT_LIMIT, MARKER, renderMarkdown } from "../../review/render/markdown.ts";
import { renderTerminal } from "../../review/render/terminal.ts";
import { reviewOf, type Review } from "../../review/review.ts";
import { recorded } from "../support/previews.ts";
import { loadValid, registryOf } from "../support/registry.ts";

const registry = loadValid();
const review = (...previews: Parameters<typeof readPreview>[]): Review =>
  reviewOf({
    kind: "preview",
    previews: previews.map(([text, name]) => readPreview(text, name)),
    before: registry,
    after: registry,
    changes: [],
    issues: [],
  });

/** A preview in which everything that can be is the given text. */
const previewOf = (text: string): string => {
  const type = "postgresql:index/database:Database";
  const state = {
    type,
    custom: true,
    parent: `urn:pulumi:s::p::x::${text}`,
    inputs: { [text]: text, comment: text },
  };
  return JSON.stringify({
    config: { "warehouse:cell": text },
    steps: ["acme-x", text].map((name) => ({
      op: "replace",
      urn: `urn:pulumi:s::p::warehouse:tenancy:TenantStack$${type}::${name}`,
      oldState: { ...state, inputs: {} },
      newState: state,
      detailedDiff: { comment: { kind: "add" }, [text]: { kind: "add" } },
      replaceReasons: [text],
    })),
    diagnostics: [{ message: text, severity: "error" }],
  });
};

const rendered = (markdown: string): string => new MarkdownIt({ html: true, linkify: true }).render(markdown);
/** Names of the elements of HTML, outside of code. */
const elements = (html: string): Set<string> =>
  new Set([...html.matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, name]) => name ?? ""));
const OURS = [
  "h3",
  "h4",
  "p",
  "ul",
  "li",
  "strong",
  "code",
  "pre",
  "details",
  "summary",
  "table",
  "thead",
  "tbody",
  "tr",
  "th",
  "td",
];
const outsideCode = (html: string): string => html.replaceAll(/<(pre|code)[^]*?<\/\1>/g, "");

describe("renderMarkdown", () => {
  it("opens with the verdict, then data at risk, the table and folded details", () => {
    const { text } = renderMarkdown(
      reviewOf({
        kind: "preview",
        previews: [recorded("replaced")],
        before: registry,
        after: registry,
        changes: [],
        issues: [],
      }),
      COMMENT_LIMIT,
    );
    expect(text.split("\n").slice(0, 8)).toEqual([
      MARKER,
      "### Data at risk: 2 findings below",
      "",
      "Previewed: `sandbox`. 0 tenants unchanged. Monthly: price $0.00, cost $0.00, margin $0.00.",
      "",
      "#### Data at risk",
      "",
      "- **replaced**: `PersistentVolumeClaim acme-uploads` of `acme` in `sandbox`: destroys the files of the volume (for a change of `spec.storageClassName`)",
    ]);
    expect(text).toContain("| `acme` | other | 0 | 0 | 1 | 0 | $699.00 | $150.00 | $549.00 |");
    expect(text).toContain("<details><summary><code>acme</code>: 1 replace</summary>");
    expect(text).toContain("spec.storageClassName: uploads → other");
  });

  it.each([
    "<script>alert(1)</script>",
    "</code></summary></details><img src=x onerror=alert(1)>",
    "a | b | c",
    "`",
    "```\n\n# heading\n\n```",
    "@everyone #1 https://example.com [a](b) ![c](d)",
    "<!-- ",
    "a\u202Eb",
    "\n---\n",
  ])("shows %j as text", (text) => {
    const { text: markdown } = renderMarkdown(review([previewOf(text), "s"]), COMMENT_LIMIT);
    const html = rendered(markdown);
    for (const name of elements(html)) expect(OURS).toContain(name);
    for (const line of html.match(/<tr>[^]*?<\/tr>/g) ?? []) expect(line.match(/<t[hd]/g)).toHaveLength(9);
    expect(outsideCode(html)).not.toMatch(/@everyone|#1|example|heading|alert|\u202E/);
  });

  it("makes no markup of any text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from("`<>|*_[]()!@#&\\\n ~-ab\"'")) }),
        (text) => {
          const html = rendered(renderMarkdown(review([previewOf(text), "s"]), COMMENT_LIMIT).text);
          for (const name of elements(html)) if (!OURS.includes(name)) return false;
          return (html.match(/<details>/g) ?? []).length === (html.match(/<\/details>/g) ?? []).length;
        },
      ),
    );
  });

  it("stays below the limit of a comment and says where the rest is", () => {
    const many = loadValid(
      registryOf(...Array.from({ length: 400 }, (_, n) => ({ id: `tenant-${n}`, cell: `cell-${n % 8}` }))),
    );
    const type = "kubernetes:apps/v1:Deployment";
    const steps = many.entries.map(({ entry: { id } }) => ({
      op: "update",
      urn: `urn:pulumi:s::p::warehouse:tenancy:TenantStack$${type}::${id}-app`,
      oldState: { type, custom: true, inputs: {} },
      newState: { type, custom: true, inputs: { image: "é".repeat(150) } },
      detailedDiff: { image: { kind: "update" } },
    }));
    const previews = [readPreview(JSON.stringify({ steps }), "s")];
    const found = reviewOf({ kind: "preview", previews, before: many, after: many, changes: [], issues: [] });
    const { text, isWhole } = renderMarkdown(found, COMMENT_LIMIT, "the job's summary");
    expect(isWhole).toBe(false);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(COMMENT_LIMIT);
    expect(Buffer.byteLength(text)).toBeGreaterThan(COMMENT_LIMIT * 0.95);
    expect(text).toContain("### 400 tenants change; no data is at risk");
    expect(text).toMatch(/… and \d+ more tenants: see the job's summary\.\n$/);
    expect(text.match(/^\| `tenant-/gm)).toHaveLength(400);
    expect(renderMarkdown(found, 2 ** 20).isWhole).toBe(true);
  });
});

describe("renderTerminal", () => {
  it("lets no control character through", () => {
    const lines = renderTerminal(review([previewOf("a\u001b[31mb\rc"), "s\u001b"]), { color: false });
    expect(lines.join("\n")).not.toMatch(/[\u001b\r]/);
    expect(lines[0]).toBe("Blocked: 1 problem");
  });
});
