import { Option, type Command } from "commander";
import { formatIssue, inReadingOrder, type Issue } from "../../registry/issues.ts";
import { allTenants, checkWorkspace, type RegistryOptions } from "../workspace.ts";
import { certificateBudget } from "../certificates.ts";
import { paint, type Io } from "../io.ts";
import { readsRegistry } from "../options.ts";
import { Silent } from "../failures.ts";

interface LintOptions extends RegistryOptions {
  readonly json?: boolean;
  readonly github?: boolean;
  readonly strict?: boolean;
}

export function registerLint(program: Command, io: Io): void {
  const command = program
    .command("lint")
    .summary("check the registry")
    .description(
      "Checks every file of the registry, and whether the week's certificates are enough. Exits with 1 on errors; warnings stop nothing.",
    )
    .option("--strict", "exit with 1 on warnings too")
    .addOption(new Option("--json", "as JSON").conflicts("github"))
    .option("--github", "as annotations of GitHub Actions");
  readsRegistry(command).action((options: LintOptions) => {
    const checked = checkWorkspace(io, options);
    const errors = checked.ok ? [] : inReadingOrder(checked.issues);
    const warnings = checked.ok
      ? inReadingOrder([...checked.value.warnings, ...certificateBudget(io, checked.value)])
      : [];
    if (options.json === true) io.out(JSON.stringify({ errors, warnings }, undefined, 2));
    else {
      const line = options.github === true ? annotation : (issue: Issue) => onScreen(io, issue);
      [...errors, ...warnings].map(line).forEach((text) => {
        io.out(text);
      });
      const tenants = checked.ok ? `${counted(allTenants(checked.value).length, "tenant")}, ` : "";
      if (options.github !== true)
        io.out(`${tenants}${counted(errors.length, "error")}, ${counted(warnings.length, "warning")}`);
    }
    if (errors.length > 0 || (options.strict === true && warnings.length > 0)) throw new Silent();
  });
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function onScreen(io: Io, issue: Issue): string {
  const warns = issue.severity === "warning";
  return `${paint(io, warns ? "yellow" : "red", warns ? "warning" : "error")} ${formatIssue(issue)}`;
}

/** A workflow command that GitHub shows beside the line. */
function annotation({ file, line, column, subject, message, severity = "error" }: Issue): string {
  const place = { file, line, col: column };
  const properties = Object.entries(place).flatMap(([name, value]) =>
    value === undefined
      ? []
      : `${name}=${escaped(String(value)).replaceAll(":", "%3A").replaceAll(",", "%2C")}`,
  );
  return `::${severity} ${properties.join(",")}::${escaped(subject === "" ? message : `${subject}: ${message}`)}`;
}

const escaped = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
