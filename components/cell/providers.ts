import { Provider as AwsProvider, type ProviderArgs as AwsArgs } from "@pulumi/aws/provider.js";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes/provider.js";
import { Provider as PostgresqlProvider } from "@pulumi/postgresql/provider.js";
import type { Output, ProviderResource } from "@pulumi/pulumi";
import { Provider as RandomProvider } from "@pulumi/random/provider.js";
import type { CellConfig } from "./config.ts";

/**
 * The explicit providers of a cell. Default providers are switched off in the stack files, so nothing can reach
 * the cluster of an ambient kubeconfig.
 * @param databasePassword of the platform's role, a secret
 */
export function createProviders(cell: CellConfig, databasePassword: Output<string>): ProviderResource[] {
  return [
    new KubernetesProvider("kubernetes", {
      context: cell.kubernetes.context,
      enableServerSideApply: true,
      // Changed in place: pods that read them are rolled by their own annotation, others pick the change up.
      enableConfigMapMutable: true,
      enableSecretMutable: true,
    }),
    new PostgresqlProvider("postgresql", {
      host: cell.database.host,
      port: cell.database.port,
      username: cell.database.user,
      password: databasePassword,
      sslmode: cell.database.sslmode,
      superuser: false,
      // One is too few (the provider waits for itself), many starve the tenants.
      maxConnections: 4,
    }),
    new AwsProvider("aws", awsArguments(cell)),
    new RandomProvider("random", {}),
  ];
}

/** What reaches AWS in a region, or the endpoint in its place. */
export function awsArguments({ region, aws: { endpoint } }: Pick<CellConfig, "region" | "aws">): AwsArgs {
  return {
    region,
    ...(endpoint === undefined
      ? {}
      : {
          endpoints: [{ s3: endpoint }],
          s3UsePathStyle: true,
          skipCredentialsValidation: true,
          skipMetadataApiCheck: true,
          skipRequestingAccountId: true,
        }),
  };
}
