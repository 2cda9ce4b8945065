import { AI_WORKFLOWS, CHATBOTS, PLAN_NAMES } from "../catalogue.ts";
import { isLive } from "../lifecycle.ts";
import { formatBytes } from "../quantities.ts";
import { cellOf, regionOf, uploadsBytes } from "../resolve.ts";
import { perTenant, type Finding, type Rule } from "./rule.ts";

/** Features stay within what the plan entitles to. */
export const featuresWithinPlan: Rule = perTenant(({ features, plan }, { catalogue }) => {
  const { entitlements, displayName } = catalogue.plans[plan];
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

/** An integration is listed once. */
export const integrationsAreDistinct: Rule = perTenant(({ features: { integrations } }) =>
  integrations.map((integration, at) =>
    integrations.indexOf(integration) < at
      ? { path: ["features", "integrations", at], message: `"${integration}" is listed twice; keep one` }
      : undefined,
  ),
);

/** No more custom domains than the plan includes. */
export const domainsWithinPlan: Rule = perTenant(({ domains, plan }, { catalogue }) => {
  const { entitlements, displayName } = catalogue.plans[plan];
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
export const brandingWithinPlan: Rule = perTenant(({ branding, plan }, { catalogue }) => {
  const { entitlements, displayName } = catalogue.plans[plan];
  return [
    Object.keys(branding).length > 0 && !entitlements.branding
      ? excluded(["branding"], displayName, "white label", "it")
      : undefined,
  ];
});

/** Overrides only where the plan includes them, and within what it sells. */
export const overridesWithinPlan: Rule = perTenant(({ overrides, plan }, { catalogue }) => {
  const { entitlements, displayName, replicas, resources } = catalogue.plans[plan];
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
export const keptVolumeIsLarger: Rule = perTenant(({ uploadsVolume, overrides, plan }, { catalogue }) => {
  if (uploadsVolume === undefined) return [];
  const given = uploadsBytes({ overrides }, catalogue.plans[plan]);
  const most = Math.max(...PLAN_NAMES.map((name) => catalogue.plans[name].resources.storage));
  const finding = (message: string): Finding => ({
    path: ["uploadsVolume"],
    message: `${formatBytes(uploadsVolume)} ${message}`,
  });
  return [
    uploadsVolume <= given
      ? finding(`is not above the ${formatBytes(given)} that the tenant gets anyway; remove it`)
      : undefined,
    uploadsVolume > most ? finding(`is above the ${formatBytes(most)} of the largest plan`) : undefined,
  ];
});

/** Only placements that the program can deploy. */
export const placementIsDeployable: Rule = perTenant(({ plan, state }, { catalogue }) => {
  const { placement } = catalogue.plans[plan];
  return [
    placement !== "silo" && isLive(state)
      ? {
          path: ["plan"],
          message: `"${plan}" is placed in a ${placement}, which this version cannot deploy yet; use a plan with placement silo`,
        }
      : undefined,
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
