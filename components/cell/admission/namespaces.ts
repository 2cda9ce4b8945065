import {
  ALLOW_DELETE,
  CELL_LABEL,
  HOSTS_PREFIX,
  POOL_LABEL,
  TENANT_LABEL,
} from "../../../registry/naming.ts";
import { cel, type AdmissionPolicy } from "./policy.ts";

const ENFORCE = "pod-security.kubernetes.io/enforce";
const HOST = "^([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])+[a-z0-9-]+$";

/**
 * The cell's namespaces stay what they were made as, since everything else is decided by them: whose they are, which
 * hosts they may claim, what their pods may be. They are deleted only after a mark that the lifecycle sets.
 */
export const namespaces = (baseDomain: string): AdmissionPolicy => ({
  subject: "namespaces",
  matches: [{ group: "", resources: ["namespaces"] }],
  operations: ["CREATE", "UPDATE", "DELETE"],
  ignoresStatus: false,
  variables: [
    { name: "deleted", expression: 'request.operation == "DELETE"' },
    { name: "created", expression: 'request.operation == "CREATE"' },
    {
      name: "labels",
      expression: "variables.deleted ? {} : object.metadata.?labels.orValue({})",
    },
    {
      name: "annotations",
      expression: "(variables.deleted ? oldObject : object).metadata.?annotations.orValue({})",
    },
    {
      name: "oldLabels",
      expression: "variables.created ? {} : oldObject.metadata.?labels.orValue({})",
    },
    {
      name: "oldAnnotations",
      expression: "variables.created ? {} : oldObject.metadata.?annotations.orValue({})",
    },
    { name: "tenant", expression: `variables.annotations[?${cel(TENANT_LABEL)}].orValue("")` },
    {
      name: "claims",
      expression: `variables.deleted ? [] : variables.annotations.filter(key, key.startsWith(${cel(HOSTS_PREFIX)}))`,
    },
  ],
  validations: [
    {
      expression: `!variables.deleted || variables.annotations[?${cel(ALLOW_DELETE)}].orValue("") == (variables.tenant == "" ? oldObject.metadata.name : variables.tenant)`,
      messageExpression: `"is protected: everything in it would go. Its annotation ${ALLOW_DELETE} must be " + (variables.tenant == "" ? oldObject.metadata.name : variables.tenant)`,
    },
    {
      expression:
        `variables.deleted || ([${[CELL_LABEL, TENANT_LABEL, POOL_LABEL].map(cel).join(", ")}].all(key, !(key in variables.oldLabels) || variables.labels[?key].orValue("") == variables.oldLabels[key]) && ` +
        `(!(${cel(TENANT_LABEL)} in variables.oldAnnotations) || variables.tenant == variables.oldAnnotations[${cel(TENANT_LABEL)}]))`,
      message: "whose a namespace is cannot change",
    },
    {
      expression: `variables.deleted || (variables.labels[?${cel(ENFORCE)}].orValue("") == "restricted" && variables.labels[?${cel(`${ENFORCE}-version`)}].orValue("latest") == "latest")`,
      message: `${ENFORCE} must be "restricted"`,
    },
    {
      expression:
        `variables.claims.all(key, (variables.tenant == "" || key == ${cel(HOSTS_PREFIX)} + variables.tenant) && variables.annotations[key].split(",").all(host, ` +
        `host.matches(${cel(HOST)}) && (host == key.substring(${HOSTS_PREFIX.length}) + ${cel(`.${baseDomain}`)} || (host != ${cel(baseDomain)} && !host.endsWith(${cel(`.${baseDomain}`)})))))`,
      message: `a tenant may claim its own name below ${baseDomain}, and hosts of other domains, without wildcards`,
    },
  ],
});
