import { deployCell } from "./components/cell/program.ts";

/** Stack outputs: `tenants` for people and the next run, `billing` for the billing system. */
export const { tenants, billing } = await deployCell(import.meta.dirname);
