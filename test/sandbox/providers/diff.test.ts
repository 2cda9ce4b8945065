import fc from "fast-check";
import { changesBetween, diffProps, equal, pathOf } from "../../../sandbox/providers/base/diff.ts";
import { type Props, UNKNOWN } from "../../../sandbox/providers/base/wire.ts";

const json = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,4}$/),
  fc.jsonValue({ maxDepth: 3 }),
) as fc.Arbitrary<Props>;
const summary = (olds: Props, news: Props): string[] =>
  changesBetween(olds, news).map(({ kind, path }) => `${kind} ${path}`);

describe("changesBetween", () => {
  it("finds nothing between equal properties", () => {
    fc.assert(
      fc.property(json, (props) => {
        expect(changesBetween(props, structuredClone(props))).toEqual([]);
      }),
    );
  });

  it("names every changed leaf and how it changed", () => {
    const olds = { spec: { replicas: 1, paused: true, ports: [{ port: 80 }, { port: 81 }] } };
    const news = { spec: { replicas: 2, ports: [{ port: 8080 }], strategy: {} } };
    expect(summary(olds, news)).toEqual([
      "update spec.replicas",
      "delete spec.paused",
      "update spec.ports[0].port",
      "delete spec.ports[1]",
      "add spec.strategy",
    ]);
  });

  it("counts a value that is not known yet as changed", () => {
    expect(summary({ host: "a" }, { host: UNKNOWN })).toEqual(["update host"]);
    expect(equal(UNKNOWN, UNKNOWN)).toBe(false);
  });

  it("skips what plugins keep for themselves, but not the user's keys that look alike", () => {
    expect(summary({ __inputs: 1, data: { __x: "1" } }, { data: { __x: "2" } })).toEqual(["update data.__x"]);
  });
});

describe("pathOf", () => {
  it("quotes keys that hold path characters", () => {
    expect(pathOf(["metadata", "labels", "a.b/c", 0])).toBe('metadata.labels["a.b/c"][0]');
  });
});

describe("diffProps", () => {
  it("replaces for the named properties only", () => {
    const { changes } = diffProps({ bucket: "a", key: "k" }, { bucket: "b", key: "k", content: "c" }, [
      "bucket",
    ]);
    expect(changes.map(({ path, replace }) => [path, replace])).toEqual([
      ["bucket", true],
      ["content", false],
    ]);
  });
});
