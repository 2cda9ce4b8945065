import { ValidatingAdmissionPolicy } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicy.js";
import { ValidatingAdmissionPolicyBinding } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicyBinding.js";
import type { Resource } from "@pulumi/pulumi";
import { CELL_LABEL, policyName } from "../../registry/naming.ts";
import { certificateRequests, certificates, gatewayRoutes, ingresses } from "./admission/hosts.ts";
import { namespaces } from "./admission/namespaces.ts";
import type { AdmissionPolicy } from "./admission/policy.ts";
import { endpoints, pods, services } from "./admission/workloads.ts";
import type { CellConfig } from "./config.ts";

/** Everything that the API server refuses in the namespaces of a cell, whoever asks. */
export const admissionPolicies = ({ baseDomain, edge, network }: CellConfig): readonly AdmissionPolicy[] => [
  ingresses,
  gatewayRoutes,
  certificates,
  certificateRequests(network.certManagerNamespace),
  services,
  endpoints,
  pods({ edge, network }),
  namespaces(baseDomain),
];

/**
 * An update that leaves all of this as it was is let through: controllers take finalizers off objects and write their
 * status, and must be able to when the rules or the tenant's hosts have changed since.
 */
const CHANGES = {
  name: "changes",
  expression: `request.operation != "UPDATE" || ${["spec", "metadata.?labels", "metadata.?annotations"]
    .map((path) => `object.?${path} != oldObject.?${path}`)
    .join(" || ")}`,
};

/** The policies of a cell, each with the binding that puts it in force. Names and bindings are the cell's own. */
export function createAdmission(cell: CellConfig, parent: Resource): Resource[] {
  const matchLabels = { [CELL_LABEL]: cell.cell };
  return admissionPolicies(cell).map((policy) => {
    const { subject, matches, variables = [], validations } = policy;
    const { operations = ["CREATE", "UPDATE"], ignoresStatus = true } = policy;
    const isNamespaces = subject === "namespaces";
    const metadata = {
      name: policyName(cell.cell, subject),
      labels: { "app.kubernetes.io/managed-by": "pulumi", ...matchLabels },
    };
    const created = new ValidatingAdmissionPolicy(
      `admission-${subject}`,
      {
        metadata,
        spec: {
          failurePolicy: "Fail",
          matchConstraints: {
            resourceRules: matches.map(({ group, version = "v1", resources }) => ({
              apiGroups: [group],
              apiVersions: [version],
              resources: [...resources],
              operations: [...operations],
            })),
          },
          ...(ignoresStatus ? { matchConditions: [CHANGES] } : {}),
          variables: [...variables],
          validations: [...validations],
        },
      },
      { parent },
    );
    return new ValidatingAdmissionPolicyBinding(
      `admission-${subject}-binding`,
      {
        metadata,
        spec: {
          policyName: created.metadata.name,
          validationActions: ["Deny"],
          // A namespace that loses the label is matched by what it was; everything else by the namespace it is in.
          matchResources: isNamespaces
            ? { objectSelector: { matchLabels } }
            : { namespaceSelector: { matchLabels } },
        },
      },
      { parent },
    );
  });
}
