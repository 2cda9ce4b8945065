import { AI_WORKFLOWS, CHATBOTS, PLAN_NAMES } from "../catalogue.ts";
import { INTEGRATIONS } from "../integrations.ts";
import { effectivePlan, hasOwnApp } from "../placement.ts";
import { formatBytes } from "../quantities.ts";
import { cellOf, regionOf, volumeBytes } from "../resolve.ts";
import { perTenant, type Finding, type Rule } from "./rule.ts";

/** Features stay within what the plan entitles to. */
export const featuresWithinPlan: Rule = perTenant((entry, { catalogue }) => {
  const { features } = entry;
  const { entitlements, displayName } = catalogue.plans[effectivePlan(entry)];
  const { ai_workflows, chatbot, custom_theme, integrations } = features;
  const more = (field: string, value: string, most: string): Finding => ({
    path: ["features", field],
    message: `"${value}" is more than ${displayName} includes ("${most}"); lower it or raise the plan`,
  });
  return [
    ai_workflows !== undefined &&
    AI_WORKFLOWS.indexOf(ai_workflows) > AI_WORKFLOWS.indexOf(entitlements.aiWorkflows)
      ? more("ai_workflows", ai_workflows, entitlements.aiWorkflows)
      : undefined,
    chatbot !== undefined && CHATBOTS.indexOf(chatbot) > CHATBOTS.indexOf(entitlements.chatbot)
      ? more("chatbot", chatbot, entitlements.chatbot)
      : undefined,
    custom_theme !== undefined && !entitlements.branding
      ? excluded(["features", "custom_theme"], displayName, "custom theme", "it")
      : undefined,
    integrations.length > 0 && !entitlements.integrations
      ? excluded(["features", "integrations"], displayName, "integrations", "them")
      : undefined,
  ];
});

const excluded = (path: PropertyKey[], plan: string, what: string, it: string): Finding => ({
  path,
  message: `${plan} includes no ${what}; remove ${it} or raise the plan`,
});

/** Only who has an application of its own can have a dashboard of its own. */
export const dashboardsFitPlacement: Rule = perTenant(({ observability, plan }, { catalogue }) => {
  const { placement, displayName } = catalogue.plans[plan];
  return [
    observability.dashboard === "dedicated" && !hasOwnApp(placement)
      ? excluded(["observability", "dashboard"], displayName, "dashboard of the tenant's own", "it")
      : undefined,
  ];
});

/** An integration is listed once. */
export const integrationsAreDistinct: Rule = perTenant(({ features: { integrations } }) =>
  integrations.map((integration, at) =>
    integrations.indexOf(integration) < at
      ? { path: ["features", "integrations", at], message: `"${integration}" is listed twice; keep one` }
      : undefined,
  ),
);

/** No more custom domains than the plan includes. */
export const domainsWithinPlan: Rule = perTenant((entry, { catalogue }) => {
  const { domains } = entry;
  const { entitlements, displayName } = catalogue.plans[effectivePlan(entry)];
  return [
    domains.length > entitlements.customDomains
      ? {
          path: ["domains"],
          message: `${domains.length} are more than the ${entitlements.customDomains} that ${displayName} includes; remove some or raise the plan`,
        }
      : undefined,
  ];
});

/** White label only where the plan includes it. */
export const brandingWithinPlan: Rule = perTenant((entry, { catalogue }) => {
  const { branding } = entry;
  const { entitlements, displayName } = catalogue.plans[effectivePlan(entry)];
  return [
    Object.keys(branding).length > 0 && !entitlements.branding
      ? excluded(["branding"], displayName, "white label", "it")
      : undefined,
  ];
});

/** Overrides only where the plan includes them, and within what it sells. */
export const overridesWithinPlan: Rule = perTenant((entry, { catalogue }) => {
  const { overrides } = entry;
  const { entitlements, displayName, replicas, resources } = catalogue.plans[effectivePlan(entry)];
  if (Object.keys(overrides).length > 0 && !entitlements.customization)
    return [excluded(["overrides"], displayName, "overrides", "them")];
  const bounds = overrides.replicas;
  const beyond = (path: PropertyKey[], value: string, bound: string): Finding => ({
    path: ["overrides", ...path],
    message: `${value} is ${bound} of ${displayName}; stay within the plan`,
  });
  return [
    bounds !== undefined && bounds.min < replicas.min
      ? beyond(["replicas", "min"], String(bounds.min), `below the ${replicas.min} replicas`)
      : undefined,
    bounds !== undefined && bounds.max > replicas.max
      ? beyond(["replicas", "max"], String(bounds.max), `above the ${replicas.max} replicas`)
      : undefined,
    bounds !== undefined && bounds.min > bounds.max
      ? { path: ["overrides", "replicas", "max"], message: `${bounds.max} is below min (${bounds.min})` }
      : undefined,
    overrides.storage !== undefined && overrides.storage > resources.storage
      ? beyond(["storage"], formatBytes(overrides.storage), `above the ${formatBytes(resources.storage)}`)
      : undefined,
  ];
});

/** A kept volume is larger than what the plan gives anyway, and no way to storage that no plan sells. */
export const keptVolumeIsLarger: Rule = perTenant((entry, { catalogue: { plans } }) => {
  const { uploadsVolume, overrides, plan, migration } = entry;
  if (uploadsVolume === undefined) return [];
  const finding = (message: string): Finding => ({
    path: ["uploadsVolume"],
    message: `${formatBytes(uploadsVolume)} ${message}`,
  });
  const own = [plan, migration?.from ?? plan].find((name) => hasOwnApp(plans[name].placement));
  if (own === undefined)
    return [finding(`has no effect: ${plans[plan].displayName} has no volume of its own; remove it`)];
  const given = volumeBytes({ overrides }, plans[own]);
  const most = Math.max(...PLAN_NAMES.map((name) => plans[name].resources.storage));
  return [
    uploadsVolume <= given
      ? finding(`is not above the ${formatBytes(given)} that the tenant gets anyway; remove it`)
      : undefined,
    uploadsVolume > most ? finding(`is above the ${formatBytes(most)} of the largest plan`) : undefined,
  ];
});

/** A tenant lives in the region of its cell. */
export const regionMatchesCell: Rule = perTenant((entry, { defaults, context }) => {
  const [cell, region] = [cellOf(entry, defaults), regionOf(entry, defaults)];
  const elsewhere = cell !== undefined && context.cell !== undefined && cell !== context.cell;
  return [
    !elsewhere && region !== undefined && context.region !== undefined && region !== context.region
      ? {
          path: ["region"],
          message: `"${region}" is not the region of this cell (${context.region}); name the tenant's cell or correct the region`,
        }
      : undefined,
  ];
});

/** A server of the customer's own is for an integration that is switched on and has such servers. */
export const ownServersAreUsed: Rule = perTenant(({ features, integrationServers }, { catalogue }) =>
  INTEGRATIONS.map((integration) => {
    const path = ["integrationServers", integration];
    if (integrationServers[integration] === undefined) return undefined;
    if (!catalogue.integrations[integration].ownServers)
      return { path, message: `${integration} has no servers of customers' own; remove it`, at: "key" };
    return features.integrations.includes(integration)
      ? undefined
      : {
          path,
          message: `${integration} is not switched on; add it to features.integrations, or remove this`,
          at: "key",
        };
  }),
);
