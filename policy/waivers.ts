import type { Finding } from "./finding.ts";

/** A finding that stays, and why. */
export interface Waiver {
  readonly tool: string;
  readonly check: string;
  /** Objects it is about. */
  readonly objects: RegExp;
  readonly reason: string;
}

/** Every finding of the tools that is not mended. One that nothing matches any more is itself an error. */
export const WAIVERS: readonly Waiver[] = [
  {
    tool: "checkov",
    check: "CKV_K8S_40",
    objects: /./,
    reason:
      "The application's image is built for uid 1000. Volumes hold files of that owner, and user namespaces keep it apart from the node's users where the cluster has them.",
  },
  {
    tool: "kube-score",
    check: "container-security-context-user-group-id",
    objects: /./,
    reason: "As CKV_K8S_40: uid and gid 1000 are the image's.",
  },
  {
    tool: "checkov",
    check: "CKV_K8S_35",
    objects: /./,
    reason:
      "The application reads DATABASE_URL from its environment (the founding plan's contract), and the operations program its login. Pooled tenants' credentials are files.",
  },
  {
    tool: "kube-score",
    check: "container-image-pull-policy",
    objects: /./,
    reason:
      "Every image is named by its digest, which an admission policy demands: a cached image cannot be another one. Pulling always would make each start depend on the registry.",
  },
  {
    tool: "kube-score",
    check: "networkpolicy-targets-pod",
    objects: /^NetworkPolicy \S+\/warehouse-solver$/,
    reason: "Its pods are cert-manager's, which come and go while a host proves itself.",
  },
  {
    tool: "kube-score",
    check: "deployment-replicas",
    objects: /^Deployment \S+\/warehouse-(?:maintenance|payment-required)$/,
    reason: "What stands in for a suspended tenant may be away for the seconds of a restart.",
  },
  {
    tool: "kube-score",
    check: "deployment-replicas",
    objects: /^Deployment warehouse-ops\/warehouse-metrics$/,
    reason: "Two exporters would report each backup twice; an alert tells of one that stays away.",
  },
  {
    tool: "kube-score",
    check: "deployment-has-host-podantiaffinity",
    objects: /^Deployment \S+\/warehouse-app$/,
    reason: "Topology spread constraints over nodes and zones do the same, for more than two replicas too.",
  },
];

/** Findings that no waiver covers, and waivers that cover nothing, as findings of their own. */
export function unwaived(findings: readonly Finding[], waivers: readonly Waiver[] = WAIVERS): Finding[] {
  const covers = (waiver: Waiver, { tool, check, object }: Finding): boolean =>
    waiver.tool === tool && waiver.check === check && waiver.objects.test(object);
  return [
    ...findings.filter((finding) => !waivers.some((waiver) => covers(waiver, finding))),
    ...waivers
      .filter((waiver) => !findings.some((finding) => covers(waiver, finding)))
      .map(({ tool, check }) => ({
        tool,
        check,
        object: "policy/waivers.ts",
        message: "this waiver covers nothing any more; remove it",
      })),
  ];
}
