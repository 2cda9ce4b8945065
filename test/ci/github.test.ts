import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { closeIssue, putComment, putIssue, type Repository } from "../../ci/github.ts";

/** GitHub's issues and comments as far as they are used, in memory. */
interface Item {
  id: number;
  number: number;
  title?: string;
  body: string;
  state: string;
}
let items: Item[];
let comments: Item[];
let requests: string[];
let server: Server;
let repository: Repository;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const url = new URL(request.url ?? "", "http://localhost");
      requests.push(`${request.method ?? ""} ${url.pathname}`);
      if (request.headers.authorization !== "Bearer token")
        return void response.writeHead(403).end('{"message":"no"}');
      const body = (chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString())) as Partial<Item>;
      const list = url.pathname.includes("comments") ? comments : items;
      const id = Number(/\/(\d+)$/.exec(url.pathname)?.[1]);
      if (request.method === "GET") {
        const page = Number(url.searchParams.get("page"));
        const open = list.filter(({ state }) => url.searchParams.get("state") !== "open" || state === "open");
        return void response.end(JSON.stringify(open.slice((page - 1) * 100, page * 100)));
      }
      const found = list.find((item) => item.id === id);
      if (request.method === "PATCH" && found !== undefined) Object.assign(found, body);
      else list.push({ id: list.length + 1, number: list.length + 1, body: "", state: "open", ...body });
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  repository = { api: `http://127.0.0.1:${port}`, name: "owner/name", token: "token" };
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  [items, comments, requests] = [[], [], []];
});

describe("putComment", () => {
  it("writes over its own last comment, however many there are, and nobody else's", async () => {
    comments = Array.from({ length: 250 }, (_, n) => ({
      id: n + 1,
      number: n + 1,
      body: `quoting <!-- m --> ${n}`,
      state: "open",
    }));
    await putComment(repository, 7, "<!-- m -->", "<!-- m -->\nfirst");
    await putComment(repository, 7, "<!-- m -->", "<!-- m -->\nsecond");
    expect(comments).toHaveLength(251);
    expect(comments.at(-1)?.body).toBe("<!-- m -->\nsecond");
    expect(requests.filter((line) => line.startsWith("POST"))).toEqual([
      "POST /repos/owner/name/issues/7/comments",
    ]);
  });

  it("says what a refusal may come from", async () => {
    await expect(putComment({ ...repository, token: "x" }, 7, "m", "m")).rejects.toThrow(
      'GitHub answered 403 to GET /issues/7/comments?per_page=100&page=1; check the permissions of the job: {"message":"no"}',
    );
  });
});

describe("putIssue and closeIssue", () => {
  it("keep one open issue, and open a new one after it was closed", async () => {
    await putIssue(repository, "<!-- a -->", "Drift", "one");
    await putIssue(repository, "<!-- a -->", "Drift", "two");
    await putIssue(repository, "<!-- b -->", "Drill", "x");
    expect(items.map(({ title, body, state }) => [title, body, state])).toEqual([
      ["Drift", "<!-- a -->\ntwo", "open"],
      ["Drill", "<!-- b -->\nx", "open"],
    ]);
    await closeIssue(repository, "<!-- a -->");
    await closeIssue(repository, "<!-- a -->");
    expect(items.map(({ state }) => state)).toEqual(["closed", "open"]);
    await putIssue(repository, "<!-- a -->", "Drift", "three");
    expect(items).toHaveLength(3);
  });
});
