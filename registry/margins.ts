import { PLAN_NAMES, type Plan, type PlanName } from "./catalogue.ts";

/** What a plan earns a month, in minor units. */
export interface Margin {
  /** Price less estimated cost; negative where the plan costs more than it brings. */
  readonly marginMinor: number;
  /** The margin in basis points of the price, rounded; 0 for a price of 0. */
  readonly marginBps: number;
  /** Share of the cost that is neither AI nor support. */
  readonly computeMinor: number;
}

export function planMargin({ priceMinor, cost }: Pick<Plan, "priceMinor" | "cost">): Margin {
  const marginMinor = priceMinor - cost.totalMinor;
  return {
    marginMinor,
    marginBps: priceMinor === 0 ? 0 : Math.round((marginMinor * 10_000) / priceMinor),
    computeMinor: cost.totalMinor - cost.aiMinor - cost.supportMinor,
  };
}

/** The difference that a change of plan makes a month, in minor units; positive where it grows. */
export function planChange(
  from: Plan,
  to: Plan,
): { readonly priceMinor: number; readonly costMinor: number; readonly marginMinor: number } {
  return {
    priceMinor: to.priceMinor - from.priceMinor,
    costMinor: to.cost.totalMinor - from.cost.totalMinor,
    marginMinor: planMargin(to).marginMinor - planMargin(from).marginMinor,
  };
}

/** What a plan's cost leaves for compute. */
interface ComputeShare {
  readonly name: PlanName;
  readonly computeMinor: number;
}

/** Plans whose AI and support leave no more for compute than the next cheaper plan has, which grants less of it. */
export function crowdedOutPlans(
  plans: Readonly<Record<PlanName, Plan>>,
): readonly (ComputeShare & { readonly below: ComputeShare })[] {
  const shares = PLAN_NAMES.map((name) => ({ name, computeMinor: planMargin(plans[name]).computeMinor }));
  return shares.flatMap((share, index) => {
    const below = shares[index - 1];
    return below !== undefined && share.computeMinor <= below.computeMinor ? [{ ...share, below }] : [];
  });
}
