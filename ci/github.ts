import { UsageError } from "../cli/failures.ts";

/** The few calls of GitHub's REST API that the workflows make. */

export interface Repository {
  /** e.g. https://api.github.com */
  readonly api: string;
  /** owner/name */
  readonly name: string;
  readonly token: string;
}

/** From the environment that GitHub gives to a job, and the token that its step passes on. */
export function repositoryOf(env: NodeJS.ProcessEnv): Repository {
  const { GITHUB_REPOSITORY: name, GITHUB_TOKEN: token, GITHUB_API_URL: api } = env;
  if (name === undefined || token === undefined)
    throw new UsageError(
      "GITHUB_REPOSITORY and GITHUB_TOKEN must be set, as they are in a job of a workflow",
    );
  return { api: api ?? "https://api.github.com", name, token };
}

interface Text {
  readonly body?: string | null;
}
interface Comment extends Text {
  readonly id: number;
}
interface Issue extends Text {
  readonly number: number;
  readonly pull_request?: unknown;
}

const PAGE = 100;

/** Writes the comment of a pull request that holds a marker, anew or over the last one. */
export async function putComment(
  repository: Repository,
  pull: number,
  marker: string,
  body: string,
): Promise<void> {
  const found = await find<Comment>(repository, `/issues/${pull}/comments?`, marker);
  if (found === undefined) await call(repository, "POST", `/issues/${pull}/comments`, { body });
  else await call(repository, "PATCH", `/issues/comments/${found.id}`, { body });
}

/** Opens an issue, or brings the open one with its marker up to date. */
export async function putIssue(
  repository: Repository,
  marker: string,
  title: string,
  text: string,
): Promise<void> {
  const body = `${marker}\n${text}`;
  const found = await find<Issue>(repository, "/issues?state=open&", marker);
  if (found === undefined) await call(repository, "POST", "/issues", { title, body });
  else await call(repository, "PATCH", `/issues/${found.number}`, { title, body });
}

/** Closes the open issue with a marker, if there is one. */
export async function closeIssue(repository: Repository, marker: string): Promise<void> {
  const found = await find<Issue>(repository, "/issues?state=open&", marker);
  if (found !== undefined) await call(repository, "PATCH", `/issues/${found.number}`, { state: "closed" });
}

async function find<T extends Text>(
  repository: Repository,
  path: string,
  marker: string,
): Promise<T | undefined> {
  for (let page = 1; ; page++) {
    const items = (await call(repository, "GET", `${path}per_page=${PAGE}&page=${page}`)) as readonly T[];
    // Anybody may quote a marker; the first line is ours.
    const found = items.find(({ body }) => body?.startsWith(marker) === true);
    if (found !== undefined || items.length < PAGE) return found;
  }
}

async function call(
  { api, name, token }: Repository,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(`${api}/repos/${name}${path}`, {
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${token}`,
      "x-github-api-version": "2022-11-28",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  if (response.ok) return response.json();
  throw new Error(
    `GitHub answered ${response.status} to ${method} ${path}; check the permissions of the job: ${(await response.text()).slice(0, 200)}`,
  );
}
