import { readPreview, type Diagnostic } from "../../review/preview.ts";
import { problemText } from "../../review/review.ts";
import { Refusal } from "../failures.ts";
import type { ArrivalsNote } from "./note.ts";
import { settlePendingCreates } from "./pending.ts";
import { exportStack, importStack, pulumi, refresh, type StackPlace } from "./state.ts";
import { enterUnsaved, tenantOfStack, type PlannedStep } from "./unsaved.ts";

export interface RecoverOptions extends StackPlace {
  readonly log: (line: string) => void;
}

/**
 * Settles the creations that a killed run had begun. Each is entered into the state under the id that its inputs
 * determine, and looked for: what exists is adopted, what does not is dropped, and the next `up` completes it. Does
 * nothing on a stack without open creations.
 */
export async function settlePending({ log, ...place }: RecoverOptions): Promise<void> {
  const before = await exportStack(place);
  const { stack, adopted, dropped } = settlePendingCreates(before);
  if (adopted.length + dropped.length === 0) return;
  log(`the last run was killed: settling ${adopted.length + dropped.length} creations that it had begun`);
  await importStack(place, stack);
  try {
    await refresh(place, adopted);
  } catch (error) {
    // As they are pending again, the next try finds them.
    await importStack(place, before);
    throw error;
  }
}

/**
 * Takes over the roles and databases of the tenants that are noted as brought by a run that may have been killed before
 * it wrote the state; all else of them may be made twice. Does nothing where none are noted.
 * @returns ids of those that stay noted: they are not in the registry, so that nobody can tell what was made for them, or
 * not all could be planned
 * @throws Refusal if the program fails, or the stack is locked, as by that run while it is under way
 */
export async function takeOverUnsaved(
  { log, ...place }: RecoverOptions,
  note: ArrivalsNote,
): Promise<readonly string[]> {
  if ((await note.read()).length === 0) return [];
  const { steps, errors } = await planOf(place);
  // A run that was under way may have ended meanwhile.
  const noted = await note.read();
  if (noted.length === 0) return [];
  const exported = await exportStack(place);
  // What stays as it is is no step.
  const states = [...(exported.deployment.resources ?? []), ...steps.filter(({ op }) => op !== "delete")];
  const deleted = new Set(steps.flatMap(({ op, urn }) => (op === "delete" ? [urn] : [])));
  const remaining = states.filter(({ urn }) => !deleted.has(urn)).map(({ urn }) => tenantOfStack(urn));
  const gone = noted.filter((id) => !remaining.includes(id));
  if (errors.length > 0 && gone.length === noted.length)
    throw new Refusal(errors.map(problemText).join("\n"));
  const { stack, isChanged, unsure } = enterUnsaved(exported, steps, new Set(noted));
  if (isChanged) await importStack(place, stack);
  await refresh(place, unsure);
  const left = errors.length > 0 ? noted : gone;
  await note.write(left);
  if (unsure.length > 0) {
    const tenants = noted.length === 1 ? "a tenant" : `${noted.length} tenants`;
    log(`the run that brought ${tenants} was killed: took over what it had made`);
  }
  if (errors.length === 0)
    for (const id of gone)
      log(
        `${id} is not in the registry: what was made for it is left; put it back, deploy, and take it out again`,
      );
  return left;
}

/** What the next run would do, as far as it can be told. */
async function planOf(
  place: StackPlace,
): Promise<{ readonly steps: readonly PlannedStep[]; readonly errors: readonly Diagnostic[] }> {
  const digest = await pulumi(place, ["preview", "--json"]).catch((error: unknown) => {
    const { message, cause } = error as Refusal;
    // What goes wrong before the engine starts is not in what it prints.
    return (cause as string).trim() === "" ? Promise.reject(new Refusal(message)) : (cause as string);
  });
  const { errors } = readPreview(digest, place.stack);
  if (!digest.trimStart().startsWith("{")) throw new Refusal(errors.map(problemText).join("\n"));
  return { steps: (JSON.parse(digest) as { readonly steps?: readonly PlannedStep[] }).steps ?? [], errors };
}
