import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { formatIssue, inReadingOrder } from "../registry/issues.ts";
import { checkRegistry, type LoadedRegistry, type RegisteredTenant } from "../registry/load.ts";
import { forbiddenChanges } from "../registry/transitions.ts";
import { tenantSchema } from "../registry/tenantSchema.ts";
import { replaceFile } from "./atomicWrite.ts";
import { Refusal, refusedChange, UsageError } from "./failures.ts";
import { paint, type Io } from "./io.ts";
import { unifiedDiff } from "./lineDiff.ts";
import type { RegistryOptions, Workspace } from "./workspace.ts";
import { EditError, YamlEditor } from "./yaml/editor.ts";
import type { Plain } from "./yaml/render.ts";

const FIELDS = Object.keys(tenantSchema.shape);

/** Options of every command that writes. */
export interface WriteOptions extends RegistryOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** One edit of one file. */
export interface Change {
  readonly file: string;
  /** The file as it will be. */
  readonly text: string;
  /** A question to ask first, where the change stops or risks something. */
  readonly danger?: string | undefined;
  /** What the change does, in a line. */
  readonly summary: string;
  /** What to know before saying yes: lines below the summary, of the registry as it will be. */
  readonly details?: (after: LoadedRegistry) => readonly string[];
}

/** Checks a change, asks where it is dangerous and writes it; nothing is written unless everything is in order. */
export async function makeChange(
  io: Io,
  workspace: Workspace,
  change: Change,
  options: WriteOptions,
): Promise<void> {
  const { file, text } = change;
  const before = workspace.texts.get(file);
  if (before === text) throw new Refusal(`${file} says so already; nothing was written`);
  const checked = checkRegistry(new Map([...workspace.texts, [file, text]]), workspace.context);
  if (!checked.ok) throw refusedChange(checked.issues);
  const forbidden = forbiddenChanges(workspace.registry, checked.value);
  if (forbidden.length > 0) throw refusedChange(forbidden);

  const told = [change.summary, ...(change.details?.(checked.value) ?? []).map((line) => `  ${line}`)];
  const diff = unifiedDiff(file, before, text).map((line) => painted(io, line));
  const asks = change.danger !== undefined && options.yes !== true;
  if (options.dryRun === true) {
    // The output has the change alone.
    [`dry run, nothing is written: ${change.summary}`, ...told.slice(1)].forEach(io.err);
    diff.forEach(io.out);
    warn(io, workspace.registry, checked.value);
    return;
  }
  if (asks) {
    if (io.ask === undefined)
      throw new UsageError("this needs a confirmation: --yes gives it, --dry-run shows the change");
    [...told, ...diff].forEach(io.err);
    if (!(await io.ask(change.danger ?? ""))) throw new Refusal("nothing was written");
  }
  replaceFile(join(io.projectDir, file), before, text);
  (asks ? [`${file} is written`] : [...told, `${file} is written`]).forEach(io.out);
  warn(io, workspace.registry, checked.value);
}

/** The change of one tenant's entry. Paths given to `edit` are below the entry. */
export const editTenant = (
  workspace: Workspace,
  tenant: RegisteredTenant,
  edit: (entry: EntryEditor) => void,
): Pick<Change, "file" | "text"> =>
  editFile(workspace, tenant.file, (editor) => {
    edit(entryEditor(editor, tenant));
  });

/** The change of some entries of one file. */
export const editTenants = (
  workspace: Workspace,
  file: string,
  tenants: readonly RegisteredTenant[],
  edit: (entry: EntryEditor, tenant: RegisteredTenant) => void,
): Pick<Change, "file" | "text"> =>
  editFile(workspace, file, (editor) => {
    for (const tenant of tenants) edit(entryEditor(editor, tenant), tenant);
  });

function entryEditor(editor: YamlEditor, tenant: RegisteredTenant): EntryEditor {
  const path = tenant.path.map((key) => (typeof key === "number" ? key : String(key)));
  return {
    set: (field, value) => {
      editor.set([...path, ...field], value, fieldsBefore(field));
    },
    remove: (field) => {
      editor.remove([...path, ...field]);
    },
    append: (field, item) => {
      editor.append([...path, ...field], item, fieldsBefore(field));
    },
  };
}

/** The fields that come before one in the order of the schema, which a new field follows. */
const fieldsBefore = ([field, ...below]: readonly (string | number)[]): string[] =>
  below.length > 0 ? [] : FIELDS.slice(0, Math.max(0, FIELDS.indexOf(String(field))));

export interface EntryEditor {
  readonly set: (path: readonly (string | number)[], value: Plain) => void;
  readonly remove: (path: readonly (string | number)[]) => void;
  readonly append: (path: readonly (string | number)[], item: Plain) => void;
}

export function editFile(
  { texts }: Workspace,
  file: string,
  edit: (editor: YamlEditor) => void,
): Pick<Change, "file" | "text"> {
  const editor = new YamlEditor(file, texts.get(file) ?? "");
  try {
    edit(editor);
    return { file, text: editor.finish() };
  } catch (error) {
    throw error instanceof EditError ? new Refusal(`${error.message}; nothing was written`) : error;
  }
}

/** The warnings that a change brought about. */
function warn(io: Io, before: LoadedRegistry, after: LoadedRegistry): void {
  const known = before.warnings.map(({ subject, message }) => ({ subject, message }));
  const fresh = after.warnings.filter(
    ({ subject, message }) => !known.some((other) => isDeepStrictEqual(other, { subject, message })),
  );
  for (const issue of inReadingOrder(fresh))
    io.err(`${paint(io, "yellow", "warning:")} ${formatIssue(issue)}`);
}

function painted(io: Io, line: string): string {
  if (line.startsWith("+")) return paint(io, "green", line);
  return line.startsWith("-") ? paint(io, "red", line) : line;
}
