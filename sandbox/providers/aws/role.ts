import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { diffProps, equal } from "../base/diff.ts";
import type { Handler } from "../base/spec.ts";
import { type Props, UNKNOWN, type Value } from "../base/wire.ts";
import { attempt, autoname, text, unlessMissing } from "./calls.ts";
import type { Aws } from "./provider.ts";

/** A role's inputs, of which the stand-in takes these alone. */
const ROLE_INPUTS = ["name", "path", "assumeRolePolicy"];

/** A document as it is written in the program, where IAM's says the same. */
function sameDocument(known: Value | undefined, live = ""): string {
  const found = decodeURIComponent(live);
  const same = typeof known === "string" && equal(JSON.parse(known) as Value, JSON.parse(found) as Value);
  return same ? known : found;
}

const named = (name: string, news: Props, olds: Props | undefined): Props =>
  news.name === undefined ? { ...news, name: olds?.name ?? autoname(name) } : news;

export const role: Handler<Aws> = {
  check: (op, news, olds) => ({
    inputs: named(op.name, news, olds),
    failures: Object.keys(news)
      .filter((key) => !ROLE_INPUTS.includes(key) && !key.startsWith("__"))
      .map((property) => ({ property, reason: "is not known to the stand-in aws provider" })),
  }),
  diff: (_op, _id, olds, news) => diffProps(olds.inputs, news, ["name", "path"]),
  create: async (op, inputs) => {
    if (op.preview) return { id: "", state: { ...inputs, arn: UNKNOWN } };
    const { name, path, assumeRolePolicy } = inputs;
    const RoleName = text(name) ?? "";
    const { Role } = await attempt(`create role ${RoleName}`, () =>
      op.client.iam.send(
        new CreateRoleCommand({
          RoleName,
          Path: text(path) ?? "/",
          AssumeRolePolicyDocument: text(assumeRolePolicy),
        }),
      ),
    );
    return { id: RoleName, state: { ...inputs, arn: Role?.Arn ?? "" } };
  },
  read: (op, id, olds) =>
    attempt(`read role ${id}`, async () => {
      const answer = await unlessMissing(() => op.client.iam.send(new GetRoleCommand({ RoleName: id })));
      if (answer?.Role === undefined) return undefined;
      const { Path = "/", Arn = "", AssumeRolePolicyDocument } = answer.Role;
      const assumeRolePolicy = sameDocument(olds.inputs?.assumeRolePolicy, AssumeRolePolicyDocument);
      const inputs = { ...olds.inputs, name: id, path: Path, assumeRolePolicy };
      return { id, inputs, state: { ...inputs, arn: Arn } };
    }),
  update: async (op, id, olds, news) => {
    if (!op.preview) {
      const PolicyDocument = text(news.assumeRolePolicy);
      await attempt(`update role ${id}`, () =>
        op.client.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: id, PolicyDocument })),
      );
    }
    return { ...olds.state, ...news };
  },
  delete: (op, id) =>
    attempt(`delete role ${id}`, async () => {
      await unlessMissing(() => op.client.iam.send(new DeleteRoleCommand({ RoleName: id })));
    }),
};

/** Ids are `role:name`. */
const placeOf = (id: string): { readonly RoleName: string; readonly PolicyName: string } => {
  const [RoleName = "", PolicyName = ""] = id.split(":");
  return { RoleName, PolicyName };
};

const putPolicy = ({ iam }: Aws, id: string, inputs: Props): Promise<unknown> =>
  attempt(`write policy ${id}`, () =>
    iam.send(new PutRolePolicyCommand({ ...placeOf(id), PolicyDocument: text(inputs.policy) })),
  );

export const rolePolicy: Handler<Aws> = {
  check: (op, news, olds) => ({ inputs: named(op.name, news, olds) }),
  diff: (_op, _id, olds, news) => diffProps(olds.inputs, news, ["name", "role"]),
  create: async (op, inputs) => {
    if (op.preview) return { id: "", state: inputs };
    const id = `${text(inputs.role) ?? ""}:${text(inputs.name) ?? ""}`;
    await putPolicy(op.client, id, inputs);
    return { id, state: inputs };
  },
  read: (op, id, olds) =>
    attempt(`read policy ${id}`, async () => {
      const place = placeOf(id);
      const answer = await unlessMissing(() => op.client.iam.send(new GetRolePolicyCommand(place)));
      if (answer === undefined) return undefined;
      const policy = sameDocument(olds.inputs?.policy, answer.PolicyDocument);
      const inputs = { ...olds.inputs, role: place.RoleName, name: place.PolicyName, policy };
      return { id, inputs, state: inputs };
    }),
  update: async (op, id, olds, news) => {
    if (!op.preview) await putPolicy(op.client, id, news);
    return { ...olds.state, ...news };
  },
  delete: (op, id) =>
    attempt(`delete policy ${id}`, async () => {
      await unlessMissing(() => op.client.iam.send(new DeleteRolePolicyCommand(placeOf(id))));
    }),
};
