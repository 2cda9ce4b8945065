import { z } from "zod";
import { billingSchema } from "../billing/contract.ts";
import { catalogueSchema } from "../registry/catalogue.ts";
import { registrySchema, tenantFileSchema } from "../registry/schema.ts";
import { renderReference } from "./reference.ts";

/** The committed files that are generated from the one source of the types, file → text: draft-07 JSON Schemas and the reference. */
export function renderSchemas(): Record<string, string> {
  const render = (schema: z.ZodType): string =>
    `${JSON.stringify(z.toJSONSchema(schema, { target: "draft-7", io: "input" }), undefined, 2)}\n`;
  return {
    "tenants/tenants.schema.json": render(registrySchema),
    "tenants/tenant.schema.json": render(tenantFileSchema),
    "tenants/plans.schema.json": render(catalogueSchema),
    // As input: consumers let fields pass that they do not know.
    "billing/billing.schema.json": render(billingSchema),
    "docs/reference/registry.md": renderReference(),
  };
}
