import { execFileSync } from "node:child_process";
import { inProject, REGISTRY, type Project } from "./support.ts";

const git = (dir: string, ...args: readonly string[]): string =>
  execFileSync(
    "git",
    ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false", ...args],
    {
      cwd: dir,
      encoding: "utf8",
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    },
  );

/** Runs a test in a project whose files are committed. */
const inRepository = (test: (project: Project) => Promise<void>, files?: Readonly<Record<string, string>>) =>
  inProject(async (project) => {
    git(project.dir, "init", "--quiet", "--initial-branch=main");
    git(project.dir, "add", ".");
    git(project.dir, "commit", "--quiet", "--message=start");
    await test(project);
  }, files);

const head = ({ dir }: Project): string => git(dir, "rev-parse", "HEAD").slice(0, 12);

describe("tenant diff", () => {
  it("says that nothing changes", () =>
    inRepository(async (project) => {
      expect(await project.tenant(["diff"])).toEqual({
        code: 0,
        out: [`no tenant changes since ${head(project)}, the merge base with HEAD`],
        err: [],
      });
    }));

  it("shows what changes for each tenant", () =>
    inRepository(async (project) => {
      await project.tenant(["pin", "acme", "v2.0.5", "--until", "2027-01-31", "--reason", "audit"]);
      await project.tenant(["add", "delta", "--plan", "enterprise", "--own-file"]);
      const { code, out } = await project.tenant(["diff"]);
      expect(code).toBe(0);
      expect(out).toEqual([
        `since ${head(project)}, the merge base with HEAD:`,
        "~ acme",
        expect.stringContaining("    release.version: v2.1.0 → v2.0.5"),
        expect.stringContaining("    release.image: "),
        "    pin.version: - → v2.0.5",
        "    pin.until: - → 2027-01-31",
        "    pin.reason: - → audit",
        "+ delta: enterprise, active",
      ]);
    }));

  it("exits with 1 on a forbidden step", () =>
    inRepository(async (project) => {
      project.write(REGISTRY.slice(0, REGISTRY.indexOf("\n  - id: beta")));
      const { code, out } = await project.tenant(["diff"]);
      expect(code).toBe(1);
      expect(out.slice(1, 3)).toEqual(["- beta", "forbidden:"]);
      expect(out[3]).toContain("beta: is live but no longer in the registry");
    }));

  it("compares with the point where the branch began", () =>
    inRepository(async (project) => {
      const start = head(project);
      git(project.dir, "switch", "--quiet", "--create", "change");
      git(project.dir, "switch", "--quiet", "main");
      await project.tenant(["unpin", "beta"]);
      git(project.dir, "commit", "--quiet", "--all", "--message=unpin");
      git(project.dir, "switch", "--quiet", "change");
      const { out } = await project.tenant(["diff", "--ref", "main", "--json"]);
      expect(JSON.parse(out.join("\n"))).toMatchObject({
        base: { ref: "main", commit: expect.stringContaining(start) as string },
        changes: [],
        forbidden: [],
      });
    }));

  it("names a revision that is not there", () =>
    inRepository(async ({ tenant }) => {
      expect((await tenant(["diff", "--ref", "origin/man"])).err).toEqual([
        '"origin/man" is no revision here; fetch it first, or name another --ref',
      ]);
    }));

  it("says that the registry of then was not valid", () =>
    inRepository(
      async (project) => {
        project.write(REGISTRY);
        const { code, err } = await project.tenant(["diff"]);
        expect(code).toBe(1);
        expect(err[0]).toBe(
          `the registry of ${head(project)} is not valid, so nothing can be compared with it:`,
        );
      },
      { "tenants/tenants.yaml": "apiVersion: x\n" },
    ));
});
