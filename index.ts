import { deployCell } from "./components/cell/program.ts";

/** Stack outputs: `tenants` and `pools` for people and the next run, `billing` for the billing system. */
export const { tenants, pools, billing } = await deployCell(import.meta.dirname);
