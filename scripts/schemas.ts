// Writes the JSON Schemas that editors and consumers use, from the zod schemas: `npm run schemas`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderSchemas } from "./jsonSchemas.ts";

for (const [file, text] of Object.entries(renderSchemas()))
  writeFileSync(join(import.meta.dirname, "..", file), text);
