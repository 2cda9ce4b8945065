// The policy pack: `pulumi preview --policy-pack policy/pack`. Plain JavaScript, because the SDK's runner would compile
// an entry point in TypeScript; Node runs what it imports as it is.
import { join } from "node:path";
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./policies.ts";

new PolicyPack("warehouse", { policies: policies(join(import.meta.dirname, "..", "..")) });
