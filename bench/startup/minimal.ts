// Registers what another program registered, one after the other and with nothing to work out.
import { ComponentResource, CustomResource, ProviderResource } from "@pulumi/pulumi";
import { readFileSync } from "node:fs";
import type { Registered } from "./monitor.ts";

class Provider extends ProviderResource {}
class Custom extends CustomResource {}

const file = process.env["BENCH_RESOURCES"] ?? "";
for (const { type, name, custom, inputs } of JSON.parse(readFileSync(file, "utf8")) as Registered[]) {
  const provider = /^pulumi:providers:(.+)$/.exec(type)?.[1];
  if (provider !== undefined) new Provider(provider, name, inputs);
  else if (custom) new Custom(type, name, inputs);
  else new ComponentResource(type, name, inputs);
}
