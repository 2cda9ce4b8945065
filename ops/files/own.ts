import { sep } from "node:path";

/** What the operations program keeps on a volume beside the tenant's files begins so: no backup or move takes it along. */
export const OWN_PREFIX = ".warehouse-";

/** @param path relative to the folder of the tenant's files */
export const isOwn = (path: string): boolean => path.split(sep)[0]?.startsWith(OWN_PREFIX) === true;
