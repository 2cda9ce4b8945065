import { PriorityClass } from "@pulumi/kubernetes/scheduling/v1/priorityClass.js";
import type { Resource } from "@pulumi/pulumi";
import { CELL_LABEL, priorityClassName } from "../../registry/naming.ts";
import type { CellConfig } from "./config.ts";

/** Priorities of a cell's pods: what answers requests may displace Jobs, and nothing displaces the cluster's own. */
const CLASSES = [
  {
    use: "serving",
    value: 10_000,
    preemptionPolicy: "PreemptLowerPriority",
    description: "Pods that answer tenants' requests.",
  },
  {
    use: "batch",
    value: 1_000,
    preemptionPolicy: "Never",
    description: "Jobs of tenants: backup, restore, initialisation, moves.",
  },
] as const;

/** The priority classes of a cell, under names of its own. A pod whose class is missing is never created. */
export const createPriorities = ({ cell }: CellConfig, parent: Resource): Resource[] =>
  CLASSES.map(
    ({ use, ...rest }) =>
      new PriorityClass(
        `priority-${use}`,
        {
          ...rest,
          metadata: {
            name: priorityClassName(cell, use),
            labels: { "app.kubernetes.io/managed-by": "pulumi", [CELL_LABEL]: cell },
          },
        },
        { parent },
      ),
  );
