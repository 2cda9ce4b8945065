import type { CheckFailure, Handler } from "../base/spec.ts";
import { type Props, UNKNOWN } from "../base/wire.ts";
import { diffShape, flag, type Op, type Shape, text, texts } from "./inputs.ts";
import type { Server } from "./server.ts";

/** Privileges of each type of object, as the vendor lists them. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  database: ["CREATE", "CONNECT", "TEMPORARY"],
  table: ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"],
  sequence: ["USAGE", "SELECT", "UPDATE"],
  schema: ["CREATE", "USAGE"],
  function: ["EXECUTE"],
  procedure: ["EXECUTE"],
  routine: ["EXECUTE"],
  type: ["USAGE"],
  foreign_data_wrapper: ["USAGE"],
  foreign_server: ["USAGE"],
  column: ["SELECT", "INSERT", "UPDATE", "REFERENCES"],
};

export const allowedPrivileges = (objectType: string): readonly string[] => ALLOWED[objectType] ?? [];

/** What is wrong with `objectType` and `privileges`. */
export function privilegeFailures(inputs: Props, objectTypes: readonly string[]): readonly CheckFailure[] {
  const objectType = text(inputs.objectType);
  if (objectType === undefined || inputs.privileges === UNKNOWN) return [];
  if (!objectTypes.includes(objectType)) {
    return [{ property: "objectType", reason: `objectType must be one of ${objectTypes.join(", ")}` }];
  }
  return texts(inputs.privileges)
    .filter((privilege) => privilege !== "ALL" && !allowedPrivileges(objectType).includes(privilege))
    .map((privilege) => ({
      property: "privileges",
      reason: `${privilege} is not an allowed privilege for object type ${objectType}`,
    }));
}

/** Whether what is granted is what is wanted; ALL stands for every privilege of the type. */
export function samePrivileges(
  objectType: string,
  wanted: readonly string[],
  granted: readonly string[],
): boolean {
  const expected = new Set(wanted.includes("ALL") ? allowedPrivileges(objectType) : wanted);
  const actual = new Set(granted.filter((privilege) => allowedPrivileges(objectType).includes(privilege)));
  return expected.size === actual.size && [...expected].every((privilege) => actual.has(privilege));
}

/** Outputs of a resource that grants privileges. */
export const grantedState = (inputs: Props): Props => ({
  ...inputs,
  withGrantOption: flag(inputs.withGrantOption),
});

/** What all resources that grant privileges do alike: granting can be repeated, so an update is another creation. */
export function granting<Wanted>(
  shape: Shape,
  wantedOf: (inputs: Props) => Wanted,
  idOf: (wanted: Wanted) => string,
  apply: (op: Op, wanted: Wanted, privileges: boolean) => Promise<void>,
): Required<Pick<Handler<Server>, "diff" | "create" | "update">> {
  return {
    diff: (_op, _id, olds, news) => diffShape(shape, olds, news),
    create: async (op, inputs) => {
      if (op.preview) return { id: "", state: grantedState(inputs) };
      const wanted = wantedOf(inputs);
      await apply(op, wanted, true);
      return { id: idOf(wanted), state: grantedState(inputs) };
    },
    update: async (op, _id, _olds, news) => {
      if (!op.preview) await apply(op, wantedOf(news), true);
      return grantedState(news);
    },
  };
}
