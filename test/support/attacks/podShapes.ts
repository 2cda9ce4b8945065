import { podSpec } from "./objects.ts";

type Fields = Readonly<Record<string, unknown>>;

const [container] = podSpec.containers;
const pod = (over: Fields): Fields => ({ ...podSpec, ...over });
const security = (over: Fields): Fields => pod({ securityContext: { ...podSpec.securityContext, ...over } });
const main = (over: Fields): Fields => pod({ containers: [{ ...container, ...over }] });
const inMain = (over: Fields): Fields =>
  main({ securityContext: { ...container?.securityContext, ...over } });
const init = (over: Fields): Fields =>
  pod({
    initContainers: [
      { ...container, name: "init", securityContext: { ...container?.securityContext, ...over } },
    ],
  });
const volume = (source: Fields): Fields => pod({ volumes: [{ name: "v", ...source }] });

/** Shapes of pods that Pod Security "restricted" forbids; each is an otherwise good pod with one fault. */
export const podShapes: Readonly<Record<string, Fields>> = {
  "the node's network": pod({ hostNetwork: true }),
  "the node's processes": pod({ hostPID: true }),
  "the node's shared memory": pod({ hostIPC: true }),
  "a privileged container": inMain({ privileged: true, allowPrivilegeEscalation: true }),
  "a privileged init container": init({ privileged: true, allowPrivilegeEscalation: true }),
  "escalation left open": inMain({ allowPrivilegeEscalation: undefined }),
  "escalation allowed": inMain({ allowPrivilegeEscalation: true }),
  "escalation allowed to an init container": init({ allowPrivilegeEscalation: true }),
  "capabilities kept": inMain({ capabilities: undefined }),
  "some capabilities kept": inMain({ capabilities: { drop: ["NET_RAW"] } }),
  "capability SYS_ADMIN": inMain({ capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } }),
  "capability NET_RAW": inMain({ capabilities: { drop: ["ALL"], add: ["NET_RAW"] } }),
  "capability CHOWN": inMain({ capabilities: { drop: ["ALL"], add: ["CHOWN"] } }),
  "capabilities kept by an init container": init({ capabilities: undefined }),
  "root as the pod's user": security({ runAsUser: 0 }),
  "root as a container's user": inMain({ runAsUser: 0 }),
  "root as an init container's user": init({ runAsUser: 0 }),
  "root not ruled out": security({ runAsNonRoot: undefined }),
  "root allowed": security({ runAsNonRoot: false }),
  "root allowed to a container": inMain({ runAsNonRoot: false }),
  "no seccomp profile": security({ seccompProfile: undefined }),
  "an unconfined seccomp profile": security({ seccompProfile: { type: "Unconfined" } }),
  "an unconfined seccomp profile of a container": inMain({ seccompProfile: { type: "Unconfined" } }),
  "an unconfined AppArmor profile": security({ appArmorProfile: { type: "Unconfined" } }),
  "another SELinux type": security({ seLinuxOptions: { type: "spc_t" } }),
  "another SELinux user": security({ seLinuxOptions: { user: "system_u" } }),
  "another SELinux role": inMain({ seLinuxOptions: { role: "system_r" } }),
  "an unsafe kernel parameter": security({ sysctls: [{ name: "kernel.msgmax", value: "1" }] }),
  "an unmasked /proc": pod({
    hostUsers: false,
    containers: [{ ...container, securityContext: { ...container?.securityContext, procMount: "Unmasked" } }],
  }),
  "a port of the node": main({ ports: [{ containerPort: 8080, hostPort: 8080 }] }),
  "a probe of another host": main({ livenessProbe: { httpGet: { host: "169.254.169.254", port: 80 } } }),
  "a hook that calls another host": main({
    lifecycle: { preStop: { httpGet: { host: "10.0.0.1", port: 443 } } },
  }),
  "a folder of the node": volume({ hostPath: { path: "/var/run" } }),
  "an NFS share": volume({ nfs: { server: "10.0.0.1", path: "/" } }),
  "an iSCSI disk": volume({ iscsi: { targetPortal: "10.0.0.1", iqn: "iqn.2026-01.example:a", lun: 0 } }),
  "an AWS disk": volume({ awsElasticBlockStore: { volumeID: "vol-1" } }),
  "a Google disk": volume({ gcePersistentDisk: { pdName: "disk" } }),
  "an Azure share": volume({ azureFile: { secretName: "a", shareName: "b" } }),
  "a Ceph folder": volume({ cephfs: { monitors: ["10.0.0.1"] } }),
  "a Fibre Channel disk": volume({ fc: { wwids: ["a"] } }),
  "a Flex volume": volume({ flexVolume: { driver: "example.com/a" } }),
  "a Gluster volume": volume({ glusterfs: { endpoints: "a", path: "b" } }),
  "a Git repository": volume({ gitRepo: { repository: "https://example.com/a" } }),
};
