/** swc strips the types; nothing is type-checked here (`npm run typecheck` does). */
const swc = [
  "@swc/jest",
  {
    jsc: { parser: { syntax: "typescript" }, target: "es2023" },
    module: { type: "commonjs" },
    swcrc: false,
  },
];

/** Shared by both projects. */
const common = {
  testEnvironment: "node",
  transform: { "^.+\\.(ts|mjs)$": swc, "/node_modules/commander/.+\\.js$": swc },
  // commander ships ES modules only.
  transformIgnorePatterns: ["/node_modules/(?!commander/)"],
  modulePathIgnorePatterns: ["<rootDir>/.sandbox"],
};

/** @type {import("jest").Config} */
export default {
  // Of a unit test on a machine that is busy; those that take longer say so.
  testTimeout: 30_000,
  projects: [
    {
      ...common,
      displayName: "unit",
      testMatch: ["<rootDir>/test/**/*.test.ts"],
      testPathIgnorePatterns: ["/e2e/"],
    },
    { ...common, displayName: "e2e", testMatch: ["<rootDir>/test/e2e/**/*.test.ts"] },
  ],
};
