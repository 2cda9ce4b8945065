#!/usr/bin/env node
// The `tenant` command of a checkout: plain JavaScript for any Node, because run.mjs is what finds one that runs the rest.
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

process.argv.splice(2, 0, join(dirname(fileURLToPath(import.meta.url)), "main.ts"));
await import("../scripts/run.mjs");
