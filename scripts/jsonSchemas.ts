import { z } from "zod";
import { billingSchema } from "../billing/contract.ts";
import { catalogueSchema } from "../registry/catalogue.ts";
import { registrySchema } from "../registry/schema.ts";

/** The committed JSON Schemas (draft-07), file → text, generated from the one source of the types. */
export function renderSchemas(): Record<string, string> {
  const render = (schema: z.ZodType, io: "input" | "output"): string =>
    `${JSON.stringify(z.toJSONSchema(schema, { target: "draft-7", io }), undefined, 2)}\n`;
  return {
    "tenants/tenants.schema.json": render(registrySchema, "input"),
    "tenants/plans.schema.json": render(catalogueSchema, "input"),
    "billing/billing.schema.json": render(billingSchema, "output"),
  };
}
