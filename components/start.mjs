// Loaded before the program: see `nodeargs` in Pulumi.yaml.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

// Node keeps what it compiled by the content of each file, so that nothing stale runs: in the project's own folder, as
// what others could write there would be executed.
enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "compile"));

// The SDK records a stack trace for every output, which costs more than everything else that the program does. Errors of
// the configuration and the registry say what is wrong without one; `WAREHOUSE_STACKS=1 pulumi up` shows where the
// program failed.
Error.stackTraceLimit = process.env.WAREHOUSE_STACKS === undefined ? 0 : 50;
