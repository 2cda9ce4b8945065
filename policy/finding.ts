/** What a check has to say of an object. */
export interface Finding {
  /** What found it, e.g. kube-score. */
  readonly tool: string;
  /** Name of the check, e.g. deployment-replicas. */
  readonly check: string;
  /** The object: kind namespace/name. */
  readonly object: string;
  readonly message: string;
}

/** Names an object the same way whatever found something in it. */
export const objectName = (kind: string, namespace: string | undefined, name: string): string =>
  `${kind} ${namespace === undefined || namespace === "" ? name : `${namespace}/${name}`}`;

export const formatFinding = ({ tool, check, object, message }: Finding): string =>
  `${object}: ${message} (${tool} ${check})`;
