/** What `npm run sandbox help` prints. */
export const helpText = (): string => `npm run sandbox [subcommand] [options]

  up                          start or complete the platform, then \`pulumi up\` of the registry (default)
      --no-deploy             the platform alone
  preview [pulumi options]    what an update would change, e.g. npm run sandbox preview -- --diff
  status [--json]             what runs, and the tenants
  logs <tenant> [workload]    output of the tenant's operations; -f follows (npm run sandbox -- logs acme -f)
  trigger <tenant> <cronjob>  run a CronJob now and follow it
  env                         export lines: eval "$(npm run --silent sandbox env)"
  shell                       a shell with that environment
  stop                        end all processes, keep the data
  destroy [--yes]             end all processes and delete the sandbox folder
  help                        this text

  --dir <folder>              the sandbox folder (default: .sandbox, or $WAREHOUSE_SANDBOX_DIR)

npm keeps options for itself unless they follow \`--\`: npm run sandbox -- status --json
$WAREHOUSE_CACHE is the folder of tools (default: ~/.cache/warehouse-tenants), $WAREHOUSE_OFFLINE=1 skips
vendor downloads, $WAREHOUSE_POSTGRES names the folder of PostgreSQL's programs to use. $WAREHOUSE_SANDBOX_CELL is the
cell whose tenants a new sandbox has (default: the first that the registry names).`;
