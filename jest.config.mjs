/** Shared by both projects: swc strips the types, nothing is type-checked here (`npm run typecheck` does). */
const common = {
  testEnvironment: "node",
  transform: {
    "^.+\\.(ts|mjs)$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2023" },
        module: { type: "commonjs" },
        swcrc: false,
      },
    ],
  },
  extensionsToTreatAsEsm: [],
  modulePathIgnorePatterns: ["<rootDir>/.sandbox"],
};

/** @type {import("jest").Config} */
export default {
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
