import { readPreview, type Diagnostic } from "../../review/preview.ts";
import { problemText } from "../../review/review.ts";
import { Refusal } from "../failures.ts";
import type { ArrivalsNote } from "./note.ts";
import { settlePendingCreates } from "./pending.ts";
import { pulumi, type StackPlace } from "../pulumi.ts";
import { exportStack, importStack, refresh } from "./state.ts";
import { enterUnsaved, type PlannedStep } from "./unsaved.ts";

const messageOf = (error: unknown): string => (error as Error).message;

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
    await importStack(place, before).catch((another: unknown) => {
      throw new Refusal(
        `${messageOf(error)}\nand the state of before could not be restored: ${messageOf(another)}`,
      );
    });
    throw error;
  }
}

/**
 * Takes over what was made for the tenants that are noted as brought by a run that may have been killed before it wrote the
 * state: it is entered into the state, and looked for. Does nothing where none are noted.
 * @param planOf the plan that a tenant of the cell is to have; undefined where the registry has no such tenant
 * @returns ids of those that stay noted: they are not in the registry, so that nobody can tell what was made for them, or
 * not all could be planned
 * @throws Refusal if a tenant is to have another plan by now, the program fails, or the stack is locked, as by that run while
 * it is under way
 */
export async function takeOverUnsaved(
  { log, ...place }: RecoverOptions,
  note: ArrivalsNote,
  planOf: (id: string) => string | undefined,
): Promise<readonly string[]> {
  if ((await note.read()).tenants.length === 0) return [];
  const { steps, errors } = await stepsOf(place);
  // A run that was under way may have ended meanwhile.
  const { tenants: noted, keys } = await note.read();
  if (noted.length === 0) return [];
  const other = noted.filter(({ id, plan }) => ![plan, undefined].includes(planOf(id)));
  if (other.length > 0)
    throw new Refusal(
      other
        .map(
          ({ id, plan }) =>
            `a run was killed that brought ${id} with plan ${plan}: write that plan again, deploy it, and change it then`,
        )
        .join("\n"),
    );
  const [present, gone] = [
    noted.filter(({ id }) => planOf(id) !== undefined),
    noted.filter(({ id }) => planOf(id) === undefined),
  ];
  if (errors.length > 0 && present.length === 0) throw new Refusal(errors.map(problemText).join("\n"));
  const exported = await exportStack(place);
  const { stack, isChanged, unsure } = enterUnsaved(exported, steps, new Set(present.map(({ id }) => id)));
  if (isChanged) await importStack(place, stack);
  await refresh(place, unsure);
  const left = errors.length > 0 ? noted : gone;
  if (left.length < noted.length) await note.write(left, keys);
  if (isChanged) {
    const tenants = noted.length === 1 ? "a tenant" : `${noted.length} tenants`;
    log(`the run that brought ${tenants} was killed: took over what it had made`);
  }
  for (const { id } of gone)
    log(
      `${id} is not in the registry: what was made for it is left; put it back, deploy, and take it out again`,
    );
  return left.map(({ id }) => id);
}

/** Lets a preview go on where an object exists already, or fields of it are somebody else's: nothing is changed by it. */
const ALL_IS_TO_BE_PLANNED = {
  PULUMI_K8S_UPSERT_EXISTING_OBJECTS: "true",
  PULUMI_K8S_ENABLE_PATCH_FORCE: "true",
};

/** What the next run would do, as far as it can be told. */
async function stepsOf(
  place: StackPlace,
): Promise<{ readonly steps: readonly PlannedStep[]; readonly errors: readonly Diagnostic[] }> {
  const digest = await pulumi(place, ["preview", "--json"], ALL_IS_TO_BE_PLANNED).catch((error: unknown) => {
    const { message, cause } = error as Refusal;
    // What goes wrong before the engine starts is not in what it prints.
    return (cause as string).trim() === "" ? Promise.reject(new Refusal(message)) : (cause as string);
  });
  const { errors } = readPreview(digest, place.stack);
  if (!digest.trimStart().startsWith("{")) throw new Refusal(errors.map(problemText).join("\n"));
  return { steps: (JSON.parse(digest) as { readonly steps?: readonly PlannedStep[] }).steps ?? [], errors };
}
