// Writes what is generated from the zod schemas: JSON Schemas for editors and consumers, the reference page. `npm run schemas`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderSchemas } from "./jsonSchemas.ts";

for (const [file, text] of Object.entries(renderSchemas()))
  writeFileSync(join(import.meta.dirname, "..", file), text);
