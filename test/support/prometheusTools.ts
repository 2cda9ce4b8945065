import { plainReport } from "../../sandbox/lib/report.ts";
import { toolchainContext } from "../../sandbox/toolchain/context.ts";
import { obtainPrometheus } from "../../sandbox/toolchain/prometheus.ts";

/** Prometheus and promtool, fetched where they are missing, without a word. */
export const prometheusTools = (): ReturnType<typeof obtainPrometheus> =>
  obtainPrometheus(
    toolchainContext(
      process.env,
      plainReport(() => undefined),
    ),
  );
