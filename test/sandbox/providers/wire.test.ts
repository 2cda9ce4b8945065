import fc from "fast-check";
import {
  annotate,
  containsSecret,
  containsUnknown,
  decode,
  encode,
  redactor,
  reveal,
  seal,
  secret,
  secretTexts,
  UNKNOWN,
  type Wire,
  type WireProps,
} from "../../../sandbox/providers/base/wire.ts";

const { value } = fc.letrec<{ value: Wire; fields: WireProps }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.constant(UNKNOWN),
    tie("value").map(secret),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("fields"),
  ),
  fields: fc.dictionary(fc.stringMatching(/^[a-zA-Z_./-]{1,8}$/), tie("value"), { maxKeys: 4 }),
}));
const props = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), value, { maxKeys: 4 });

describe("wire values", () => {
  it("come back from the wire as they were sent", () => {
    fc.assert(
      fc.property(props, (sent) => {
        expect(decode(encode(sent))).toEqual({ ...sent });
      }),
    );
  });

  it("leave out null properties, as the engine means them to be", () => {
    expect(decode(encode({ a: null, b: { c: null, d: 1 }, e: [null] }))).toEqual({ b: { d: 1 }, e: [null] });
  });

  it("take output values for what they hold", () => {
    const output = (fields: WireProps): WireProps => ({
      "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4",
      ...fields,
    });
    const sent = {
      known: output({ value: 1 }),
      open: output({}),
      hidden: output({ value: "x", secret: true }),
    };
    expect(decode(encode(sent))).toEqual({ known: 1, open: UNKNOWN, hidden: secret("x") });
  });

  it("have no secret left once revealed, and keep their unknowns", () => {
    fc.assert(
      fc.property(props, (sent) => {
        const plain = reveal(sent);
        expect(containsSecret(plain)).toBe(false);
        expect(containsUnknown(plain)).toBe(containsUnknown(sent));
      }),
    );
  });
});

describe("annotate", () => {
  it("makes secret what was secret in the inputs, key by key", () => {
    const inputs = { spec: { host: "a", token: secret("t") }, name: "n" };
    const outputs = { spec: { host: "a", token: "t", port: 1 }, name: "n", status: {} };
    expect(annotate(outputs, inputs)).toEqual({
      spec: { host: "a", token: secret("t"), port: 1 },
      name: "n",
      status: {},
    });
  });

  it("makes a list secret as a whole when one item was", () => {
    const inputs = {
      env: [
        { name: "A", value: "x" },
        { name: "B", value: secret("y") },
      ],
    };
    const outputs = {
      env: [
        { name: "B", value: "y" },
        { name: "A", value: "x" },
      ],
    };
    expect(annotate(outputs, inputs)).toEqual({ env: secret(outputs.env) });
  });

  it("puts the secrecy of any inputs back on the same values", () => {
    fc.assert(
      fc.property(props, (inputs) => {
        const again = annotate(reveal(inputs), inputs);
        for (const [key, input] of Object.entries(inputs)) {
          expect(containsSecret(again[key] ?? null)).toBe(containsSecret(input));
        }
      }),
    );
  });
});

describe("seal", () => {
  it("wraps the values at paths that exist, once", () => {
    const state = { data: { a: "1" }, __inputs: { data: secret("x") } };
    const paths = [["data"], ["__inputs", "data"], ["__inputs", "stringData"], ["missing"]];
    expect(seal(state, paths)).toEqual({ data: secret({ a: "1" }), __inputs: { data: secret("x") } });
  });
});

describe("redactor", () => {
  it("strikes secrets out plain, in base64, JSON and URL form", () => {
    const texts = secretTexts({ password: secret({ inner: 's3/cr"et' }), name: "plain" });
    expect(texts).toEqual(['s3/cr"et']);
    const redact = redactor(texts);
    const forms = ['s3/cr"et', 's3/cr\\"et', "czMvY3IiZXQ=", "s3%2Fcr%22et"];
    expect(redact(`plain ${forms.join(" ")}`)).toBe("plain [secret] [secret] [secret] [secret]");
  });

  it("leaves no secret of four characters or more in any message", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 4 })), fc.string(), (secrets, noise) => {
        const message = redactor(secrets)(noise + secrets.join(noise));
        for (const each of secrets) if (!"[secret]".includes(each)) expect(message).not.toContain(each);
      }),
    );
  });
});
