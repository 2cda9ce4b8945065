import type { Input, Output, Resource } from "@pulumi/pulumi";
import type { Placement, PlanName } from "../registry/catalogue.ts";
import { appLabels, INIT, initJobOf, maintenanceLabels, siloLabels } from "../registry/naming.ts";
import { hasOwnDatabase } from "../registry/placement.ts";
import type { Release, TenantSpec } from "../registry/spec.ts";
import {
  createApplication,
  createService,
  scratchMounts,
  uploadsMounts,
  type Mounts,
} from "./application.ts";
import { applicationLogin } from "./applicationLogin.ts";
import { createJob, loginEnv } from "./job.ts";
import type { LoginRef } from "./login.ts";
import { createMaintenance } from "./maintenance.ts";
import type { TenantScope } from "./scope.ts";

/** Features, theme and integrations, as the application reads them: from its environment, or a pool's directory. */
export function features({ plan, features, branding }: TenantSpec): Record<string, string> {
  return {
    PLAN: plan,
    BRAND_NAME: branding.productName,
    BRAND_COLOR: branding.primaryColor,
    BRAND_LOGO_URL: branding.logoUrl,
    AI_WORKFLOWS: features.aiWorkflows,
    CHATBOT: features.chatbot,
    CUSTOM_THEME: features.theme,
    INTEGRATIONS: features.integrations.join(","),
  };
}

/** A tenant's own application. */
export interface App {
  /** Name of the Service that answers the tenant's hosts. */
  readonly service: Output<string>;
  /** There once its pods are. */
  readonly deployment: Resource;
}

/**
 * The application of a silo tenant: Deployment, Service, autoscaler, disruption budget and the init Job, which runs
 * after each rollout of another release or plan and is idempotent. While the tenant is not served it has no
 * pods, and the Service leads to the maintenance response; files, data and backups stay.
 * @param uploads the claim of its uploads volume
 * @param guards quota and network policies, which exist before the first pod
 */
export function createApp(
  scope: TenantScope,
  logins: { readonly app: LoginRef; readonly init: LoginRef },
  uploads: Input<string>,
  guards: readonly Resource[],
): App {
  const { spec, cell } = scope;
  const { id, serving } = spec;
  const files = uploadsMounts(uploads);
  const login = applicationLogin(spec.release, logins.app, files);
  const deployment = createApplication(scope, {
    selector: appLabels(id),
    release: spec.release,
    pod: spec.pod,
    replicas: serving ? spec.replicas : undefined,
    env: [
      { name: "TENANT_ID", value: id },
      ...login.env,
      // The API server keeps no empty value, which would be drift.
      ...Object.entries(features(spec)).flatMap(([name, value]) => (value === "" ? [] : [{ name, value }])),
    ],
    mounts: login.mounts,
    // Credentials are read at start only: others need other pods.
    annotations: { "tenantstack.io/credentials-rotation": String(spec.credentials.rotation) },
    after: guards,
  });
  const service = createService(scope, {
    labels: { ...appLabels(id), ...siloLabels(cell.cell) },
    selector: serving ? appLabels(id) : maintenanceLabels(id),
    pods: serving
      ? deployment
      : createMaintenance(scope, {
          mode: spec.suspensionMode,
          selector: maintenanceLabels(id),
          after: guards,
        }),
  });
  if (serving) {
    createInit(scope, logins.init, { ...spec, mounts: files, after: [deployment] });
  }
  return { service, deployment };
}

/** What the init Job prepares. */
interface InitArgs {
  /** Default: that of the Job where the tenant is served. */
  readonly name?: string;
  /** Where the data is going to be. */
  readonly placement: Placement;
  readonly plan: PlanName;
  readonly release: Release;
  /** Default: scratch folders only, as the files of a pool's tenant are the pool's. */
  readonly mounts?: Mounts;
  readonly after: readonly Resource[];
}

/** Creates the schema and the customer's data; runs again, as a new Job, for another release or plan. */
export function createInit(scope: TenantScope, login: LoginRef, args: InitArgs): Resource {
  const { name, placement, plan, release, mounts = scratchMounts(), after } = args;
  const { id } = scope.spec;
  const tenant = { name: "TENANT_ID", value: id };
  const given = applicationLogin(release, login, mounts);
  return createJob(scope, {
    name: name ?? initJobOf(scope.spec, scope.cell.qualifier).name,
    ...(name === undefined ? { suffix: INIT.replace(/^warehouse-/, "") } : {}),
    // The shared database's tables are prepared for all its tenants: see components/cell/sharedDatabase.ts.
    ...(hasOwnDatabase(placement)
      ? {
          before: {
            name: "warehouse-schema",
            args: ["schema-prepare"],
            env: [tenant, ...loginEnv(scope, login)],
          },
        }
      : {}),
    container: {
      image: release.image,
      command: ["php", "/var/www/html/scripts/init-customer.php", `--customer-id=${id}`, `--plan=${plan}`],
      env: [tenant, ...given.env],
      volumeMounts: given.mounts.volumeMounts,
    },
    volumes: given.mounts.volumes,
    deadlineSeconds: 900,
    after,
  });
}
