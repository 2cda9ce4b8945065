// Writes what is generated from the code: JSON Schemas for editors and consumers, the reference pages. `npm run schemas`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { REFERENCE_FILE, renderReference } from "../cli/reference.ts";
import { renderSchemas } from "./jsonSchemas.ts";
import { OPS_REFERENCE_FILE, renderOpsReference } from "./opsReference.ts";
import { renderResources, RESOURCES_FILE } from "./resourceCount.ts";
import { renderSettings, SETTINGS_REFERENCE_FILE } from "./settingsReference.ts";

const generated = {
  ...renderSchemas(),
  [REFERENCE_FILE]: renderReference(),
  [OPS_REFERENCE_FILE]: renderOpsReference(),
  [SETTINGS_REFERENCE_FILE]: renderSettings(),
  [RESOURCES_FILE]: await renderResources(),
};
for (const [file, text] of Object.entries(generated))
  writeFileSync(join(import.meta.dirname, "..", file), text);
