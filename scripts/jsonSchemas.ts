import { z } from "zod";
import { billingSchema } from "../billing/contract.ts";
import { catalogueSchema } from "../registry/catalogue.ts";
import { registrySchema, tenantFileSchema } from "../registry/schema.ts";
import { renderReference } from "./reference.ts";

/** The committed files that are generated from the one source of the types, file → text: draft-07 JSON Schemas and the reference. */
export function renderSchemas(): Record<string, string> {
  const render = (schema: z.ZodType, io: "input" | "output"): string =>
    `${JSON.stringify(z.toJSONSchema(schema, { target: "draft-7", io }), undefined, 2)}\n`;
  return {
    "tenants/tenants.schema.json": render(registrySchema, "input"),
    "tenants/tenant.schema.json": render(tenantFileSchema, "input"),
    "tenants/plans.schema.json": render(catalogueSchema, "input"),
    "billing/billing.schema.json": render(billingSchema, "output"),
    "docs/reference/registry.md": renderReference(),
  };
}
